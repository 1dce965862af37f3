//! Keys derived from the store's secret, one for each use, so that one key reveals nothing about
//! another: HMAC-SHA-256 of the purpose under the secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The use of a derived key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPurpose {
    /// Digests of the index's state.
    StateDigests,
    /// The MAC of a checkpoint of the index.
    Checkpoints,
    /// Pseudonyms of clients in Watch.
    Pseudonyms,
    /// The MAC of the watermark of an SQLite file.
    Watermark,
}

impl KeyPurpose {
    /// The purpose, as it is hashed. Another text gives another key.
    fn label(self) -> &'static [u8] {
        match self {
            Self::StateDigests => b"lupa: digests of the index",
            Self::Checkpoints => b"lupa: checkpoints of the index",
            Self::Pseudonyms => b"lupa: pseudonyms of clients in Watch",
            Self::Watermark => b"lupa: watermark of the SQLite file",
        }
    }

    /// The key for this purpose.
    pub(super) fn key(self, secret: &[u8; 32]) -> [u8; 32] {
        keyed(secret).chain_update(self.label()).finalize().into_bytes().into()
    }
}

/// An HMAC with a key.
#[must_use]
pub fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // A block of 64 bytes: a shorter key is padded with zeros (RFC 2104).
    let mut block = [0; 64];
    let (start, _) = block.split_at_mut(key.len());
    start.copy_from_slice(key);
    Hmac::<Sha256>::new(&block.into())
}
