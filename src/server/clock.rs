//! The only place where the wall clock is read.

use std::time::SystemTime;

use crate::policy::day::Instant;

/// The current time.
#[expect(clippy::disallowed_methods, reason = "the only place where the wall clock is read")]
#[must_use]
pub fn now() -> Instant {
    SystemTime::now().into()
}
