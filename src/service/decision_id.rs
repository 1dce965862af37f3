//! Ids of decisions: UUIDs of version 7, made without asking the system each time.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use uuid::{Builder, Uuid};

use crate::policy::day::Instant;

/// What is random in an id.
const RANDOM_BYTES: usize = 10;

/// Keys from the system, and a counter: each id is a keyed hash of the counter.
struct RandomSource {
    keys: RandomState,
    next: Cell<u64>,
}

thread_local! {
    static SOURCE: RandomSource = RandomSource { keys: RandomState::new(), next: Cell::new(0) };
}

/// A new id, of the instant decided at. Nothing follows from one id for another.
pub(super) fn decision_id(at: Instant) -> Uuid {
    let (one, other) = SOURCE.with(|source| (source.draw(), source.draw()));
    let [a, b, c, d, e, f, g, h] = one.to_le_bytes();
    let [i, j, ..] = other.to_le_bytes();
    let random: [u8; RANDOM_BYTES] = [a, b, c, d, e, f, g, h, i, j];
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

impl RandomSource {
    fn draw(&self) -> u64 {
        let count = self.next.get();
        self.next.set(count.wrapping_add(1));
        self.keys.hash_one(count)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_differ_and_tell_when() {
        let at: Instant = "2026-11-21T10:00:00.123Z".parse().expect("an instant");
        let draw = move || (0..10_000).map(move |_| decision_id(at)).collect::<Vec<_>>();
        let other = std::thread::spawn(draw).join().expect("ids");
        let ids: Vec<Uuid> = draw().into_iter().chain(other).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 20_000);
        for id in &ids {
            assert_eq!(id.get_version_num(), 7);
            let (seconds, nanos) = id.get_timestamp().expect("a time").to_unix();
            assert_eq!((seconds, nanos), (1_795_255_200, 123_000_000));
        }
    }
}
