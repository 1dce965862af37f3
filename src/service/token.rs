//! Consistency tokens: an epoch of the store and a revision, with a MAC.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::store::{Epoch, Point, Revision, keyed};
use crate::wire::limits::TOKEN_CHARACTERS_MAX;

use super::status::Failure;

const FORMAT: u8 = 1;
const EPOCH_BYTES: usize = 16;
const REVISION_BYTES: usize = 8;
const MAC_BYTES: usize = 16;
const SIGNED_BYTES: usize = 1 + EPOCH_BYTES + REVISION_BYTES;

/// Writes and reads the tokens of one store.
#[derive(Clone)]
pub(super) struct Tokens {
    mac: Hmac<Sha256>,
    /// Cache of the last token: most answers are at the same revision as the one
    /// before.
    last: Arc<ArcSwapOption<Token>>,
}

/// A token as text.
#[derive(Debug)]
pub(super) struct Token {
    point: Point,
    text: String,
}

impl Token {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

impl Tokens {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self { mac: keyed(key), last: Arc::default() }
    }

    /// The token of a point.
    pub(super) fn of(&self, point: Point) -> Arc<Token> {
        let last = self.last.load();
        if let Some(last) = last.as_ref().filter(|last| last.point == point) {
            return Arc::clone(last);
        }
        let token = Arc::new(Token { point, text: self.write(point) });
        self.last.store(Some(Arc::clone(&token)));
        token
    }

    /// The token of a point, for a message.
    pub(super) fn write(&self, Point { epoch, revision }: Point) -> String {
        let mut token = Vec::with_capacity(SIGNED_BYTES + MAC_BYTES);
        token.push(FORMAT);
        token.extend_from_slice(epoch.0.as_bytes());
        token.extend_from_slice(&revision.0.to_be_bytes());
        let mac = self.mac.clone().chain_update(&token).finalize().into_bytes();
        token.extend(mac.into_iter().take(MAC_BYTES));
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The point of a token that this store wrote, in any epoch. A token of another
    /// store is distinguished from a forged one of this store.
    pub(super) fn read(&self, text: &str, field: &'static str, current: Epoch) -> Result<Point, Failure> {
        let forged = || Failure::ForgedToken { field };
        if text.len() > TOKEN_CHARACTERS_MAX {
            return Err(forged());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| forged())?;
        let bytes: [u8; SIGNED_BYTES + MAC_BYTES] = bytes.try_into().map_err(|_| forged())?;
        let (signed, mac) = bytes.split_at(SIGNED_BYTES);
        let (format, rest) = signed.split_at(1);
        let (epoch, revision) = rest.split_at(EPOCH_BYTES);
        if format != [FORMAT] {
            return Err(forged());
        }
        let epoch = Epoch(Uuid::from_slice(epoch).map_err(|_| forged())?);
        if self.mac.clone().chain_update(signed).verify_truncated_left(mac).is_err() {
            return Err(if epoch == current { forged() } else { Failure::TokenOfAnotherStore });
        }
        let revision: [u8; REVISION_BYTES] = revision.try_into().map_err(|_| forged())?;
        Ok(Point { epoch, revision: Revision(u64::from_be_bytes(revision)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(key: u8) -> Tokens {
        Tokens { mac: keyed(&[key; 32]), last: Arc::default() }
    }

    fn epoch(number: u8) -> Epoch {
        Epoch(Uuid::from_bytes([number; EPOCH_BYTES]))
    }

    fn point(number: u8, revision: u64) -> Point {
        Point { epoch: epoch(number), revision: Revision(revision) }
    }

    #[test]
    fn a_token_is_read_as_it_was_written() {
        for revision in [0, 1, u64::MAX] {
            let point = point(1, revision);
            let token = tokens(1).write(point);
            for current in [1, 2] {
                assert!(
                    matches!(tokens(1).read(&token, "at_least", epoch(current)), Ok(read) if read == point)
                );
            }
        }
    }

    #[test]
    fn each_point_has_a_token_of_its_own() {
        let tokens = tokens(1);
        for point in [point(1, 7), point(1, 7), point(1, 8), point(1, 7), point(2, 7)] {
            let token = tokens.of(point);
            assert!(matches!(tokens.read(token.as_str(), "at_least", epoch(1)), Ok(read) if read == point));
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let token = URL_SAFE_NO_PAD.decode(tokens(1).write(point(1, 7))).expect("base64");
        for bit in 0..token.len() * 8 {
            let mut flipped = token.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(
                tokens(1).read(&URL_SAFE_NO_PAD.encode(flipped), "at_least", epoch(1)).is_err(),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn foreign_and_forged_tokens_are_told_apart() {
        let foreign = tokens(2).write(point(2, 7));
        assert!(matches!(tokens(1).read(&foreign, "at_least", epoch(1)), Err(Failure::TokenOfAnotherStore)));
        let forged = tokens(2).write(point(1, 7));
        assert!(matches!(tokens(1).read(&forged, "at_least", epoch(1)), Err(Failure::ForgedToken { .. })));
        for text in ["", "x", "AAAA", "not base64 at all!"] {
            assert!(matches!(tokens(1).read(text, "at_least", epoch(1)), Err(Failure::ForgedToken { .. })));
        }
    }
}
