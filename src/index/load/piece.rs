//! A block of staged entries, in memory that returns to the system when dropped.

use std::io;

use memmap2::MmapMut;

use super::super::entry::PackedEntry;

/// Number of entries in a full piece.
const ENTRIES: usize = 16 * 1_024;

/// Size of a staged entry: client, reference and the two words of the entry.
const ENTRY_BYTES: usize = 24;

/// An entry of a client. The reference is outside the entry, because a stage's
/// tables are longer than a slice's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Staged {
    pub(super) client: u32,
    pub(super) reference: u32,
    pub(super) entry: PackedEntry,
}

/// A block of entries. Its memory is mapped, not allocated: dropping it returns
/// it to the system at once, whatever the allocator would keep and in any thread.
pub(super) struct Piece {
    bytes: MmapMut,
    length: usize,
}

impl Piece {
    /// An empty piece.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { bytes: MmapMut::map_anon(ENTRIES * ENTRY_BYTES)?, length: 0 })
    }

    pub(super) fn is_full(&self) -> bool {
        self.length == ENTRIES
    }

    /// Adds an entry; a full piece ignores it.
    pub(super) fn push(&mut self, staged: Staged) {
        let Staged { client, reference, entry: PackedEntry([low, high]) } = staged;
        let (places, _) = self.bytes.as_chunks_mut::<ENTRY_BYTES>();
        if let Some(place) = places.get_mut(self.length) {
            let (words, _) = place.as_chunks_mut();
            let numbers = u64::from(client) << u32::BITS | u64::from(reference);
            for (word, value) in words.iter_mut().zip([numbers, low, high]) {
                *word = value.to_le_bytes();
            }
            self.length += 1;
        }
    }

    /// The entries in the order of addition.
    pub(super) fn iter(&self) -> impl Iterator<Item = Staged> {
        let (places, _) = self.bytes.as_chunks::<ENTRY_BYTES>();
        places.iter().take(self.length).map(|place| {
            let (words, _) = place.as_chunks();
            let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
            let mut word = || words.next().unwrap_or_default();
            let (numbers, low, high) = (word(), word(), word());
            Staged {
                client: (numbers >> u32::BITS) as u32,
                reference: numbers as u32,
                entry: PackedEntry([low, high]),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_in_the_order_of_addition() {
        let mut piece = Piece::new().unwrap();
        let staged = |n: u32| Staged {
            client: n,
            reference: u32::MAX - n,
            entry: PackedEntry([u64::from(n) << 40, u64::MAX - u64::from(n)]),
        };
        (0..ENTRIES as u32).for_each(|n| piece.push(staged(n)));
        assert!(piece.is_full());
        piece.push(staged(0));
        assert!(piece.iter().eq((0..ENTRIES as u32).map(staged)));
    }
}
