//! The names in a certificate, read strictly: DNS names and SPIFFE ids of the subjectAltName extension.
//!
//! All entries are read, and one bad entry refuses the certificate. Libraries are more lenient: webpki leaves
//! out names that it cannot read, and x509-parser accepts NUL and non-ASCII (RFC 5280 demands IA5String).

use std::fmt;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME;
use x509_parser::prelude::ParsedExtension;

use super::refusal::CertificateRefusal;

/// Maximum length of a DNS name, in bytes (RFC 1035).
const DNS_BYTES_MAX: usize = 253;

/// Maximum length of a label of a DNS name, in bytes (RFC 1035).
const LABEL_BYTES_MAX: usize = 63;

/// Maximum length of a SPIFFE id, in bytes (SPIFFE-ID §2.3).
const URI_BYTES_MAX: usize = 2048;

/// Maximum length of the trust domain of a SPIFFE id, in bytes (SPIFFE-ID §2.3).
const TRUST_DOMAIN_BYTES_MAX: usize = 255;

/// Maximum number of names in a certificate.
const NAMES_MAX: usize = 256;

/// The scheme of SPIFFE ids.
const SCHEME: &[u8] = b"spiffe://";

/// The kind of name by which a caller is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// A DNS name.
    Dns,
    /// A URI: a SPIFFE id.
    Uri,
}

impl NameKind {
    /// Every kind.
    pub(super) const ALL: [Self; 2] = [Self::Dns, Self::Uri];

    /// The word of the callers file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Uri => "uri",
        }
    }

    /// Reads a name of this kind. DNS names are returned in lower case; SPIFFE ids are compared by their bytes.
    pub fn parse(self, name: &[u8]) -> Result<String, NameFault> {
        match self {
            Self::Dns => dns_name(name),
            Self::Uri => spiffe_id(name),
        }
    }
}

impl fmt::Display for NameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "DNS name",
            Self::Uri => "SPIFFE id",
        })
    }
}

/// Why a name is invalid. The text has none of the name's bytes, which an attacker may have chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// It has no bytes.
    #[error("it is empty")]
    Empty,
    /// It is longer than its kind permits.
    #[error("it is too long")]
    TooLong,
    /// It has a NUL or another control character, or a space.
    #[error("it has a control character or a space")]
    Control,
    /// It has a byte above 127.
    #[error("it has a byte outside ASCII")]
    NotAscii,
    /// It has an asterisk.
    #[error("it has a wildcard; names are compared as a whole")]
    Wildcard,
    /// It ends with a dot.
    #[error("it ends with a dot")]
    TrailingDot,
    /// A label is empty, too long, starts or ends with a hyphen, or has other characters than a-z, 0-9 and -.
    #[error("a label has other characters than a-z, 0-9 and -, or is empty or too long")]
    Label,
    /// It is an IP address.
    #[error("it is an IP address")]
    IpAddress,
    /// It does not start with `spiffe://`.
    #[error("it does not start with spiffe://")]
    Scheme,
    /// The trust domain is empty, too long or has other characters than a-z, 0-9, `.`, `-` and `_`.
    #[error("its trust domain has other characters than a-z, 0-9, ., - and _, or is empty or too long")]
    TrustDomain,
    /// There is no path after the trust domain.
    #[error("it has no path after its trust domain")]
    NoPath,
    /// A segment of the path is empty, `.` or `..`, or has other characters than letters, digits, `.`, `-`, `_`.
    #[error(
        "a segment of its path is empty, . or .., or has other characters than A-Z, a-z, 0-9, ., - and _"
    )]
    Path,
}

/// Rejects the bytes that no name may have.
fn check_bytes(name: &[u8], bytes_max: usize) -> Result<(), NameFault> {
    if name.is_empty() {
        return Err(NameFault::Empty);
    }
    if name.len() > bytes_max {
        return Err(NameFault::TooLong);
    }
    for byte in name {
        match byte {
            0..=b' ' | 0x7f => return Err(NameFault::Control),
            0x80.. => return Err(NameFault::NotAscii),
            b'*' => return Err(NameFault::Wildcard),
            _ => {}
        }
    }
    Ok(())
}

fn dns_name(name: &[u8]) -> Result<String, NameFault> {
    check_bytes(name, DNS_BYTES_MAX)?;
    if name.last() == Some(&b'.') {
        return Err(NameFault::TrailingDot);
    }
    let is_label = |label: &[u8]| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            && label.first() != Some(&b'-')
            && label.last() != Some(&b'-')
    };
    let mut labels = name.split(|byte| *byte == b'.');
    // A name whose last label is a number would be read as an IPv4 address (RFC 1123, WHATWG URL).
    let ends_with_number = labels
        .clone()
        .next_back()
        .is_some_and(|label| label.iter().all(u8::is_ascii_digit) && !label.is_empty());
    if ends_with_number || name.contains(&b':') {
        return Err(NameFault::IpAddress);
    }
    if !labels.all(is_label) {
        return Err(NameFault::Label);
    }
    Ok(name.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect())
}

fn spiffe_id(name: &[u8]) -> Result<String, NameFault> {
    check_bytes(name, URI_BYTES_MAX)?;
    let rest = name.strip_prefix(SCHEME).ok_or(NameFault::Scheme)?;
    let mut parts = rest.split(|byte| *byte == b'/');
    let trust_domain = parts.next().unwrap_or_default();
    let is_trust_domain = (1..=TRUST_DOMAIN_BYTES_MAX).contains(&trust_domain.len())
        && trust_domain.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_'));
    if !is_trust_domain {
        return Err(NameFault::TrustDomain);
    }
    let mut segments = parts.peekable();
    if segments.peek().is_none() {
        return Err(NameFault::NoPath);
    }
    let is_segment = |segment: &[u8]| {
        !matches!(segment, b"" | b"." | b"..")
            && segment.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    };
    if !segments.all(is_segment) {
        return Err(NameFault::Path);
    }
    Ok(name.iter().map(|byte| char::from(*byte)).collect())
}

/// The names of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CertificateNames<'c> {
    dns: Vec<&'c [u8]>,
    uri: Option<&'c [u8]>,
}

impl<'c> CertificateNames<'c> {
    /// Reads every entry of the extension. An invalid entry of any kind refuses the certificate; names of other
    /// kinds (IP address, e-mail address, directory name) name no caller.
    pub(super) fn of(certificate: &X509Certificate<'c>) -> Result<Self, CertificateRefusal> {
        let mut extensions =
            certificate.iter_extensions().filter(|one| one.oid == OID_X509_EXT_SUBJECT_ALT_NAME);
        let Some(extension) = extensions.next() else { return Err(CertificateRefusal::NoNames) };
        if extensions.next().is_some() {
            return Err(CertificateRefusal::DuplicateNames);
        }
        let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() else {
            return Err(CertificateRefusal::UnreadableNames);
        };
        if names.general_names.is_empty() {
            return Err(CertificateRefusal::NoNames);
        }
        if names.general_names.len() > NAMES_MAX {
            return Err(CertificateRefusal::TooLarge);
        }
        let mut found = Self::default();
        let mut uris = 0_usize;
        for name in &names.general_names {
            match name {
                GeneralName::DNSName(name) => found.dns.push(name.as_bytes()),
                GeneralName::URI(name) => {
                    uris += 1;
                    found.uri = Some(name.as_bytes());
                }
                GeneralName::RFC822Name(name) => {
                    check_bytes(name.as_bytes(), URI_BYTES_MAX).map_err(CertificateRefusal::InvalidName)?;
                }
                GeneralName::Invalid(..) => return Err(CertificateRefusal::UnreadableNames),
                GeneralName::OtherName(..)
                | GeneralName::X400Address(_)
                | GeneralName::DirectoryName(_)
                | GeneralName::EDIPartyName(_)
                | GeneralName::IPAddress(_)
                | GeneralName::RegisteredID(_) => {}
            }
        }
        if uris > 1 {
            return Err(CertificateRefusal::SeveralUris);
        }
        let of_any_kind = found.dns.iter().copied().chain(found.uri);
        for name in of_any_kind {
            check_bytes(name, URI_BYTES_MAX).map_err(CertificateRefusal::InvalidName)?;
        }
        Ok(found)
    }

    /// The names of a kind, each read strictly. None of this kind: the certificate is refused.
    pub(super) fn of_kind(&self, kind: NameKind) -> Result<Vec<String>, CertificateRefusal> {
        let names: Vec<&[u8]> = match kind {
            NameKind::Dns => self.dns.clone(),
            NameKind::Uri => self.uri.into_iter().collect(),
        };
        if names.is_empty() {
            return Err(CertificateRefusal::NoNameOfKind(kind));
        }
        let read = names.into_iter().map(|name| kind.parse(name).map_err(CertificateRefusal::InvalidName));
        let mut names = read.collect::<Result<Vec<_>, _>>()?;
        names.sort();
        names.dedup();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_names_are_read_strictly() {
        let long_label = "a".repeat(LABEL_BYTES_MAX + 1);
        let long = ["abcdefg"; 33].join(".");
        for (name, expected) in [
            ("emr.county.fi", Ok("emr.county.fi")),
            ("EMR.County.fi", Ok("emr.county.fi")),
            ("localhost", Ok("localhost")),
            ("xn--hmeenlinna-s5a.fi", Ok("xn--hmeenlinna-s5a.fi")),
            ("1.emr.fi", Ok("1.emr.fi")),
            ("", Err(NameFault::Empty)),
            ("emr.county.fi.", Err(NameFault::TrailingDot)),
            ("*.county.fi", Err(NameFault::Wildcard)),
            ("emr..fi", Err(NameFault::Label)),
            (".fi", Err(NameFault::Label)),
            ("-emr.fi", Err(NameFault::Label)),
            ("emr-.fi", Err(NameFault::Label)),
            ("e_mr.fi", Err(NameFault::Label)),
            ("emr.fi/x", Err(NameFault::Label)),
            (&long_label, Err(NameFault::Label)),
            (&long, Err(NameFault::TooLong)),
            ("emr.fi\0.evil.fi", Err(NameFault::Control)),
            ("emr.fi\n", Err(NameFault::Control)),
            ("emr fi", Err(NameFault::Control)),
            ("hämeenlinna.fi", Err(NameFault::NotAscii)),
            ("192.0.2.1", Err(NameFault::IpAddress)),
            ("2001:db8::1", Err(NameFault::IpAddress)),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(NameKind::Dns.parse(name.as_bytes()), expected, "{name:?}");
        }
    }

    #[test]
    fn spiffe_ids_are_read_strictly() {
        let long_domain = format!("spiffe://{}/a", "d".repeat(TRUST_DOMAIN_BYTES_MAX + 1));
        let long = format!("spiffe://county/{}", "a".repeat(URI_BYTES_MAX));
        for (name, expected) in [
            ("spiffe://county.fi/emr", Ok(())),
            ("spiffe://county_1.fi/ns/prod/sa/Emr-1.2_3", Ok(())),
            ("", Err(NameFault::Empty)),
            ("spiffe://county.fi", Err(NameFault::NoPath)),
            ("spiffe://county.fi/", Err(NameFault::Path)),
            ("spiffe://county.fi/emr/", Err(NameFault::Path)),
            ("spiffe://county.fi//emr", Err(NameFault::Path)),
            ("spiffe://county.fi/./emr", Err(NameFault::Path)),
            ("spiffe://county.fi/a/../emr", Err(NameFault::Path)),
            ("spiffe://county.fi/emr?x=1", Err(NameFault::Path)),
            ("spiffe://county.fi/emr#x", Err(NameFault::Path)),
            ("spiffe://county.fi/%65mr", Err(NameFault::Path)),
            ("spiffe:///emr", Err(NameFault::TrustDomain)),
            ("spiffe://County.fi/emr", Err(NameFault::TrustDomain)),
            ("spiffe://county.fi:443/emr", Err(NameFault::TrustDomain)),
            ("spiffe://user@county.fi/emr", Err(NameFault::TrustDomain)),
            ("SPIFFE://county.fi/emr", Err(NameFault::Scheme)),
            ("https://county.fi/emr", Err(NameFault::Scheme)),
            ("spiffe://county.fi/*", Err(NameFault::Wildcard)),
            ("spiffe://county.fi/emr\0", Err(NameFault::Control)),
            ("spiffe://county.fi/emr ", Err(NameFault::Control)),
            ("spiffe://county.fi/ämr", Err(NameFault::NotAscii)),
            (&long_domain, Err(NameFault::TrustDomain)),
            (&long, Err(NameFault::TooLong)),
        ] {
            assert_eq!(NameKind::Uri.parse(name.as_bytes()).map(drop), expected, "{name:?}");
        }
    }
}
