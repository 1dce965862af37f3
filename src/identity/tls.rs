//! TLS: the configuration of the server's side, and the verification of client certificates in the handshake.
//!
//! No session is resumed: on a resumed session rustls takes the stored chain and does not verify it again, so a
//! certificate that was revoked since would be accepted.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
};

use super::authority::Authority;
use super::refusal::CertificateRefusal;

/// Maximum number of certificates that a caller may send.
pub(super) const CHAIN_LENGTH_MAX: usize = 10;

/// Maximum size of one certificate, in bytes.
pub(super) const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;

/// The protocol of a listener, negotiated by ALPN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// gRPC: HTTP/2.
    Grpc,
    /// The HTTP port: HTTP/1.1.
    Http,
}

impl Alpn {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Grpc => b"h2",
            Self::Http => b"http/1.1",
        }
    }
}

/// The cryptography of all TLS: ring.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The configuration of a listener: TLS 1.3 and 1.2, without resumption.
pub(super) fn server_config(
    key: &Arc<CertifiedKey>,
    verifier: Arc<dyn ClientCertVerifier>,
    alpn: Alpn,
) -> Result<Arc<ServerConfig>, Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(key))));
    config.alpn_protocols = vec![alpn.name().to_vec()];
    config.send_tls13_tickets = 0;
    config.max_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

/// The verifier of all authorities. Without authorities no certificate is requested.
pub(super) fn client_verifier(
    authorities: &Arc<[Authority]>,
    is_mandatory: bool,
) -> Arc<dyn ClientCertVerifier> {
    if authorities.is_empty() {
        return WebPkiClientVerifier::no_client_auth();
    }
    let hints = authorities
        .iter()
        .flat_map(Authority::verifiers)
        .flat_map(|verifier| verifier.root_hint_subjects().iter().cloned())
        .collect();
    Arc::new(AuthoritiesVerifier {
        authorities: Arc::clone(authorities),
        hints,
        is_mandatory,
        algorithms: provider().signature_verification_algorithms,
    })
}

/// Verifies a chain under each authority; revoked under one is revoked under all.
pub(super) fn verify_chain<'a>(
    authorities: &'a [Authority],
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    now: UnixTime,
) -> Result<Vec<&'a Authority>, CertificateRefusal> {
    let is_too_large = |certificate: &CertificateDer<'_>| certificate.len() > CERTIFICATE_BYTES_MAX;
    if is_too_large(leaf) || intermediates.len() >= CHAIN_LENGTH_MAX || intermediates.iter().any(is_too_large)
    {
        return Err(CertificateRefusal::TooLarge);
    }
    let mut verified = Vec::new();
    let mut refusal = CertificateRefusal::UnknownIssuer;
    for authority in authorities {
        match authority.verify(leaf, intermediates, now) {
            Ok(()) => verified.push(authority),
            Err(CertificateRefusal::Revoked) => return Err(CertificateRefusal::Revoked),
            Err(other) if other.specificity() > refusal.specificity() => refusal = other,
            Err(_) => {}
        }
    }
    if verified.is_empty() { Err(refusal) } else { Ok(verified) }
}

/// The verifier of the handshake. It checks chains; which caller a certificate names is read afterwards, so that
/// the refusal can be logged with a sentence.
#[derive(Debug)]
struct AuthoritiesVerifier {
    authorities: Arc<[Authority]>,
    hints: Vec<DistinguishedName>,
    is_mandatory: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AuthoritiesVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.is_mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match verify_chain(&self.authorities, leaf, intermediates, now) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(refusal) => Err(Error::InvalidCertificate(alert(refusal))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The error of rustls from which it derives the alert for the caller. The sentence goes to the log with it.
fn alert(refusal: CertificateRefusal) -> CertificateError {
    match refusal {
        CertificateRefusal::Revoked => CertificateError::Revoked,
        CertificateRefusal::UnknownIssuer => CertificateError::UnknownIssuer,
        CertificateRefusal::Expired(_) => CertificateError::Expired,
        CertificateRefusal::NotYetValid(_) => CertificateError::NotValidYet,
        CertificateRefusal::NotForClients => CertificateError::InvalidPurpose,
        CertificateRefusal::BadSignature => CertificateError::BadSignature,
        CertificateRefusal::RevocationUnknown => CertificateError::UnknownRevocationStatus,
        CertificateRefusal::RevocationListExpired => CertificateError::ExpiredRevocationList,
        CertificateRefusal::Unreadable => CertificateError::BadEncoding,
        CertificateRefusal::NoCertificate
        | CertificateRefusal::TooLarge
        | CertificateRefusal::IssuerExpired
        | CertificateRefusal::RevocationListInvalid
        | CertificateRefusal::NotOfCaller
        | CertificateRefusal::ChainInvalid(_)
        | CertificateRefusal::NoNames
        | CertificateRefusal::DuplicateNames
        | CertificateRefusal::UnreadableNames
        | CertificateRefusal::InvalidName(_)
        | CertificateRefusal::SeveralUris
        | CertificateRefusal::NoNameOfKind(_)
        | CertificateRefusal::NamesNoCaller(_)
        | CertificateRefusal::NamesTwoCallers
        | CertificateRefusal::NamesAnotherCaller => {
            CertificateError::Other(rustls::OtherError(Arc::new(refusal)))
        }
    }
}
