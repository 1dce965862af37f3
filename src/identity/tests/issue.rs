//! Issues certificates and CRLs for tests.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, CustomExtension,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::pki_types::CertificateDer;

/// The OID of subjectAltName.
const SUBJECT_ALT_NAME: [u64; 4] = [2, 5, 29, 17];

/// Tags of GeneralName.
pub(super) const EMAIL: u8 = 1;
pub(super) const DNS: u8 = 2;
pub(super) const URI: u8 = 6;
pub(super) const IP: u8 = 7;

/// A CA with its key.
pub(super) struct TestCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

pub(super) fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl TestCa {
    pub(super) fn new(name: &str) -> Self {
        Self::of(ca_params(name))
    }

    pub(super) fn of(params: CertificateParams) -> Self {
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("a CA");
        Self { issuer }
    }

    /// A CA under this one.
    pub(super) fn intermediate(&self, params: CertificateParams) -> Self {
        let issuer = CertifiedIssuer::signed_by(params, key(), &self.issuer).expect("a CA");
        Self { issuer }
    }

    pub(super) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(super) fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    pub(super) fn issue(&self, params: &CertificateParams) -> CertificateDer<'static> {
        self.issue_for(params, &key())
    }

    pub(super) fn issue_for(&self, params: &CertificateParams, key: &KeyPair) -> CertificateDer<'static> {
        params.signed_by(key, &self.issuer).expect("a certificate").der().clone()
    }

    /// A certificate of a client with these names.
    pub(super) fn client(&self, names: &[(u8, &[u8])]) -> CertificateDer<'static> {
        self.issue(&client(names))
    }

    /// A CRL in PEM: valid in the year 2026, or expired in November of it.
    pub(super) fn crl(&self, revoked: &[u64], is_expired: bool) -> String {
        let revoked = revoked.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2026, 10, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: if is_expired { date_time_ymd(2026, 11, 1) } else { date_time_ymd(2027, 1, 1) },
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).expect("a CRL").pem().expect("PEM")
    }
}

pub(super) fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

pub(super) fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::CommonName, name);
    distinguished_name
}

/// The parameters of a client's certificate, without a subjectAltName.
pub(super) fn nameless() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name("emr.county.fi");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// The parameters of a client's certificate.
pub(super) fn client(names: &[(u8, &[u8])]) -> CertificateParams {
    let mut params = nameless();
    params.custom_extensions.push(names_extension(names));
    params
}

/// A subjectAltName with any bytes in it: rcgen's own accepts only ASCII.
pub(super) fn names_extension(names: &[(u8, &[u8])]) -> CustomExtension {
    let names: Vec<u8> = names.iter().flat_map(|(tag, name)| der(0x80 | tag, name)).collect();
    raw_names_extension(der(0x30, &names))
}

pub(super) fn raw_names_extension(content: Vec<u8>) -> CustomExtension {
    CustomExtension::from_oid_content(&SUBJECT_ALT_NAME, content)
}

/// A value in DER.
pub(super) fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short value");
    let [high, low] = length.to_be_bytes();
    let header = match length {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        0x100.. => vec![tag, 0x82, high, low],
    };
    [header.as_slice(), content].concat()
}

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
