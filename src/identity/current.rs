//! The configuration in force: which caller a certificate, a token, a header or a local peer names.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::parse_x509_certificate;

use super::authority::{Authority, instant, unix_time};
use super::caller::Caller;
use super::expiry::Expiry;
use super::file::LocalPeer;
use super::forwarded::Proxy;
use super::names::CertificateNames;
use super::refusal::CertificateRefusal;
use super::tls::{Alpn, verify_chain};
use super::token::{TokenIdentity, TokenIssuer, TokenRefusal};
use crate::policy::day::Instant;

/// Maximum length of the name of an issuer in logs, in characters.
const ISSUER_CHARACTERS_MAX: usize = 256;

/// A whole configuration. It never changes; a reload puts another one in its place.
#[derive(Debug)]
pub struct Current {
    pub(super) generation: u64,
    /// Of gRPC and HTTP. None: there is no server certificate.
    pub(super) tls: Option<[Arc<ServerConfig>; 2]>,
    pub(super) authorities: Arc<[Authority]>,
    pub(super) issuers: Vec<TokenIssuer>,
    pub(super) local: HashMap<LocalPeer, Arc<Caller>>,
    pub(super) callers: Vec<Arc<Caller>>,
    pub(super) proxies: Vec<Arc<Proxy>>,
    pub(super) expiries: Vec<Expiry>,
}

/// SHA-256 of a certificate in DER, as `x5t#S256` has it (RFC 8705).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thumbprint(pub [u8; 32]);

/// The configured owner of a certificate.
#[derive(Clone, Debug)]
pub enum CertificateHolder {
    /// A caller.
    Caller(Arc<Caller>),
    /// A proxy, which passes on the names of callers.
    Proxy(Arc<Proxy>),
}

/// A certificate with a chain to a configured CA.
#[derive(Clone, Debug)]
pub struct VerifiedCertificate {
    /// SHA-256 of the certificate.
    pub thumbprint: Thumbprint,
    /// The serial number in hexadecimal.
    pub serial: String,
    /// The name of the issuer in printable ASCII, for logs.
    pub issuer: String,
    /// When it expires: no connection may outlive it.
    pub not_after: Instant,
    /// As sent, the leaf first.
    chain: Arc<[CertificateDer<'static>]>,
}

/// A verified certificate and its owner.
#[derive(Clone, Debug)]
pub struct CertificateIdentity {
    /// The certificate.
    pub certificate: VerifiedCertificate,
    /// The authority under which its name counts.
    pub authority: Arc<str>,
    /// The caller or proxy that it names.
    pub holder: CertificateHolder,
}

/// A connection without TLS from this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalConnection {
    /// Over the Unix socket, with the credentials of the peer.
    Socket {
        /// The user's id.
        uid: u32,
        /// The group's id.
        gid: u32,
    },
    /// Over TCP from a loopback address.
    Loopback,
}

impl Current {
    /// The number of the configuration; it grows with each reload that changed something.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The TLS configuration of a listener. None: there is no server certificate.
    #[must_use]
    pub fn tls(&self, alpn: Alpn) -> Option<Arc<ServerConfig>> {
        let [grpc, http] = self.tls.as_ref()?;
        Some(Arc::clone(match alpn {
            Alpn::Grpc => grpc,
            Alpn::Http => http,
        }))
    }

    /// The callers, in the order of the file.
    #[must_use]
    pub fn callers(&self) -> &[Arc<Caller>] {
        &self.callers
    }

    /// The proxies, in the order of the file.
    #[must_use]
    pub fn proxies(&self) -> &[Arc<Proxy>] {
        &self.proxies
    }

    /// The caller of a name.
    #[must_use]
    pub fn caller(&self, name: &str) -> Option<&Arc<Caller>> {
        self.callers.iter().find(|caller| &*caller.name == name)
    }

    /// In words, by what a caller is known.
    #[must_use]
    pub fn known_by(&self, caller: &Caller) -> Vec<String> {
        let is_same = |other: &Arc<Caller>| other.name == caller.name;
        let mut found = Vec::new();
        for authority in &*self.authorities {
            for (name, holder) in &authority.holders {
                if matches!(holder, CertificateHolder::Caller(other) if is_same(other)) {
                    found.push(format!("{} {name} under {}", authority.kind.word(), authority.name));
                }
            }
        }
        for issuer in &self.issuers {
            let subjects = issuer.subjects.iter().filter(|(_, subject)| is_same(&subject.caller));
            found.extend(subjects.map(|(subject, _)| format!("token subject {subject} of {}", issuer.name)));
        }
        for (peer, _) in self.local.iter().filter(|(_, other)| is_same(other)) {
            found.push(match peer {
                LocalPeer::Uid(uid) => format!("uid {uid}"),
                LocalPeer::Gid(gid) => format!("gid {gid}"),
                LocalPeer::Loopback => "loopback".to_owned(),
            });
        }
        found.sort();
        found
    }

    /// When certificates and CRLs expire.
    #[must_use]
    pub fn expiries(&self) -> &[Expiry] {
        &self.expiries
    }

    /// The caller or proxy that a chain of certificates names. The leaf is first, as it was sent.
    pub fn of_certificates(
        &self,
        chain: &[CertificateDer<'_>],
        now: Instant,
    ) -> Result<CertificateIdentity, CertificateRefusal> {
        let (certificate, authorities) = self.verify(chain, now)?;
        self.named(certificate, &authorities)
    }

    /// A chain that leads to a configured CA. It need not name a caller: a token may be bound to it.
    pub fn verified(
        &self,
        chain: &[CertificateDer<'_>],
        now: Instant,
    ) -> Result<VerifiedCertificate, CertificateRefusal> {
        self.verify(chain, now).map(|(certificate, _)| certificate)
    }

    /// Judges the certificate of an open connection by this configuration. The result has the entitlements that
    /// are in force now.
    pub fn judge(
        &self,
        identity: &CertificateIdentity,
        now: Instant,
    ) -> Result<CertificateIdentity, CertificateRefusal> {
        let judged = self.of_certificates(&identity.certificate.chain, now)?;
        if judged.holder.is_same(&identity.holder) && judged.authority == identity.authority {
            Ok(judged)
        } else {
            Err(CertificateRefusal::NamesAnotherCaller)
        }
    }

    /// Judges a certificate of an open connection that names no caller.
    pub fn judge_certificate(
        &self,
        certificate: &VerifiedCertificate,
        now: Instant,
    ) -> Result<(), CertificateRefusal> {
        self.verify(&certificate.chain, now).map(drop)
    }

    /// The caller of a bearer token, which was sent on a connection with this certificate.
    pub fn of_token(
        &self,
        token: &str,
        certificate: Option<&Thumbprint>,
        now: Instant,
    ) -> Result<TokenIdentity, TokenRefusal> {
        super::token::verify(&self.issuers, token, certificate, now)
    }

    /// The caller of a local connection. None: none is configured for it. A user has precedence over a group.
    #[must_use]
    pub fn of_local(&self, connection: LocalConnection) -> Option<&Arc<Caller>> {
        match connection {
            LocalConnection::Socket { uid, gid } => {
                self.local.get(&LocalPeer::Uid(uid)).or_else(|| self.local.get(&LocalPeer::Gid(gid)))
            }
            LocalConnection::Loopback => self.local.get(&LocalPeer::Loopback),
        }
    }

    fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        now: Instant,
    ) -> Result<(VerifiedCertificate, Vec<&Authority>), CertificateRefusal> {
        let Some((leaf, intermediates)) = chain.split_first() else {
            return Err(CertificateRefusal::NoCertificate);
        };
        let verified = verify_chain(&self.authorities, leaf, intermediates, unix_time(now));
        let authorities = verified.map_err(|refusal| more_specific(refusal, leaf))?;
        let certificate = parsed(leaf)?;
        let certificate = VerifiedCertificate {
            thumbprint: Thumbprint::of(leaf),
            serial: hexadecimal(certificate.raw_serial()),
            issuer: printable(&certificate.issuer().to_string()),
            not_after: instant(certificate.validity().not_after),
            chain: chain.iter().map(|certificate| certificate.clone().into_owned()).collect(),
        };
        Ok((certificate, authorities))
    }

    /// The one holder of a certificate under the authorities that verify it.
    fn named(
        &self,
        certificate: VerifiedCertificate,
        authorities: &[&Authority],
    ) -> Result<CertificateIdentity, CertificateRefusal> {
        let chain = Arc::clone(&certificate.chain);
        let leaf = chain.first().ok_or(CertificateRefusal::NoCertificate)?;
        let parsed = parsed(leaf)?;
        let names = CertificateNames::of(&parsed)?;
        let mut found = None;
        let mut refusal = CertificateRefusal::UnknownIssuer;
        for authority in authorities {
            match authority.holder(&names) {
                Ok(holder) if found.is_none() => {
                    found = Some((Arc::clone(&authority.name), holder.clone()));
                }
                Ok(_) => return Err(CertificateRefusal::NamesTwoCallers),
                Err(CertificateRefusal::NamesTwoCallers) => return Err(CertificateRefusal::NamesTwoCallers),
                Err(other) if other.specificity() > refusal.specificity() => refusal = other,
                Err(_) => {}
            }
        }
        let (authority, holder) = found.ok_or(refusal)?;
        Ok(CertificateIdentity { certificate, authority, holder })
    }
}

impl Authority {
    /// The holder that exactly one of the names has.
    fn holder(&self, names: &CertificateNames<'_>) -> Result<&CertificateHolder, CertificateRefusal> {
        let names = names.of_kind(self.kind)?;
        let mut holders = names.iter().filter_map(|name| self.holders.get(name));
        match (holders.next(), holders.next()) {
            (Some(holder), None) => Ok(holder),
            (Some(_), Some(_)) => Err(CertificateRefusal::NamesTwoCallers),
            (None, _) => Err(CertificateRefusal::NamesNoCaller(Arc::clone(&self.name))),
        }
    }
}

impl CertificateHolder {
    /// The name in the callers file.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Caller(caller) => &caller.name,
            Self::Proxy(proxy) => &proxy.name,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let is_same_kind =
            matches!((self, other), (Self::Caller(_), Self::Caller(_)) | (Self::Proxy(_), Self::Proxy(_)));
        is_same_kind && self.name() == other.name()
    }
}

impl Thumbprint {
    /// The thumbprint of a certificate.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal(&self.0))
    }
}

fn parsed<'c>(certificate: &'c CertificateDer<'_>) -> Result<X509Certificate<'c>, CertificateRefusal> {
    match parse_x509_certificate(certificate) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) | Err(_) => Err(CertificateRefusal::Unreadable),
    }
}

/// webpki rejects some certificates with a general error, such as one with two subjectAltName extensions: the
/// operator gets the reason that our own reading finds.
fn more_specific(refusal: CertificateRefusal, leaf: &CertificateDer<'_>) -> CertificateRefusal {
    let is_general = matches!(refusal, CertificateRefusal::ChainInvalid(_) | CertificateRefusal::Unreadable);
    if !is_general {
        return refusal;
    }
    let read = parsed(leaf).and_then(|certificate| CertificateNames::of(&certificate).map(drop));
    match read {
        Err(found @ (CertificateRefusal::DuplicateNames | CertificateRefusal::UnreadableNames)) => found,
        Ok(()) | Err(_) => refusal,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Text in printable ASCII of a bounded length; other characters become `?`.
fn printable(text: &str) -> String {
    let safe = |one: char| if one == ' ' || one.is_ascii_graphic() { one } else { '?' };
    text.chars().take(ISSUER_CHARACTERS_MAX).map(safe).collect()
}
