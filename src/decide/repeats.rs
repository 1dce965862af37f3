//! The verdicts of the records of a request that were decided, so that a record
//! that is equal to an earlier one is not decided again.

use crate::policy::verdict::Verdict;
use crate::wire::view::RecordView;

/// Maximum number of earlier records with which one is compared. With more of
/// one fingerprint a record may be decided again.
const PROBES_MAX: usize = 8;

/// Odd, with as many ones as zeros: the fraction of the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// The records of a request that were decided, in a hash table with open
/// addressing. Two records with one fingerprint are compared as they were received.
pub(super) struct Repeats<K> {
    /// Empty: the request has one record.
    slots: Vec<Slot>,
    /// Selects the highest bits of a fingerprint, as many as number the slots.
    shift: u32,
    decided: Vec<(K, Verdict)>,
}

/// A decided record: the low half of its fingerprint, and its index plus one.
#[derive(Clone, Copy, Default)]
struct Slot {
    fingerprint: u32,
    decided: u32,
}

impl<K: Copy + Eq> Repeats<K> {
    /// For a request with a number of records.
    pub(super) fn among(records: usize) -> Self {
        if records < 2 {
            return Self { slots: Vec::new(), shift: 0, decided: Vec::new() };
        }
        let slots = (records * 2).next_power_of_two();
        Self {
            slots: vec![Slot::default(); slots],
            shift: u64::BITS - slots.trailing_zeros(),
            decided: Vec::with_capacity(records),
        }
    }

    /// Passes the verdict on a record to `each`: that of an equal record, or a new one.
    #[inline]
    pub(super) fn verdict(
        &mut self,
        received: K,
        view: &RecordView<'_>,
        decide: impl FnOnce() -> Verdict,
        mut each: impl FnMut(&Verdict),
    ) {
        if self.slots.is_empty() {
            return each(&decide());
        }
        let hash = fingerprint(view);
        let fingerprint = hash as u32;
        let start = (hash >> self.shift) as usize;
        let mask = self.slots.len() - 1;
        for at in start..start + PROBES_MAX {
            let Some(slot) = self.slots.get_mut(at & mask) else { break };
            let Some(earlier) = slot.decided.checked_sub(1) else {
                let verdict = decide();
                each(&verdict);
                self.decided.push((received, verdict));
                *slot = Slot { fingerprint, decided: self.decided.len() as u32 };
                return;
            };
            if slot.fingerprint == fingerprint
                && let Some((equal, verdict)) = self.decided.get(earlier as usize)
                && *equal == received
            {
                return each(verdict);
            }
        }
        each(&decide());
    }
}

/// The fields in which the records of a client differ most: the ends of the ids.
#[inline]
fn fingerprint(view: &RecordView<'_>) -> u64 {
    let word = end(view.id) ^ end(view.service_event).rotate_left(32);
    let product = u128::from(word ^ MULTIPLIER) * u128::from(MULTIPLIER);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The last bytes of an id.
#[inline]
fn end(id: &str) -> u64 {
    let bytes = id.as_bytes();
    match bytes.last_chunk() {
        Some(end) => u64::from_le_bytes(*end),
        None => bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::policy::request::RecordField;
    use crate::wire::v1;

    /// The number of records that are decided of some, given by their ids; each gets
    /// a verdict of its own, which equal ones share.
    fn decided(ids: &[String]) -> usize {
        let mut repeats = Repeats::among(ids.len());
        let count = Cell::new(0);
        for id in ids {
            let record = v1::Record { id: id.clone(), ..v1::Record::default() };
            let place = ids.iter().position(|other| other == id).unwrap_or_default() as u32;
            let decide = || {
                count.set(count.get() + 1);
                let declarations = [place].into_iter().collect();
                Verdict { declarations, ..Verdict::invalid(RecordField::Kind) }
            };
            let each = |verdict: &Verdict| assert!(verdict.declarations.contains(&place), "{id}");
            repeats.verdict(id.as_str(), &RecordView::from(&record), decide, each);
        }
        count.get()
    }

    #[test]
    fn equal_records_are_decided_once() {
        let ids = |count: usize, distinct: usize| -> Vec<String> {
            (0..count).map(|record| format!("document-{}", record % distinct)).collect()
        };
        for (count, distinct) in [(1, 1), (2, 1), (2, 2), (1000, 1), (1000, 1000), (5000, 700)] {
            assert_eq!(decided(&ids(count, distinct)), distinct, "{count} {distinct}");
        }
    }

    #[test]
    fn records_with_one_fingerprint_are_compared() {
        // They differ before the last eight bytes.
        let ids = |distinct: usize| -> Vec<String> {
            (0..100).map(|record| format!("{}-document", record % distinct)).collect()
        };
        assert_eq!(decided(&ids(PROBES_MAX)), PROBES_MAX);
        assert!(decided(&ids(50)) >= 50);
    }
}
