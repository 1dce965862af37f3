//! Names that stand for clients.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::policy::client_id::ClientId;
use crate::store::keyed;

const PSEUDONYM_BYTES: usize = 16;

/// Makes pseudonyms of clients: keyed, so that only this store can make them.
#[derive(Clone)]
pub(super) struct Pseudonyms(Hmac<Sha256>);

impl Pseudonyms {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(keyed(key))
    }

    /// The same for the same client.
    pub(super) fn of(&self, client: &ClientId) -> String {
        let mac =
            self.0.clone().chain_update(client.root()).chain_update([0]).chain_update(client.extension());
        let bytes: Vec<u8> = mac.finalize().into_bytes().into_iter().take(PSEUDONYM_BYTES).collect();
        URL_SAFE_NO_PAD.encode(bytes)
    }
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
