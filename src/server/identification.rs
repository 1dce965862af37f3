//! Who connections are of, and so their requests.
//!
//! ```text
//!  connection ─▶ certificate, user or address ─▶ Known     a caller
//!                                              ├▶ Proxy     passes its callers on
//!                                              └▶ Unknown   only its tokens say who calls
//!  request ─▶ token or forwarded name, if there is one ─▶ RequestCaller
//! ```

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use rustls::pki_types::CertificateDer;
use tokio::sync::watch;

use crate::clock;
use crate::identity::{
    Access, Caller, CertificateHolder, CertificateIdentity, Current, Entitlement, Identities,
    LocalConnection, Proxy, Thumbprint, TokenIdentity, VerifiedCertificate,
};
use crate::limits::CallerKey;
use crate::policy::day::Instant;
use crate::service::RequestCaller;
use crate::telemetry::metrics::{IdentityRefusal, Metrics};

/// The header in which Envoy passes the certificate of its own caller on.
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-client-cert");

const BEARER: &[u8] = b"Bearer ";

/// How connections are identified.
#[derive(Clone)]
pub(super) struct Identification {
    /// None: callers are known by their address.
    identities: Option<Identities>,
    access: Access,
    full: Arc<Caller>,
    public: Arc<Caller>,
    metrics: Arc<Metrics>,
}

/// What is known of a connection without TLS.
#[derive(Clone, Copy, Debug)]
pub(super) enum Peer {
    Address(SocketAddr),
    /// A user of this machine; none = the system does not say which.
    User(Option<(u32, u32)>),
}

/// Who a connection is of.
pub(super) struct ConnectionIdentity {
    holder: ConnectionHolder,
    evidence: Evidence,
    /// By which the callers file it was read.
    generation: u64,
    /// The last token that was verified.
    token: Mutex<Option<VerifiedToken>>,
}

struct VerifiedToken {
    token: Box<[u8]>,
    caller: Arc<RequestCaller>,
    expires_at: Instant,
}

enum ConnectionHolder {
    Known(Arc<RequestCaller>),
    Proxy(Arc<Proxy>),
    Unknown,
}

/// By what it was identified.
enum Evidence {
    Certificate(Box<CertificateIdentity>),
    /// A verified certificate that names no caller: it may carry tokens.
    Nameless(Box<VerifiedCertificate>),
    Peer(Peer),
    /// TLS without a certificate.
    Nothing,
}

/// The caller of a request is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotIdentified;

impl Identification {
    pub(super) fn new(identities: Option<Identities>, access: Access, metrics: Arc<Metrics>) -> Self {
        let (full, public) = (Caller::unrestricted(true).into(), Caller::public().into());
        Self { identities, access, full, public, metrics }
    }

    /// The configuration in force. None: callers are known by their address.
    pub(super) fn current(&self) -> Option<Arc<Current>> {
        self.identities.as_ref().map(Identities::current)
    }

    /// Changes when another configuration is in force.
    pub(super) fn changed(&self) -> Option<watch::Receiver<u64>> {
        self.identities.as_ref().map(Identities::changed)
    }

    /// Who a connection without TLS is of.
    pub(super) fn of_peer(&self, peer: Peer) -> ConnectionIdentity {
        let holder = match self.current() {
            None => ConnectionHolder::known(self.by_address(peer), peer.key()),
            Some(current) => match peer.local().and_then(|local| current.of_local(local).cloned()) {
                Some(caller) => ConnectionHolder::named(&caller),
                None => ConnectionHolder::Unknown,
            },
        };
        self.identity(holder, Evidence::Peer(peer))
    }

    /// Who a connection with these certificates is of.
    pub(super) fn of_certificates(&self, chain: &[CertificateDer<'_>]) -> ConnectionIdentity {
        let Some(current) = self.current().filter(|_| !chain.is_empty()) else {
            return self.identity(ConnectionHolder::Unknown, Evidence::Nothing);
        };
        let now = clock::now();
        match current.of_certificates(chain, now) {
            Ok(identity) => {
                let holder = ConnectionHolder::of(&identity.holder);
                self.identity(holder, Evidence::Certificate(Box::new(identity)))
            }
            Err(refusal) => {
                self.metrics.not_identified(IdentityRefusal::Certificate);
                tracing::warn!(%refusal, "a certificate names no caller");
                match current.verified(chain, now) {
                    Ok(verified) => {
                        self.identity(ConnectionHolder::Unknown, Evidence::Nameless(Box::new(verified)))
                    }
                    Err(_) => self.identity(ConnectionHolder::Unknown, Evidence::Nothing),
                }
            }
        }
    }

    /// Who a connection is of now: by another configuration, or at a later time. None: it must end.
    pub(super) fn judge(&self, identity: &ConnectionIdentity) -> Option<ConnectionIdentity> {
        let current = self.current()?;
        let now = clock::now();
        let (holder, evidence) = match &identity.evidence {
            Evidence::Certificate(certificate) => match current.judge(certificate, now) {
                Ok(judged) => (ConnectionHolder::of(&judged.holder), Evidence::Certificate(Box::new(judged))),
                Err(refusal) => {
                    self.metrics.not_identified(IdentityRefusal::Certificate);
                    tracing::warn!(%refusal, caller = certificate.holder.name(), "a connection is no longer its caller's");
                    return None;
                }
            },
            Evidence::Nameless(certificate) => {
                current.judge_certificate(certificate, now).ok()?;
                (ConnectionHolder::Unknown, Evidence::Nameless(certificate.clone()))
            }
            Evidence::Peer(peer) => {
                let judged = self.of_peer(*peer);
                let was_known = !matches!(identity.holder, ConnectionHolder::Unknown);
                if was_known && matches!(judged.holder, ConnectionHolder::Unknown) {
                    return None;
                }
                return Some(judged);
            }
            Evidence::Nothing => (ConnectionHolder::Unknown, Evidence::Nothing),
        };
        Some(self.identity(holder, evidence))
    }

    /// Who sends a request on a connection.
    pub(super) fn caller(
        &self,
        identity: &ConnectionIdentity,
        headers: &HeaderMap,
    ) -> Result<Arc<RequestCaller>, NotIdentified> {
        let token = headers.get(AUTHORIZATION).filter(|_| self.identities.is_some());
        match (&identity.holder, token) {
            (ConnectionHolder::Known(caller), None) => Ok(Arc::clone(caller)),
            (ConnectionHolder::Known(caller), Some(_)) => {
                let by_token = self.by_token(identity, headers)?;
                // Two names: nobody knows who is meant.
                if by_token.key == caller.key {
                    Ok(by_token)
                } else {
                    Err(self.refused(IdentityRefusal::Token))
                }
            }
            (ConnectionHolder::Proxy(proxy), None) => self.forwarded(proxy, headers),
            // A proxy passes the tokens of its callers on, which are bound to its callers' certificates.
            (ConnectionHolder::Proxy(_), Some(_)) => Err(self.refused(IdentityRefusal::Token)),
            (ConnectionHolder::Unknown, Some(_)) => self.by_token(identity, headers),
            (ConnectionHolder::Unknown, None) => Err(self.refused(IdentityRefusal::Missing)),
        }
    }

    fn by_token(
        &self,
        identity: &ConnectionIdentity,
        headers: &HeaderMap,
    ) -> Result<Arc<RequestCaller>, NotIdentified> {
        let refused = || self.refused(IdentityRefusal::Token);
        let current = self.current().ok_or_else(refused)?;
        let token = only(headers, &AUTHORIZATION).ok_or_else(refused)?;
        let token = token.as_bytes().strip_prefix(BEARER).ok_or_else(refused)?;
        let now = clock::now();
        let mut verified = identity.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(VerifiedToken { token: known, caller, expires_at }) = &*verified
            && **known == *token
            && now < *expires_at
            && identity.generation == current.generation()
        {
            return Ok(Arc::clone(caller));
        }
        let text = std::str::from_utf8(token).map_err(|_| refused())?;
        match current.of_token(text, identity.thumbprint(), now) {
            Ok(TokenIdentity { caller, expires_at, .. }) => {
                let caller = named(&caller);
                let known = VerifiedToken { token: token.into(), caller: Arc::clone(&caller), expires_at };
                *verified = Some(known);
                Ok(caller)
            }
            Err(refusal) => {
                tracing::warn!(%refusal, "a token was refused");
                Err(refused())
            }
        }
    }

    fn forwarded(&self, proxy: &Proxy, headers: &HeaderMap) -> Result<Arc<RequestCaller>, NotIdentified> {
        let refused = || self.refused(IdentityRefusal::Forwarded);
        let header = only(headers, &FORWARDED).ok_or_else(refused)?;
        match proxy.caller(header.as_bytes()) {
            Ok(forwarded) => Ok(named(&forwarded.caller)),
            Err(refusal) => {
                tracing::warn!(%refusal, proxy = &*proxy.name, "a forwarded name was refused");
                Err(refused())
            }
        }
    }

    fn refused(&self, why: IdentityRefusal) -> NotIdentified {
        self.metrics.not_identified(why);
        NotIdentified
    }

    fn by_address(&self, peer: Peer) -> &Arc<Caller> {
        let address = match peer {
            Peer::Address(address) => Some(address),
            Peer::User(_) => None,
        };
        match self.access.of(address) {
            Entitlement::Full => &self.full,
            Entitlement::Public => &self.public,
        }
    }

    fn identity(&self, holder: ConnectionHolder, evidence: Evidence) -> ConnectionIdentity {
        let generation = self.current().map_or(0, |current| current.generation());
        ConnectionIdentity { holder, evidence, generation, token: Mutex::default() }
    }
}

impl ConnectionHolder {
    fn known(caller: &Arc<Caller>, key: CallerKey) -> Self {
        Self::Known(Arc::new(RequestCaller { caller: Arc::clone(caller), key }))
    }

    fn named(caller: &Arc<Caller>) -> Self {
        Self::Known(named(caller))
    }

    fn of(holder: &CertificateHolder) -> Self {
        match holder {
            CertificateHolder::Caller(caller) => Self::named(caller),
            CertificateHolder::Proxy(proxy) => Self::Proxy(Arc::clone(proxy)),
        }
    }
}

impl ConnectionIdentity {
    /// Whose share the connection counts to. None: as before, by its address.
    pub(super) fn key(&self) -> Option<CallerKey> {
        match &self.holder {
            ConnectionHolder::Known(caller) => Some(caller.key),
            ConnectionHolder::Proxy(_) | ConnectionHolder::Unknown => None,
        }
    }

    /// Whether its certificate has expired.
    pub(super) fn has_expired(&self) -> bool {
        let not_after = match &self.evidence {
            Evidence::Certificate(identity) => identity.certificate.not_after,
            Evidence::Nameless(certificate) => certificate.not_after,
            Evidence::Peer(_) | Evidence::Nothing => return false,
        };
        clock::now() > not_after
    }

    fn thumbprint(&self) -> Option<&Thumbprint> {
        match &self.evidence {
            Evidence::Certificate(identity) => Some(&identity.certificate.thumbprint),
            Evidence::Nameless(certificate) => Some(&certificate.thumbprint),
            Evidence::Peer(_) | Evidence::Nothing => None,
        }
    }
}

impl Peer {
    /// Whose share its connections count to.
    pub(super) fn key(self) -> CallerKey {
        match self {
            Self::Address(address) => CallerKey::of_address(address.ip()),
            Self::User(user) => CallerKey::User(user.map(|(uid, _)| uid)),
        }
    }

    fn local(self) -> Option<LocalConnection> {
        match self {
            Self::Address(address) if address.ip().to_canonical().is_loopback() => {
                Some(LocalConnection::Loopback)
            }
            Self::Address(_) => None,
            Self::User(user) => user.map(|(uid, gid)| LocalConnection::Socket { uid, gid }),
        }
    }
}

fn named(caller: &Arc<Caller>) -> Arc<RequestCaller> {
    Arc::new(RequestCaller { caller: Arc::clone(caller), key: CallerKey::Named(caller.id) })
}

/// The value of a header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() { None } else { value }
}
