//! How the directory's OIDs are hashed: eight bytes at a time.

use std::hash::{BuildHasherDefault, Hasher};

/// For maps by OID. It is not keyed, because only the operator adds to them:
/// who asks can look for an OID that is not there, and no more.
pub(super) type ByOid = BuildHasherDefault<OidHasher>;

/// Multiplies and folds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OidHasher(u64);

/// Odd, with as many ones as zeros: the fraction of the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

impl OidHasher {
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word).wrapping_mul(u128::from(MULTIPLIER));
        // Both halves are wanted: what one loses the other has.
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for OidHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.fold(u64::from_le_bytes(last) ^ (bytes.len() as u64));
    }

    fn write_u8(&mut self, _: u8) {
        // The mark at the end of a text: its length is hashed already.
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use super::*;

    /// A directory's OIDs begin alike and go on in numbers, wherever among the
    /// eight bytes that are looked at at a time.
    #[test]
    fn oids_that_begin_alike_are_spread_evenly() {
        const PLACES: usize = 4096;
        for beginning in ["1.2.246.10.99999999", "1.2.246.562.10"] {
            let mut hashes = HashSet::new();
            // By the bits that a map takes for the place, and by those that it compares there.
            let (mut low, mut high) = (vec![0; PLACES], vec![0; PLACES]);
            for number in 0..PLACES {
                let hash = ByOid::default().hash_one(format!("{beginning}.{number}"));
                assert!(hashes.insert(hash), "{beginning}.{number} has the hash of another");
                low[hash as usize % PLACES] += 1;
                high[(hash >> 52) as usize] += 1;
            }
            for counts in [low, high] {
                assert!(counts.iter().max() <= Some(&10), "{:?} in one place", counts.iter().max());
            }
        }
    }
}
