//! Names that stand for clients.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::policy::client_id::ClientId;

/// What the key is for: another use has another key.
const PURPOSE: &[u8] = b"lupa: pseudonyms of clients in Watch";

const PSEUDONYM_BYTES: usize = 16;

/// Makes pseudonyms of clients: keyed, so that only this store can make them.
#[derive(Clone)]
pub(super) struct Pseudonyms(Hmac<Sha256>);

impl Pseudonyms {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        let key = keyed(secret).chain_update(PURPOSE).finalize().into_bytes();
        Self(keyed(&key.into()))
    }

    /// The same for the same client.
    pub(super) fn of(&self, client: &ClientId) -> String {
        let mac =
            self.0.clone().chain_update(client.root()).chain_update([0]).chain_update(client.extension());
        let bytes: Vec<u8> = mac.finalize().into_bytes().into_iter().take(PSEUDONYM_BYTES).collect();
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// An HMAC with a key.
pub(super) fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // A block of 64 bytes: a shorter key is padded with zeros (RFC 2104).
    let mut block = [0; 64];
    let (start, _) = block.split_at_mut(key.len());
    start.copy_from_slice(key);
    Hmac::<Sha256>::new(&block.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::client_id::IdentityCode;

    #[test]
    fn a_pseudonym_is_one_clients_and_one_stores() {
        let client = |code: &str| ClientId::National(IdentityCode::parse(code).unwrap());
        let (one, another) = (client("010181-900C"), client("010190-901R"));
        let store = Pseudonyms::new(&[1; 32]);
        assert_eq!(store.of(&one), Pseudonyms::new(&[1; 32]).of(&one));
        assert_ne!(store.of(&one), store.of(&another));
        assert_ne!(store.of(&one), Pseudonyms::new(&[2; 32]).of(&one));
        assert_eq!(store.of(&one).len(), 22);
    }
}
