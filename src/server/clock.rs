//! The one place where the time is read.

use std::time::SystemTime;

use crate::policy::day::Instant;

/// What time it is.
#[expect(clippy::disallowed_methods, reason = "the one place where the time is read")]
#[must_use]
pub fn now() -> Instant {
    SystemTime::now().into()
}
