//! A fast hash of OIDs: multiply and fold, eight bytes at a time.

use std::hash::{BuildHasherDefault, Hasher};

/// For maps by OID, or by a place in the directory. The hash has no random key, because only the operator adds
/// entries: a caller can look up OIDs but cannot fill the map with collisions.
pub(crate) type ByOid = BuildHasherDefault<OidHasher>;

/// The state of the hash.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OidHasher(u64);

/// Odd, with as many ones as zeros: the fraction of the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

impl OidHasher {
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word).wrapping_mul(u128::from(MULTIPLIER));
        // Both halves of the product, so that no bit of the input is lost.
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
        // The end mark that `str` hashes after its bytes: the length is hashed already.
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

    /// The OIDs of a directory share a prefix and end in numbers, at different
    /// offsets in the words of eight bytes.
    #[test]
    fn oids_with_a_common_prefix_are_spread_evenly() {
        const BUCKETS: usize = 4096;
        for prefix in ["1.2.246.10.99999999", "1.2.246.562.10"] {
            let mut hashes = HashSet::new();
            // By the bits that select a bucket of a map, and by those that are compared in it.
            let (mut low, mut high) = (vec![0; BUCKETS], vec![0; BUCKETS]);
            for number in 0..BUCKETS {
                let hash = ByOid::default().hash_one(format!("{prefix}.{number}"));
                assert!(hashes.insert(hash), "{prefix}.{number} has the hash of another OID");
                low[hash as usize % BUCKETS] += 1;
                high[(hash >> 52) as usize] += 1;
            }
            for counts in [low, high] {
                assert!(counts.iter().max() <= Some(&10), "{:?} in one bucket", counts.iter().max());
            }
        }
    }
}
