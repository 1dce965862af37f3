//! When certificates and CRLs expire, for metrics and alerts.

use crate::policy::day::Instant;

/// When one certificate or CRL expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Its kind.
    pub what: ExpiryKind,
    /// The name of the authority; `server` for the server certificate.
    pub name: String,
    /// `notAfter` of a certificate, `nextUpdate` of a CRL.
    pub at: Instant,
}

/// The kind of what expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryKind {
    /// The certificate of this server.
    ServerCertificate,
    /// The certificate of a CA.
    Authority,
    /// A list of revoked certificates.
    Crl,
}

impl ExpiryKind {
    /// The value of a metric's label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServerCertificate => "server_certificate",
            Self::Authority => "ca",
            Self::Crl => "crl",
        }
    }
}
