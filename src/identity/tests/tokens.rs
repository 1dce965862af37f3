//! Bad tokens, each refused for its own reason, beside good ones.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac::{HMAC_SHA256, Key as SecretKey, sign as sign_with_secret};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
};
use serde_json::{Value, json};

use super::{CallersFolder, NOW_SECONDS, now};
use crate::identity::{Current, Thumbprint, TokenRefusal};

const CALLERS: &str = r#"
[[token_issuers]]
name = "county-idp"
issuer = "https://idp.county.fi"
audience = "lupa"
keys_file = "county.jwks"
lifetime_seconds_max = 600
[[callers]]
name = "emr"
token = { issuer = "county-idp", subject = "emr" }
organisations = "any"
registers = "any"
verbs = ["decide"]
[[callers]]
name = "batch"
token = { issuer = "county-idp", subject = "batch", require_bound = false }
organisations = "any"
registers = "any"
verbs = ["decide"]
"#;

/// The modulus of an RSA key whose private part was thrown away, and a token that it signed (PS256): ring makes no
/// RSA keys.
const MODULUS: &str = "\
    m4lNa_EVs3Zti4wXkS40WLX1Lq5H5Yv8Guv1jD3PfqQ4Q4Jmdnxvow7bhmvFeNT0ncpRNJw6Mwj86gtWSWVyCofahDdEKl4IHUPo\
    OClGfdTVkOH06mUOFLi8ivFSV26T0gWoA20xTQfcbYUujx2aA5uUyVJU7WiwhGPtOXd_jaV-yzodREOryC3Yuk1PJ6LQcuw8T2Fi\
    scVUuBTTe5oKak0eqVdxR67FPSHYvQJS6iaCB06Oq-b3uGAM8Kxuy7uQgTh72iguC_37q1gchr0QjJ8wL5WkKMP1wGgdG5ITOHEe\
    mTJtZV6L3w6Rvq7Kqc3gyORPRd1oCjUHzZD1fUoldQ";
const PS256_TOKEN: &str = "\
    eyJhbGciOiJQUzI1NiIsImtpZCI6InBzIn0.eyJpc3MiOiJodHRwczovL2lkcC5jb3VudHkuZmkiLCJhdWQiOiJsdXBhIiwic3Vi\
    IjoiYmF0Y2giLCJpYXQiOjE3OTYxMjYzOTAsImV4cCI6MTc5NjEyNjcwMH0.NtUYYikljuSoDeJK2BCJoUT3vEa0PQL7y6yUZbdD\
    7qz9HBwLLtSu3EsNx2PRs_0Bye-SBMaFfQ8fxiP9GMdtOceDHwfXF24cb51R-X7GcdmRq_v3LmFGi3qtDyuRma6JUT5LzaDUw65F\
    kuIq2MB5Sva4LfVgyINkia5aa0YZV49jZwgLz0OKmHxH6CU_YKxgSiehNlVnXlPah2YuveacGBs7zyut7KXifVHFD96kS_5xYLhP\
    kgz5cCINm9xrPt3QJojFapdz9pm2JSm6zS2tvl-cU_Lcr75ZJF_zK_uV56G-f8AUOpzLNzvIeUVF3TnwPRiTr_STa8isXQRbGQhN\
    mQ";

const CERTIFICATE: Thumbprint = Thumbprint([7; 32]);
const OTHER_CERTIFICATE: Thumbprint = Thumbprint([8; 32]);

struct TestIssuer {
    current: Arc<Current>,
    es256: EcdsaKeyPair,
    es256_der: EcdsaKeyPair,
    es384: EcdsaKeyPair,
    stranger: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn pkcs8(algorithm: &'static EcdsaSigningAlgorithm) -> Vec<u8> {
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).expect("a key");
    key.as_ref().to_vec()
}

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm, pkcs8: &[u8]) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8, &SystemRandom::new()).expect("a key")
}

fn curve_key(id: &str, algorithm: &str, curve: &str, public: &[u8]) -> Value {
    let (x, y) = public[1..].split_at(public.len() / 2);
    json!({ "kid": id, "alg": algorithm, "kty": "EC", "crv": curve, "use": "sig", "x": encoded(x), "y": encoded(y) })
}

impl TestIssuer {
    fn new() -> Self {
        let p256 = pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let p384 = pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING);
        let es256 = ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, &p256);
        let es384 = ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, &p384);
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        let ed25519 = Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).expect("a key");
        let keys = json!({ "keys": [
            curve_key("es", "ES256", "P-256", es256.public_key().as_ref()),
            curve_key("es384", "ES384", "P-384", es384.public_key().as_ref()),
            { "kid": "ed", "alg": "EdDSA", "kty": "OKP", "crv": "Ed25519", "x": encoded(ed25519.public_key()) },
            { "kid": "ps", "alg": "PS256", "kty": "RSA", "n": MODULUS, "e": "AQAB", "key_ops": ["verify"] },
        ] });
        let folder = CallersFolder::new();
        folder.write("county.jwks", keys.to_string());
        folder.write("callers.toml", CALLERS);
        Self {
            current: folder.current(),
            es256,
            es256_der: ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING, &p256),
            es384,
            stranger: ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING)),
            ed25519,
        }
    }

    fn verify(&self, token: &str, certificate: Option<&Thumbprint>) -> Result<String, TokenRefusal> {
        let identity = self.current.of_token(token, certificate, now())?;
        assert_eq!(identity.expires_at.timestamp(), NOW_SECONDS + 300);
        Ok(identity.caller.name.to_string())
    }

    /// A token with this header and these claims, signed with ES256.
    fn token(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encoded(header), encoded(claims));
        format!("{message}.{}", encoded(signed(&self.es256, &message)))
    }

    fn with_claims(&self, claims: &Value) -> String {
        self.token(HEADER, &claims.to_string())
    }
}

fn signed(key: &EcdsaKeyPair, message: &str) -> Vec<u8> {
    key.sign(&SystemRandom::new(), message.as_bytes()).expect("signed").as_ref().to_vec()
}

const HEADER: &str = r#"{"alg":"ES256","kid":"es","typ":"at+jwt"}"#;

/// Good claims with some changed; null removes a claim.
fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": "https://idp.county.fi",
        "aud": "lupa",
        "sub": "emr",
        "iat": NOW_SECONDS - 10,
        "nbf": NOW_SECONDS - 10,
        "exp": NOW_SECONDS + 300,
        "jti": "1",
        "cnf": { "x5t#S256": encoded(CERTIFICATE.0) },
    });
    let object = claims.as_object_mut().expect("an object");
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        if value.is_null() {
            object.remove(&name);
        } else {
            object.insert(name, value);
        }
    }
    claims
}

#[test]
fn good_tokens_name_their_callers() {
    let issuer = TestIssuer::new();
    let good = claims(json!({})).to_string();
    let es384 = format!("{}.{}", encoded(r#"{"alg":"ES384","kid":"es384"}"#), encoded(&good));
    let es384 = format!("{es384}.{}", encoded(signed(&issuer.es384, &es384)));
    let ed = format!("{}.{}", encoded(r#"{"alg":"EdDSA","kid":"ed","typ":"JWT"}"#), encoded(&good));
    let ed = format!("{ed}.{}", encoded(issuer.ed25519.sign(ed.as_bytes())));
    let some = Some(&CERTIFICATE);
    for (case, token, certificate, caller) in [
        ("ES256", issuer.with_claims(&claims(json!({}))), some, "emr"),
        ("ES384", es384, some, "emr"),
        ("EdDSA", ed, some, "emr"),
        ("PS256, unbound", PS256_TOKEN.to_owned(), None, "batch"),
        ("without nbf", issuer.with_claims(&claims(json!({ "nbf": null }))), some, "emr"),
        ("a list of one audience", issuer.with_claims(&claims(json!({ "aud": ["lupa"] }))), some, "emr"),
        (
            "bound though it need not be",
            issuer.with_claims(&claims(json!({ "sub": "batch" }))),
            some,
            "batch",
        ),
        ("unbound with a certificate", PS256_TOKEN.to_owned(), some, "batch"),
    ] {
        assert_eq!(issuer.verify(&token, certificate).as_deref(), Ok(caller), "{case}");
    }
}

#[test]
fn tokens_with_bad_claims_are_refused() {
    let issuer = TestIssuer::new();
    let seconds = |after: i64| NOW_SECONDS + after;
    let mut wrong = Vec::new();
    for (case, changes, refusal) in [
        ("wrong issuer", json!({ "iss": "https://idp.evil.fi" }), TokenRefusal::UnknownIssuer),
        ("issuer with a slash", json!({ "iss": "https://idp.county.fi/" }), TokenRefusal::UnknownIssuer),
        ("no issuer", json!({ "iss": null }), TokenRefusal::UnknownIssuer),
        ("issuer is a list", json!({ "iss": ["https://idp.county.fi"] }), TokenRefusal::UnknownIssuer),
        ("wrong audience", json!({ "aud": "lupa2" }), TokenRefusal::Audience),
        ("audience in upper case", json!({ "aud": "Lupa" }), TokenRefusal::Audience),
        ("two audiences", json!({ "aud": ["lupa", "other"] }), TokenRefusal::Audience),
        ("the audience twice", json!({ "aud": ["lupa", "lupa"] }), TokenRefusal::Audience),
        ("no audiences", json!({ "aud": [] }), TokenRefusal::Audience),
        ("no audience", json!({ "aud": null }), TokenRefusal::MissingClaim("aud")),
        ("audience is a number", json!({ "aud": 1 }), TokenRefusal::InvalidClaim("aud")),
        ("unknown subject", json!({ "sub": "lab" }), TokenRefusal::UnknownSubject),
        ("subject with a suffix", json!({ "sub": "emr2" }), TokenRefusal::UnknownSubject),
        ("prefix of a subject", json!({ "sub": "em" }), TokenRefusal::UnknownSubject),
        ("no subject", json!({ "sub": null }), TokenRefusal::MissingClaim("sub")),
        ("subject is an object", json!({ "sub": {} }), TokenRefusal::InvalidClaim("sub")),
        ("expired", json!({ "exp": seconds(-1) }), TokenRefusal::Expired),
        ("expires now", json!({ "exp": seconds(0) }), TokenRefusal::Expired),
        ("no expiry", json!({ "exp": null }), TokenRefusal::MissingClaim("exp")),
        ("expiry is text", json!({ "exp": seconds(300).to_string() }), TokenRefusal::InvalidClaim("exp")),
        ("expiry is a fraction", json!({ "exp": 1.5e9 }), TokenRefusal::InvalidClaim("exp")),
        ("expiry is negative", json!({ "exp": -1 }), TokenRefusal::InvalidClaim("exp")),
        ("expiry never", json!({ "exp": u64::MAX }), TokenRefusal::InvalidClaim("exp")),
        ("no issue time", json!({ "iat": null }), TokenRefusal::MissingClaim("iat")),
        ("issued later", json!({ "iat": seconds(1) }), TokenRefusal::NotYetValid),
        ("valid later", json!({ "nbf": seconds(1) }), TokenRefusal::NotYetValid),
        ("nbf is text", json!({ "nbf": "now" }), TokenRefusal::InvalidClaim("nbf")),
        ("lives too long", json!({ "exp": seconds(591) }), TokenRefusal::LivesTooLong),
        ("issued long ago", json!({ "iat": 0 }), TokenRefusal::LivesTooLong),
        ("not bound", json!({ "cnf": null }), TokenRefusal::NotBound),
        ("bound to a key", json!({ "cnf": { "jkt": "x" } }), TokenRefusal::UnsupportedBinding),
        ("bound to nothing", json!({ "cnf": {} }), TokenRefusal::UnsupportedBinding),
        (
            "bound to a certificate and a key",
            json!({ "cnf": { "x5t#S256": encoded(CERTIFICATE.0), "jkt": "x" } }),
            TokenRefusal::UnsupportedBinding,
        ),
        ("binding is text", json!({ "cnf": "x" }), TokenRefusal::InvalidClaim("cnf")),
        ("thumbprint too short", json!({ "cnf": { "x5t#S256": "AAAA" } }), TokenRefusal::InvalidClaim("cnf")),
        ("thumbprint is empty", json!({ "cnf": { "x5t#S256": "" } }), TokenRefusal::InvalidClaim("cnf")),
        (
            "bound to another certificate",
            json!({ "cnf": { "x5t#S256": encoded(OTHER_CERTIFICATE.0) } }),
            TokenRefusal::BoundToAnother,
        ),
        (
            "bound to another certificate, of a caller that may be unbound",
            json!({ "sub": "batch", "cnf": { "x5t#S256": encoded(OTHER_CERTIFICATE.0) } }),
            TokenRefusal::BoundToAnother,
        ),
    ] {
        let found = issuer.verify(&issuer.with_claims(&claims(changes)), Some(&CERTIFICATE));
        if found != Err(refusal) {
            wrong.push(format!("{case}: {found:?}, expected {refusal:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    let good = issuer.with_claims(&claims(json!({})));
    assert_eq!(issuer.verify(&good, Some(&OTHER_CERTIFICATE)), Err(TokenRefusal::BoundToAnother), "replayed");
    assert_eq!(
        issuer.verify(&good, None),
        Err(TokenRefusal::NoCertificate),
        "replayed without a certificate"
    );
}

#[test]
fn tokens_of_bad_form_or_signature_are_refused() {
    let issuer = TestIssuer::new();
    let good_claims = claims(json!({})).to_string();
    let good = issuer.token(HEADER, &good_claims);
    let (message, signature) = good.rsplit_once('.').expect("three parts");
    let header = |header: &str| issuer.token(header, &good_claims);
    let with_signature = |signature: &[u8]| format!("{message}.{}", encoded(signature));
    let raw = signed(&issuer.es256, message);
    let other_message = issuer.with_claims(&claims(json!({ "jti": "2" })));
    let (_, other_signature) = other_message.rsplit_once('.').expect("three parts");
    let hs256 = format!("{}.{}", encoded(r#"{"alg":"HS256","kid":"es"}"#), encoded(&good_claims));
    let secret = SecretKey::new(HMAC_SHA256, issuer.es256.public_key().as_ref());
    let hs256 = format!("{hs256}.{}", encoded(sign_with_secret(&secret, hs256.as_bytes())));
    let none = format!("{}.{}.", encoded(r#"{"alg":"none"}"#), encoded(&good_claims));
    let duplicate = good_claims.replacen('{', r#"{"sub":"batch","#, 1);
    let nested = good_claims.replace(r#""cnf":{"#, r#""cnf":{"x5t#S256":"AAAA","#);
    // The 64 bytes of a signature leave four bits of its last character unused.
    let last = signature.chars().last().expect("a character");
    let unused = char::from(u8::try_from(last).expect("ASCII") + 1);
    let other_spelling = format!("{}{unused}", good.strip_suffix(last).expect("its last character"));
    let changed_subject = good.replace(&encoded(&good_claims), &encoded(good_claims.replace("emr", "lab")));
    let mut wrong = Vec::new();
    for (case, token, refusal) in [
        ("empty", String::new(), TokenRefusal::Shape),
        ("two parts", message.to_owned(), TokenRefusal::Shape),
        ("four parts", format!("{good}."), TokenRefusal::Shape),
        ("five parts, encrypted", format!("{good}.a.b"), TokenRefusal::Shape),
        ("too long", format!("{good}{}", "A".repeat(8192)), TokenRefusal::TooLong),
        ("padding", format!("{good}="), TokenRefusal::Encoding),
        ("space", format!("{message}. {signature}"), TokenRefusal::Encoding),
        ("line feed", format!("{good}\n"), TokenRefusal::Encoding),
        ("alphabet of base64", format!("{message}.+{signature}"), TokenRefusal::Encoding),
        ("another spelling of the same bytes", other_spelling, TokenRefusal::Encoding),
        ("header is no JSON", header("ES256"), TokenRefusal::NotJson),
        ("header is a list", header("[]"), TokenRefusal::NotJson),
        ("claims are a list", issuer.token(HEADER, "[]"), TokenRefusal::NotJson),
        (
            "claims with more after them",
            issuer.token(HEADER, &format!("{good_claims}x")),
            TokenRefusal::NotJson,
        ),
        (
            "header with alg twice",
            header(r#"{"alg":"none","alg":"ES256","kid":"es"}"#),
            TokenRefusal::DuplicateName,
        ),
        ("subject twice", issuer.token(HEADER, &duplicate), TokenRefusal::DuplicateName),
        ("thumbprint twice", issuer.token(HEADER, &nested), TokenRefusal::DuplicateName),
        ("crit", header(r#"{"alg":"ES256","kid":"es","crit":["exp"]}"#), TokenRefusal::Critical),
        ("unencoded payload", header(r#"{"alg":"ES256","kid":"es","b64":false}"#), TokenRefusal::Critical),
        ("wrong type", header(r#"{"alg":"ES256","kid":"es","typ":"dpop+jwt"}"#), TokenRefusal::WrongType),
        ("type is a number", header(r#"{"alg":"ES256","kid":"es","typ":1}"#), TokenRefusal::WrongType),
        ("alg none", none, TokenRefusal::Algorithm),
        ("alg nOnE", header(r#"{"alg":"nOnE","kid":"es"}"#), TokenRefusal::Algorithm),
        ("HS256 with the public key", hs256, TokenRefusal::Algorithm),
        ("RS256", header(r#"{"alg":"RS256","kid":"ps"}"#), TokenRefusal::Algorithm),
        ("no alg", header(r#"{"kid":"es"}"#), TokenRefusal::Algorithm),
        ("no kid", header(r#"{"alg":"ES256"}"#), TokenRefusal::NoKeyId),
        ("unknown kid", header(r#"{"alg":"ES256","kid":"es2"}"#), TokenRefusal::UnknownKey),
        ("alg of another key", header(r#"{"alg":"ES384","kid":"es"}"#), TokenRefusal::AlgorithmOfKey),
        ("kid of another key", header(r#"{"alg":"ES256","kid":"ed"}"#), TokenRefusal::AlgorithmOfKey),
        ("key of a stranger", with_signature(&signed(&issuer.stranger, message)), TokenRefusal::Signature),
        ("signature in DER", with_signature(&signed(&issuer.es256_der, message)), TokenRefusal::Signature),
        ("signature cut off", with_signature(&raw[..63]), TokenRefusal::Signature),
        (
            "signature with a byte more",
            with_signature(&[raw.as_slice(), &[0]].concat()),
            TokenRefusal::Signature,
        ),
        ("signature of zeros", with_signature(&[0; 64]), TokenRefusal::Signature),
        ("no signature", with_signature(&[]), TokenRefusal::Signature),
        ("signature of another token", format!("{message}.{other_signature}"), TokenRefusal::Signature),
        ("claims changed", changed_subject, TokenRefusal::Signature),
    ] {
        let found = issuer.verify(&token, Some(&CERTIFICATE));
        if found != Err(refusal) {
            wrong.push(format!("{case}: {found:?}, expected {refusal:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn key_files_with_faults_are_refused() {
    let key = |members: &str| format!(r#"{{"keys":[{{"kid":"a",{members}}}]}}"#);
    let x = encoded([1; 32]);
    let ed = format!(r#""kty":"OKP","crv":"Ed25519","x":"{x}""#);
    for (case, text, part) in [
        ("no JSON", "keys".to_owned(), "not a JWKS"),
        ("no keys", "{}".to_owned(), "1 to 64 keys"),
        ("no key", r#"{"keys":[]}"#.to_owned(), "1 to 64 keys"),
        ("a name twice", r#"{"keys":[],"keys":[]}"#.to_owned(), "twice"),
        ("no kid", format!(r#"{{"keys":[{{"alg":"EdDSA",{ed}}}]}}"#), "keys[0]: kid"),
        (
            "a kid twice",
            format!(r#"{{"keys":[{{"kid":"a","alg":"EdDSA",{ed}}},{{"kid":"a","alg":"EdDSA",{ed}}}]}}"#),
            "keys[1]: another key",
        ),
        ("no alg", key(&ed), "alg must be"),
        ("RS256", key(r#""alg":"RS256","kty":"RSA","n":"AQAB","e":"AQAB""#), "alg must be"),
        ("symmetric", key(r#""alg":"HS256","kty":"oct","k":"c2VjcmV0""#), "private or symmetric"),
        ("private", key(&format!(r#""alg":"EdDSA","d":"c2VjcmV0",{ed}"#)), "private or symmetric"),
        ("to encrypt", key(&format!(r#""alg":"EdDSA","use":"enc",{ed}"#)), "use is not"),
        ("to sign only", key(&format!(r#""alg":"EdDSA","key_ops":["sign"],{ed}"#)), "key_ops"),
        ("alg of another curve", key(&format!(r#""alg":"ES256",{ed}"#)), "kty and crv"),
        ("short", key(r#""alg":"EdDSA","kty":"OKP","crv":"Ed25519","x":"AAAA""#), "wrong length"),
        ("short modulus", key(r#""alg":"PS256","kty":"RSA","n":"AQAB","e":"AQAB""#), "wrong length"),
    ] {
        let fault = crate::identity::keys::read(text.as_bytes()).expect_err(case);
        assert!(fault.contains(part), "{case}: {fault}");
        assert!(!fault.contains("c2VjcmV0"), "{case}: {fault}");
    }
}
