//! Consistency tokens: the store's epoch and a revision, with a MAC.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::store::{Epoch, Revision};

use super::status::Failure;

const FORMAT: u8 = 1;
const EPOCH_BYTES: usize = 16;
const REVISION_BYTES: usize = 8;
const MAC_BYTES: usize = 16;
const SIGNED_BYTES: usize = 1 + EPOCH_BYTES + REVISION_BYTES;

/// Writes and reads the tokens of one store.
#[derive(Clone)]
pub(super) struct Tokens {
    epoch: [u8; EPOCH_BYTES],
    mac: Hmac<Sha256>,
    /// The one written last: almost every answer is of the same revision as
    /// the one before.
    last: Arc<ArcSwapOption<Token>>,
}

/// A token as text.
#[derive(Debug)]
pub(super) struct Token {
    revision: Revision,
    text: String,
}

impl Token {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

impl Tokens {
    pub(super) fn new(epoch: Epoch, key: &[u8; 32]) -> Self {
        Self { epoch: epoch.0.into_bytes(), mac: keyed(key), last: Arc::default() }
    }

    /// The token of a revision.
    pub(super) fn of(&self, revision: Revision) -> Arc<Token> {
        let last = self.last.load();
        if let Some(last) = last.as_ref().filter(|last| last.revision == revision) {
            return Arc::clone(last);
        }
        let token = Arc::new(Token { revision, text: self.write(revision) });
        self.last.store(Some(Arc::clone(&token)));
        token
    }

    /// The token of a revision, for a message.
    pub(super) fn write(&self, revision: Revision) -> String {
        let mut token = Vec::with_capacity(SIGNED_BYTES + MAC_BYTES);
        token.push(FORMAT);
        token.extend_from_slice(&self.epoch);
        token.extend_from_slice(&revision.0.to_be_bytes());
        let mac = self.mac.clone().chain_update(&token).finalize().into_bytes();
        token.extend(mac.into_iter().take(MAC_BYTES));
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The revision of a token. One of another store is told apart from one
    /// that was not written by this store at all.
    pub(super) fn read(&self, text: &str) -> Result<Revision, Failure> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Failure::ForgedToken)?;
        let bytes: [u8; SIGNED_BYTES + MAC_BYTES] = bytes.try_into().map_err(|_| Failure::ForgedToken)?;
        let (signed, mac) = bytes.split_at(SIGNED_BYTES);
        let (format, rest) = signed.split_at(1);
        let (epoch, revision) = rest.split_at(EPOCH_BYTES);
        if format != [FORMAT] {
            return Err(Failure::ForgedToken);
        }
        if epoch != self.epoch {
            return Err(Failure::TokenOfAnotherStore);
        }
        let is_ours = self.mac.clone().chain_update(signed).verify_truncated_left(mac);
        is_ours.map_err(|_| Failure::ForgedToken)?;
        let revision: [u8; REVISION_BYTES] = revision.try_into().map_err(|_| Failure::ForgedToken)?;
        Ok(Revision(u64::from_be_bytes(revision)))
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // A block of 64 bytes: a shorter key is padded with zeros (RFC 2104).
    let mut block = [0; 64];
    let (start, _) = block.split_at_mut(key.len());
    start.copy_from_slice(key);
    Hmac::<Sha256>::new(&block.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(epoch: u8, key: u8) -> Tokens {
        Tokens { epoch: [epoch; EPOCH_BYTES], mac: keyed(&[key; 32]), last: Arc::default() }
    }

    #[test]
    fn a_token_is_read_as_it_was_written() {
        for revision in [0, 1, u64::MAX] {
            let token = tokens(1, 1).write(Revision(revision));
            assert!(matches!(tokens(1, 1).read(&token), Ok(Revision(read)) if read == revision));
        }
    }

    #[test]
    fn each_revision_has_a_token_of_its_own() {
        let tokens = tokens(1, 1);
        for revision in [7, 7, 8, 7] {
            let token = tokens.of(Revision(revision));
            assert!(matches!(tokens.read(token.as_str()), Ok(Revision(read)) if read == revision));
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let token = URL_SAFE_NO_PAD.decode(tokens(1, 1).write(Revision(7))).expect("base64");
        for bit in 0..token.len() * 8 {
            let mut flipped = token.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(tokens(1, 1).read(&URL_SAFE_NO_PAD.encode(flipped)).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn foreign_and_forged_tokens_are_told_apart() {
        let foreign = tokens(2, 2).write(Revision(7));
        assert!(matches!(tokens(1, 1).read(&foreign), Err(Failure::TokenOfAnotherStore)));
        let forged = tokens(1, 2).write(Revision(7));
        assert!(matches!(tokens(1, 1).read(&forged), Err(Failure::ForgedToken)));
        for text in ["", "x", "AAAA", "not base64 at all!"] {
            assert!(matches!(tokens(1, 1).read(text), Err(Failure::ForgedToken)));
        }
    }
}
