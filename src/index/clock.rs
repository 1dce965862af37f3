//! The clock that measures freshness.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since boot. This clock cannot be set and, unlike the one of
/// `std::time::Instant`, runs on while the machine is suspended: a snapshot
/// that was fresh before is stale afterwards.
pub(super) fn boottime_nanos() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}
