//! The state of the index, to the wire. It comes as plain values, because the
//! wire and the index do not know each other.

use std::time::Duration;

/// A time on the wire.
#[must_use]
pub fn to_duration(duration: Duration) -> pbjson_types::Duration {
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    let nanos = i32::try_from(duration.subsec_nanos()).unwrap_or_default();
    pbjson_types::Duration { seconds, nanos }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_seconds_and_nanoseconds() {
        let written = to_duration(Duration::new(90, 7));
        assert_eq!((written.seconds, written.nanos), (90, 7));
    }
}
