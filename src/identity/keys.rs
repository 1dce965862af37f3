//! The public keys of a token issuer: a JWKS file (RFC 7517). Each key has one algorithm (RFC 8725 §3.1).

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::json::{Json, JsonFault, JsonObject};

/// Maximum length of a key id, in characters.
const KEY_ID_CHARACTERS_MAX: usize = 256;

/// Maximum number of keys of an issuer.
const KEYS_MAX: usize = 64;

/// Bounds of the length of an RSA modulus, in bytes.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Members of private or symmetric keys.
const SECRET_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

/// The algorithms of signatures that are accepted. Not among them: `none`, the symmetric HS*, and RS*, whose
/// padding has had forgeries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenAlgorithm {
    Es256,
    Es384,
    EdDsa,
    Ps256,
}

impl TokenAlgorithm {
    pub(super) fn of_name(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "ES384" => Some(Self::Es384),
            "EdDSA" => Some(Self::EdDsa),
            "PS256" => Some(Self::Ps256),
            _ => None,
        }
    }
}

/// A public key and its algorithm.
#[derive(Clone, Debug)]
pub(super) struct TokenKey {
    pub(super) algorithm: TokenAlgorithm,
    material: KeyMaterial,
}

#[derive(Clone, Debug)]
enum KeyMaterial {
    /// An uncompressed point, or an Ed25519 key.
    Curve(Vec<u8>),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl TokenKey {
    /// Whether a signature is that of this key over a message.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match (&self.material, self.algorithm) {
            (KeyMaterial::Curve(point), TokenAlgorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (KeyMaterial::Curve(point), TokenAlgorithm::Es384) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(message, signature)
            }
            (KeyMaterial::Curve(key), TokenAlgorithm::EdDsa) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
            (KeyMaterial::Rsa { modulus, exponent }, TokenAlgorithm::Ps256) => {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(&RSA_PSS_2048_8192_SHA256, message, signature)
            }
            (KeyMaterial::Curve(_), TokenAlgorithm::Ps256)
            | (
                KeyMaterial::Rsa { .. },
                TokenAlgorithm::Es256 | TokenAlgorithm::Es384 | TokenAlgorithm::EdDsa,
            ) => return false,
        };
        verified.is_ok()
    }
}

/// Reads the keys of a JWKS by their ids. Errors say what to do and have no key material.
pub(super) fn read(text: &[u8]) -> Result<HashMap<String, TokenKey>, String> {
    let set = Json::object(text).map_err(|fault| match fault {
        JsonFault::Syntax | JsonFault::NotAnObject => "not a JWKS: write { \"keys\": [ … ] }".to_owned(),
        JsonFault::Duplicate => "an object has a name twice: remove one".to_owned(),
    })?;
    let keys = set.get("keys").and_then(Json::as_list).unwrap_or_default();
    if keys.is_empty() || keys.len() > KEYS_MAX {
        return Err(format!("`keys` must have 1 to {KEYS_MAX} keys"));
    }
    let mut found = HashMap::with_capacity(keys.len());
    for (at, key) in keys.iter().enumerate() {
        let in_key = |message: &str| format!("keys[{at}]: {message}");
        let key = key.as_object().ok_or_else(|| in_key("not an object"))?;
        if SECRET_MEMBERS.iter().any(|member| key.contains_key(*member)) {
            return Err(in_key("a private or symmetric key: write only public keys, and renew this one"));
        }
        let id = text_of(key, "kid").filter(|id| (1..=KEY_ID_CHARACTERS_MAX).contains(&id.len()));
        let id = id.ok_or_else(|| in_key("kid is missing or too long: give each key an id"))?;
        let read = token_key(key).map_err(in_key)?;
        if found.insert(id.to_owned(), read).is_some() {
            return Err(in_key("another key has this kid: give each its own"));
        }
    }
    Ok(found)
}

fn token_key(key: &JsonObject) -> Result<TokenKey, &'static str> {
    let algorithm = text_of(key, "alg").and_then(TokenAlgorithm::of_name);
    let algorithm = algorithm.ok_or("alg must be ES256, ES384, EdDSA or PS256")?;
    if key.get("use").is_some_and(|purpose| purpose.as_text() != Some("sig")) {
        return Err("use is not \"sig\": remove keys that do not sign");
    }
    let may_verify = |operations: &Json| {
        let operations = operations.as_list().unwrap_or_default();
        operations.iter().any(|operation| operation.as_text() == Some("verify"))
    };
    if key.get("key_ops").is_some_and(|operations| !may_verify(operations)) {
        return Err("key_ops lacks \"verify\": remove keys that do not sign");
    }
    let kind = (text_of(key, "kty"), text_of(key, "crv"));
    let material = match (algorithm, kind) {
        (TokenAlgorithm::Es256, (Some("EC"), Some("P-256"))) => point(key, 32),
        (TokenAlgorithm::Es384, (Some("EC"), Some("P-384"))) => point(key, 48),
        (TokenAlgorithm::EdDsa, (Some("OKP"), Some("Ed25519"))) => {
            bytes_of(key, "x").filter(|bytes| bytes.len() == 32).map(KeyMaterial::Curve)
        }
        (TokenAlgorithm::Ps256, (Some("RSA"), None)) => rsa(key),
        (
            TokenAlgorithm::Es256 | TokenAlgorithm::Es384 | TokenAlgorithm::EdDsa | TokenAlgorithm::Ps256,
            _,
        ) => return Err("kty and crv are not those of alg"),
    };
    let material = material.ok_or("the key has a wrong length or encoding (base64url without padding)")?;
    Ok(TokenKey { algorithm, material })
}

/// An uncompressed point (SEC 1 §2.3.3).
fn point(key: &JsonObject, length: usize) -> Option<KeyMaterial> {
    let coordinate = |name| bytes_of(key, name).filter(|bytes| bytes.len() == length);
    let (x, y) = coordinate("x").zip(coordinate("y"))?;
    Some(KeyMaterial::Curve([&[4], x.as_slice(), y.as_slice()].concat()))
}

fn rsa(key: &JsonObject) -> Option<KeyMaterial> {
    let number = |name| bytes_of(key, name).filter(|bytes| bytes.first().is_some_and(|first| *first != 0));
    let modulus = number("n").filter(|modulus| RSA_BYTES.contains(&modulus.len()))?;
    let exponent = number("e").filter(|exponent| exponent.len() <= 4)?;
    Some(KeyMaterial::Rsa { modulus, exponent })
}

fn text_of<'k>(key: &'k JsonObject, name: &str) -> Option<&'k str> {
    key.get(name).and_then(Json::as_text)
}

fn bytes_of(key: &JsonObject, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text_of(key, name)?).ok()
}
