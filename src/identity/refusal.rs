//! Why a certificate names no caller: one sentence for the operator, without bytes that an attacker chose.

use std::sync::Arc;

use rustls::pki_types::UnixTime;
use rustls::{CertRevocationListError, CertificateError, Error};

use super::names::{NameFault, NameKind};

/// Why a certificate is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateRefusal {
    /// The peer sent none.
    #[error("the caller sent no certificate")]
    NoCertificate,
    /// Not DER, not X.509, or with bytes after its end.
    #[error("the certificate cannot be read: it is not X.509 in DER")]
    Unreadable,
    /// The certificate, its chain or its list of names exceeds a limit.
    #[error("the certificate or its chain is larger than any that is issued in practice")]
    TooLarge,
    /// No configured CA issued it.
    #[error("no CA of the callers file issued the certificate")]
    UnknownIssuer,
    /// The CA that issued it has expired.
    #[error("the CA that issued the certificate has expired: replace it in the callers file")]
    IssuerExpired,
    /// A signature in the chain is wrong.
    #[error("a signature in the certificate's chain is wrong")]
    BadSignature,
    /// It, or a certificate of its chain, has expired.
    #[error("the certificate or one of its chain expired at {0} s after 1970: renew it")]
    Expired(u64),
    /// It, or a certificate of its chain, is not valid yet.
    #[error("the certificate or one of its chain is not valid before {0} s after 1970: check the clocks")]
    NotYetValid(u64),
    /// It, or a certificate of its chain, is revoked.
    #[error("the certificate or one of its chain is revoked")]
    Revoked,
    /// No CRL of the authority covers a certificate of the chain.
    #[error("no CRL in crls_file covers the certificate or one of its chain: add the CRL of every CA")]
    RevocationUnknown,
    /// The CRL that covers it has expired.
    #[error("the CRL that covers the certificate has expired: fetch a new one into crls_file")]
    RevocationListExpired,
    /// A CRL in force has a wrong signature, or its CA may not sign CRLs.
    #[error("the CRL that covers the certificate is not one that its CA may sign")]
    RevocationListInvalid,
    /// Its extended key usage lacks clientAuth.
    #[error("the certificate may not be used by clients: its extended key usage lacks clientAuth")]
    NotForClients,
    /// It is the certificate of a CA.
    #[error("the certificate is a CA's: issue one for the caller")]
    NotOfCaller,
    /// The chain breaks another rule of RFC 5280. The text is the rule's name in webpki.
    #[error("the certificate's chain is invalid: {0}")]
    ChainInvalid(Arc<str>),
    /// It has no subjectAltName, or an empty one. The common name never names a caller.
    #[error("the certificate has no subjectAltName; a common name is not used")]
    NoNames,
    /// It has the subjectAltName extension twice.
    #[error("the certificate has two subjectAltName extensions")]
    DuplicateNames,
    /// The subjectAltName extension cannot be read, or one of its entries.
    #[error("the certificate's subjectAltName, or an entry of it, cannot be read")]
    UnreadableNames,
    /// A name is invalid.
    #[error("the certificate has an invalid name: {0}")]
    InvalidName(NameFault),
    /// It has two or more URIs (X509-SVID §4.1 permits one).
    #[error("the certificate has two URIs in its subjectAltName; one is permitted")]
    SeveralUris,
    /// It has no name of the kind by which callers under its authority are known.
    #[error("the certificate has no {0}, by which callers under its authority are known")]
    NoNameOfKind(NameKind),
    /// None of its names is configured under its authority.
    #[error("the certificate names no caller under the authority `{0}`")]
    NamesNoCaller(Arc<str>),
    /// Two of its names are configured, or two authorities each find a caller.
    #[error("the certificate names two callers or proxies")]
    NamesTwoCallers,
    /// Since the last reload it names another caller than at its handshake.
    #[error("the certificate names another caller than when the connection was opened")]
    NamesAnotherCaller,
}

impl CertificateRefusal {
    /// The refusal of an error of rustls.
    pub(super) fn of_error(error: &Error) -> Self {
        let seconds = UnixTime::as_secs;
        #[expect(clippy::wildcard_enum_match_arm, reason = "the enums of rustls are non-exhaustive")]
        match error {
            Error::InvalidCertificate(certificate) => match certificate {
                CertificateError::BadEncoding => Self::Unreadable,
                CertificateError::ExpiredContext { not_after, .. } => Self::Expired(seconds(not_after)),
                CertificateError::NotValidYetContext { not_before, .. } => {
                    Self::NotYetValid(seconds(not_before))
                }
                CertificateError::Revoked => Self::Revoked,
                CertificateError::UnknownIssuer => Self::UnknownIssuer,
                CertificateError::UnknownRevocationStatus => Self::RevocationUnknown,
                CertificateError::ExpiredRevocationList
                | CertificateError::ExpiredRevocationListContext { .. } => Self::RevocationListExpired,
                CertificateError::BadSignature => Self::BadSignature,
                CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                    Self::NotForClients
                }
                CertificateError::Other(other) => Self::of_webpki(&other.to_string()),
                CertificateError::Expired => Self::ChainInvalid("InvalidCertValidity".into()),
                _ => Self::ChainInvalid("unsupported signature".into()),
            },
            Error::InvalidCertRevocationList(
                CertRevocationListError::BadSignature
                | CertRevocationListError::IssuerInvalidForCrl
                | CertRevocationListError::UnsupportedSignatureAlgorithmContext { .. }
                | CertRevocationListError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
            ) => Self::RevocationListInvalid,
            Error::NoCertificatesPresented => Self::NoCertificate,
            _ => Self::ChainInvalid("unknown error".into()),
        }
    }

    /// The refusal of an error of webpki that rustls passes on: the text is the name of a variant.
    fn of_webpki(name: &str) -> Self {
        match name {
            "CaUsedAsEndEntity" => Self::NotOfCaller,
            "EmptyEkuExtension" => Self::NotForClients,
            _ => {
                let safe: String = name.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
                Self::ChainInvalid(safe.into())
            }
        }
    }

    /// Order of refusals of several authorities: the largest is returned. An authority that did not issue the
    /// certificate has the least to say.
    pub(super) fn specificity(&self) -> u8 {
        match self {
            Self::UnknownIssuer | Self::NoCertificate => 0,
            Self::BadSignature | Self::ChainInvalid(_) => 1,
            Self::NamesNoCaller(_) | Self::NoNameOfKind(_) => 2,
            Self::Revoked | Self::NamesTwoCallers => 4,
            Self::Unreadable
            | Self::TooLarge
            | Self::Expired(_)
            | Self::NotYetValid(_)
            | Self::IssuerExpired
            | Self::RevocationUnknown
            | Self::RevocationListExpired
            | Self::RevocationListInvalid
            | Self::NotForClients
            | Self::NotOfCaller
            | Self::NoNames
            | Self::DuplicateNames
            | Self::UnreadableNames
            | Self::InvalidName(_)
            | Self::SeveralUris
            | Self::NamesAnotherCaller => 3,
        }
    }
}
