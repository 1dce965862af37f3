//! The clock by which freshness is proven.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since the machine was booted. Nothing sets this clock, and it
/// goes on while the machine is suspended, as `std::time::Instant` does not:
/// what was fresh before is stale after.
pub(super) fn nanos() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}
