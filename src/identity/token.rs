//! Bearer tokens: JWTs in compact form (RFC 7519), checked by the rules of RFC 8725 and bound to the certificate
//! of the connection (RFC 8705).

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;

use super::caller::Caller;
use super::current::Thumbprint;
use super::json::{Json, JsonFault, JsonObject};
use super::keys::{TokenAlgorithm, TokenKey};
use crate::policy::day::Instant;

/// Maximum length of a token, in bytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// The values of `typ` that are accepted, in lower case; `typ` may also be missing.
const TYPES: [&str; 4] = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"];

/// Why a token is refused. No text has a part of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// It is longer than the maximum.
    #[error("the token is longer than {TOKEN_BYTES_MAX} bytes")]
    TooLong,
    /// It does not have three parts.
    #[error("the token does not have three parts separated by dots")]
    Shape,
    /// A part is not base64url in its one canonical form.
    #[error("a part of the token is not canonical base64url without padding")]
    Encoding,
    /// The header or the claims are not an object in JSON.
    #[error("the header or the claims of the token are not an object in JSON")]
    NotJson,
    /// An object has a name twice.
    #[error("an object of the token has a name twice")]
    DuplicateName,
    /// `typ` is not that of a JWT.
    #[error("the token's typ is not JWT or at+jwt")]
    WrongType,
    /// `crit` names extensions, and none is supported.
    #[error("the token has critical extensions (crit), and none is supported")]
    Critical,
    /// `alg` is missing or not accepted.
    #[error("the token's alg is not ES256, ES384, EdDSA or PS256")]
    Algorithm,
    /// `kid` is missing.
    #[error("the token names no key (kid)")]
    NoKeyId,
    /// `iss` is missing, or not that of a configured issuer.
    #[error("the token's issuer (iss) is not in the callers file")]
    UnknownIssuer,
    /// The issuer has no key of this `kid`.
    #[error("the issuer has no key with the token's kid: update keys_file")]
    UnknownKey,
    /// `alg` is not that of the key.
    #[error("the token's alg is not that of its key")]
    AlgorithmOfKey,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// A required claim is missing.
    #[error("the token has no claim `{0}`")]
    MissingClaim(&'static str),
    /// A claim has a wrong type or an impossible value.
    #[error("the token's claim `{0}` has a wrong type or value")]
    InvalidClaim(&'static str),
    /// It is for another audience, or for several.
    #[error("the token is not for this server only (aud)")]
    Audience,
    /// It has expired.
    #[error("the token has expired (exp): request a new one")]
    Expired,
    /// It is not valid yet.
    #[error("the token is not valid yet (nbf or iat): check the clocks")]
    NotYetValid,
    /// It is valid for longer than the issuer may issue.
    #[error("the token is valid for longer than lifetime_seconds_max (exp - iat)")]
    LivesTooLong,
    /// No caller has this subject.
    #[error("no caller has the token's subject (sub)")]
    UnknownSubject,
    /// It is bound to no certificate, and the caller's tokens must be.
    #[error("the token is bound to no certificate (cnf.x5t#S256), and the caller's must be")]
    NotBound,
    /// It is bound in another way than to a certificate.
    #[error("the token is bound (cnf) in a way that is not supported")]
    UnsupportedBinding,
    /// It is bound, and the connection has no certificate.
    #[error("the token is bound to a certificate, and the caller sent none on this connection")]
    NoCertificate,
    /// It is bound to another certificate.
    #[error("the token is bound to another certificate than this connection's")]
    BoundToAnother,
}

/// An issuer of tokens with its keys and the callers by their subjects.
#[derive(Debug)]
pub(super) struct TokenIssuer {
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) lifetime_seconds_max: u64,
    pub(super) keys: HashMap<String, TokenKey>,
    pub(super) subjects: HashMap<String, TokenSubject>,
}

/// A subject of an issuer's tokens.
#[derive(Debug)]
pub(super) struct TokenSubject {
    pub(super) caller: Arc<Caller>,
    pub(super) require_bound: bool,
}

/// The caller of a valid token.
#[derive(Clone, Debug)]
pub struct TokenIdentity {
    /// The caller.
    pub caller: Arc<Caller>,
    /// From this instant on the token is refused: verify the next one then.
    pub expires_at: Instant,
    /// Whether it is bound to the connection's certificate.
    pub is_bound: bool,
}

/// Verifies a token.
pub(super) fn verify(
    issuers: &[TokenIssuer],
    token: &str,
    certificate: Option<&Thumbprint>,
    now: Instant,
) -> Result<TokenIdentity, TokenRefusal> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenRefusal::TooLong);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenRefusal::Shape);
    };
    let signed = token.get(..header.len() + 1 + claims.len()).ok_or(TokenRefusal::Shape)?;
    let signature = decoded(signature)?;
    let (algorithm, key_id) = read_header(&object(header)?)?;
    let claims = object(claims)?;
    let issuer = text_claim(&claims, "iss").map_err(|_| TokenRefusal::UnknownIssuer)?;
    let issuer = issuers.iter().find(|known| known.issuer == issuer).ok_or(TokenRefusal::UnknownIssuer)?;
    let key = issuer.keys.get(&key_id).ok_or(TokenRefusal::UnknownKey)?;
    if key.algorithm != algorithm {
        return Err(TokenRefusal::AlgorithmOfKey);
    }
    if !key.has_signed(signed.as_bytes(), &signature) {
        return Err(TokenRefusal::Signature);
    }
    issuer.check_claims(&claims, certificate, now)
}

/// The algorithm and the key id of a header.
fn read_header(header: &JsonObject) -> Result<(TokenAlgorithm, String), TokenRefusal> {
    // `b64` changes what is signed (RFC 7797); it must be in `crit`, but not all issuers obey.
    if header.contains_key("crit") || header.contains_key("b64") {
        return Err(TokenRefusal::Critical);
    }
    if let Some(kind) = header.get("typ") {
        let kind = kind.as_text().map(str::to_ascii_lowercase);
        if !kind.is_some_and(|kind| TYPES.contains(&kind.as_str())) {
            return Err(TokenRefusal::WrongType);
        }
    }
    let algorithm = header.get("alg").and_then(Json::as_text).and_then(TokenAlgorithm::of_name);
    let algorithm = algorithm.ok_or(TokenRefusal::Algorithm)?;
    let key_id = header.get("kid").and_then(Json::as_text).ok_or(TokenRefusal::NoKeyId)?;
    Ok((algorithm, key_id.to_owned()))
}

impl TokenIssuer {
    fn check_claims(
        &self,
        claims: &JsonObject,
        certificate: Option<&Thumbprint>,
        now: Instant,
    ) -> Result<TokenIdentity, TokenRefusal> {
        let audience = claims.get("aud").ok_or(TokenRefusal::MissingClaim("aud"))?;
        let is_for_us = match audience {
            Json::Text(audience) => *audience == self.audience,
            Json::List(audiences) => match audiences.as_slice() {
                [Json::Text(audience)] => *audience == self.audience,
                [..] => false,
            },
            Json::Number(_) | Json::Object(_) | Json::Other => return Err(TokenRefusal::InvalidClaim("aud")),
        };
        if !is_for_us {
            return Err(TokenRefusal::Audience);
        }
        let expires_at = self.check_times(claims, now)?;
        let subject = text_claim(claims, "sub")?;
        let subject = self.subjects.get(subject).ok_or(TokenRefusal::UnknownSubject)?;
        let is_bound = check_binding(claims, certificate, subject.require_bound)?;
        Ok(TokenIdentity { caller: Arc::clone(&subject.caller), expires_at, is_bound })
    }

    fn check_times(&self, claims: &JsonObject, now: Instant) -> Result<Instant, TokenRefusal> {
        let expires = number_claim(claims, "exp")?.ok_or(TokenRefusal::MissingClaim("exp"))?;
        let issued = number_claim(claims, "iat")?.ok_or(TokenRefusal::MissingClaim("iat"))?;
        let not_before = number_claim(claims, "nbf")?.unwrap_or(issued);
        let expires_at = i64::try_from(expires)
            .ok()
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .ok_or(TokenRefusal::InvalidClaim("exp"))?;
        let now_seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        if now_seconds >= expires {
            return Err(TokenRefusal::Expired);
        }
        if issued > now_seconds || not_before > now_seconds {
            return Err(TokenRefusal::NotYetValid);
        }
        if expires - issued > self.lifetime_seconds_max {
            return Err(TokenRefusal::LivesTooLong);
        }
        Ok(expires_at)
    }
}

/// Checks the confirmation claim (RFC 7800, RFC 8705 §3.1); whether the token is bound.
fn check_binding(
    claims: &JsonObject,
    certificate: Option<&Thumbprint>,
    require_bound: bool,
) -> Result<bool, TokenRefusal> {
    let Some(confirmation) = claims.get("cnf") else {
        return if require_bound { Err(TokenRefusal::NotBound) } else { Ok(false) };
    };
    let members = confirmation.as_object().ok_or(TokenRefusal::InvalidClaim("cnf"))?;
    let thumbprint = members.get("x5t#S256").ok_or(TokenRefusal::UnsupportedBinding)?;
    if members.len() > 1 {
        return Err(TokenRefusal::UnsupportedBinding);
    }
    let bytes = thumbprint.as_text().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let expected = Thumbprint(bytes.ok_or(TokenRefusal::InvalidClaim("cnf"))?);
    match certificate {
        None => Err(TokenRefusal::NoCertificate),
        Some(certificate) if *certificate == expected => Ok(true),
        Some(_) => Err(TokenRefusal::BoundToAnother),
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, TokenRefusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenRefusal::Encoding)
}

fn object(part: &str) -> Result<JsonObject, TokenRefusal> {
    Json::object(&decoded(part)?).map_err(|fault| match fault {
        JsonFault::Syntax | JsonFault::NotAnObject => TokenRefusal::NotJson,
        JsonFault::Duplicate => TokenRefusal::DuplicateName,
    })
}

fn text_claim<'c>(claims: &'c JsonObject, name: &'static str) -> Result<&'c str, TokenRefusal> {
    let claim = claims.get(name).ok_or(TokenRefusal::MissingClaim(name))?;
    claim.as_text().ok_or(TokenRefusal::InvalidClaim(name))
}

/// A claim in whole seconds since 1970. None: it is missing.
fn number_claim(claims: &JsonObject, name: &'static str) -> Result<Option<u64>, TokenRefusal> {
    let number = |claim: &Json| claim.as_number().ok_or(TokenRefusal::InvalidClaim(name));
    claims.get(name).map(number).transpose()
}
