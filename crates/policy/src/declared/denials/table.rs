//! A map by the ids that denials name.

use std::collections::HashMap;

/// Bits of the filter for each id: about one unknown id in sixteen passes.
const FILTER_BITS: usize = 16;

/// Odd, with as many ones as zeros: the fraction of the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Values by id. A filter in front of the map answers for most ids that are not
/// in it, because a record may name a hundred ids while the client denied
/// none. The hash of the map has a random key: callers choose the ids.
#[derive(Clone, Debug)]
pub(super) struct IdTable<'a> {
    values: HashMap<&'a str, usize>,
    filter: Vec<u64>,
    /// Selects the highest bits of a product, as many as number the filter's bits.
    shift: u32,
}

impl<'a> IdTable<'a> {
    /// An empty table for a number of ids.
    pub(super) fn with_capacity(ids: usize) -> Self {
        let bits = (ids * FILTER_BITS).next_power_of_two().max(64);
        Self {
            values: HashMap::with_capacity(ids),
            filter: vec![0; if ids == 0 { 0 } else { bits / 64 }],
            shift: u64::BITS - bits.trailing_zeros(),
        }
    }

    /// Whether it has no id.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of an id, `absent` if it is new.
    pub(super) fn entry(&mut self, id: &'a str, absent: usize) -> &mut usize {
        let (word, bit) = self.place(id);
        if let Some(word) = self.filter.get_mut(word) {
            *word |= bit;
        }
        self.values.entry(id).or_insert(absent)
    }

    /// The value of an id.
    #[inline]
    pub(super) fn get(&self, id: &str) -> Option<usize> {
        let (word, bit) = self.place(id);
        let may_be_there = self.filter.get(word).is_some_and(|word| word & bit != 0);
        if may_be_there { self.values.get(id).copied() } else { None }
    }

    /// The word and the bit of an id in the filter.
    #[inline]
    fn place(&self, id: &str) -> (usize, u64) {
        let hash = fingerprint(id).wrapping_mul(MULTIPLIER) >> self.shift;
        ((hash / 64) as usize, 1 << (hash % 64))
    }
}

/// The end of an id, in which ids differ most, and its length.
#[inline]
fn fingerprint(id: &str) -> u64 {
    let bytes = id.as_bytes();
    let end = match bytes.last_chunk() {
        Some(end) => u64::from_le_bytes(*end),
        None => bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    end ^ (bytes.len() as u64).rotate_right(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_found_and_no_other() {
        let ids: Vec<String> = (0..1000).map(|id| format!("{}{id}", "x".repeat(id % 20))).collect();
        let mut table = IdTable::with_capacity(ids.len());
        for (value, id) in ids.iter().enumerate() {
            assert_eq!(*table.entry(id, value), value);
            assert_eq!(*table.entry(id, usize::MAX), value, "the first value stays");
        }
        for (value, id) in ids.iter().enumerate() {
            assert_eq!(table.get(id), Some(value));
            assert_eq!(table.get(&format!("{id}-")), None);
        }
        assert_eq!(IdTable::with_capacity(0).get("none"), None);
    }

    #[test]
    fn the_filter_answers_for_most_unknown_ids() {
        let ids: Vec<String> = (0..10_000).map(|id| format!("task-{id}")).collect();
        let mut table = IdTable::with_capacity(ids.len());
        for id in &ids {
            table.entry(id, 0);
        }
        table.values.clear();
        let passes = |id: &u32| {
            let (word, bit) = table.place(&format!("other-{id}"));
            table.filter.get(word).is_some_and(|word| word & bit != 0)
        };
        let passing = (0..10_000).filter(passes).count();
        assert!(passing < 1_500, "{passing} of 10,000 unknown ids pass the filter");
    }
}
