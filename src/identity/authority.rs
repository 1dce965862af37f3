//! The CAs of one entry of the callers file, with their CRLs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use x509_parser::certificate::X509Certificate;
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::time::ASN1Time;
use x509_parser::{parse_x509_certificate, parse_x509_crl};

use super::contents::{CRLS_BYTES_MAX, FILE_BYTES_MAX, FileContents, file_fault};
use super::current::CertificateHolder;
use super::expiry::{Expiry, ExpiryKind};
use super::file::AuthorityEntry;
use super::names::NameKind;
use super::refusal::CertificateRefusal;
use super::tls::provider;
use crate::config::ConfigFault;
use crate::policy::day::Instant;

/// One entry of `[[authorities]]`.
#[derive(Debug)]
pub(super) struct Authority {
    pub(super) name: Arc<str>,
    pub(super) kind: NameKind,
    /// The callers and proxies by the names in their certificates.
    pub(super) holders: HashMap<String, CertificateHolder>,
    anchors: Vec<Anchor>,
}

/// One CA certificate. webpki does not check the validity of a trust anchor, so each has a verifier of its own,
/// which is left out after the CA has expired.
#[derive(Clone, Debug)]
struct Anchor {
    not_before: UnixTime,
    not_after: UnixTime,
    verifier: Arc<dyn ClientCertVerifier>,
}

/// The result of loading an entry's files.
pub(super) struct LoadedAuthority {
    pub(super) authority: Authority,
    pub(super) expiries: Vec<Expiry>,
    pub(super) warnings: Vec<ConfigFault>,
}

impl Authority {
    /// Reads and checks the files of an entry. Its holders are empty.
    pub(super) fn load(
        entry: &AuthorityEntry,
        contents: &mut FileContents,
        now: Instant,
    ) -> Result<LoadedAuthority, Vec<ConfigFault>> {
        let AuthorityEntry { name, certificates_file, crls_file, names } = entry;
        let bytes = contents.read(certificates_file, FILE_BYTES_MAX).map_err(|fault| vec![fault])?;
        let fault = |message: &str| vec![file_fault(certificates_file, message)];
        let certificates =
            CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>().map_err(|_| {
                fault("a certificate is not valid PEM: write each between BEGIN and END CERTIFICATE")
            })?;
        if certificates.is_empty() {
            return Err(fault("has no certificate: write the CA's certificate in PEM"));
        }
        let cas = certificates.iter().map(ca).collect::<Result<Vec<_>, _>>().map_err(fault)?;
        let mut loaded = LoadedAuthority {
            authority: Self {
                name: name.as_str().into(),
                kind: *names,
                holders: HashMap::new(),
                anchors: vec![],
            },
            expiries: Vec::new(),
            warnings: Vec::new(),
        };
        for ca in &cas {
            let not_after = instant(ca.validity().not_after);
            if not_after <= now {
                let message =
                    format!("a CA expired on {}: its certificates are refused", not_after.date_naive());
                loaded.warnings.push(file_fault(certificates_file, &message));
            }
            loaded.expiries.push(Expiry { what: ExpiryKind::Authority, name: name.clone(), at: not_after });
        }
        let crls = crls(entry, &cas, contents, &mut loaded, now)?;
        for (certificate, ca) in certificates.iter().zip(&cas) {
            let verifier = verifier(certificate, &crls).map_err(|message| match crls_file {
                Some(path) => vec![file_fault(path, &message)],
                None => fault(&message),
            })?;
            loaded.authority.anchors.push(Anchor {
                not_before: unix_time(instant(ca.validity().not_before)),
                not_after: unix_time(instant(ca.validity().not_after)),
                verifier,
            });
        }
        Ok(loaded)
    }

    /// Verifies a chain: signatures, validity, usage and revocation.
    pub(super) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), CertificateRefusal> {
        let mut refusal = CertificateRefusal::UnknownIssuer;
        let mut is_verified = false;
        for Anchor { not_before, not_after, verifier } in &self.anchors {
            let verified = verifier.verify_client_cert(leaf, intermediates, now);
            let is_valid = (*not_before..=*not_after).contains(&now);
            let verified = match verified {
                Ok(_) if is_valid => Ok(()),
                Ok(_) => Err(CertificateRefusal::IssuerExpired),
                Err(error) => Err(CertificateRefusal::of_error(&error)),
            };
            match verified {
                Ok(()) => is_verified = true,
                Err(CertificateRefusal::Revoked) => return Err(CertificateRefusal::Revoked),
                Err(other) if other.specificity() > refusal.specificity() => refusal = other,
                Err(_) => {}
            }
        }
        if is_verified { Ok(()) } else { Err(refusal) }
    }

    /// One verifier of each CA, for the handshake.
    pub(super) fn verifiers(&self) -> impl Iterator<Item = &Arc<dyn ClientCertVerifier>> {
        self.anchors.iter().map(|anchor| &anchor.verifier)
    }
}

/// A CA certificate that may sign certificates.
fn ca<'c>(certificate: &'c CertificateDer<'_>) -> Result<X509Certificate<'c>, &'static str> {
    let (rest, ca) = parse_x509_certificate(certificate)
        .map_err(|_| "a certificate cannot be read: export it from the CA again")?;
    if !rest.is_empty() {
        return Err("a certificate has bytes after its end: export it from the CA again");
    }
    if !ca.is_ca() {
        return Err(
            "a certificate is not a CA's (basicConstraints lacks CA:TRUE): write the certificate of the CA",
        );
    }
    let may_sign = ca.key_usage().is_ok_and(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign()));
    if may_sign { Ok(ca) } else { Err("a CA may not sign certificates: its key usage lacks keyCertSign") }
}

/// The CRLs of an entry, the newest first: webpki takes the first one of a CA.
fn crls(
    entry: &AuthorityEntry,
    cas: &[X509Certificate<'_>],
    contents: &mut FileContents,
    loaded: &mut LoadedAuthority,
    now: Instant,
) -> Result<Vec<CertificateRevocationListDer<'static>>, Vec<ConfigFault>> {
    let Some(path) = &entry.crls_file else { return Ok(Vec::new()) };
    let bytes = contents.read(path, CRLS_BYTES_MAX).map_err(|fault| vec![fault])?;
    let fault = |message: &str| vec![file_fault(path, message)];
    let ders = CertificateRevocationListDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| fault("a CRL is not valid PEM: write each between BEGIN and END X509 CRL"))?;
    if ders.is_empty() {
        return Err(fault("has no CRL: write the CRL of each CA in PEM, or remove crls_file"));
    }
    let mut covered = vec![false; cas.len()];
    let mut found = Vec::with_capacity(ders.len());
    for der in &ders {
        let (rest, crl) =
            parse_x509_crl(der).map_err(|_| fault("a CRL cannot be read: fetch it from the CA again"))?;
        if !rest.is_empty() {
            return Err(fault("a CRL has bytes after its end: fetch it from the CA again"));
        }
        let Some(next_update) = crl.next_update() else {
            return Err(fault("a CRL has no nextUpdate, so that it would never expire: have the CA set it"));
        };
        let signer = cas.iter().position(|ca| is_signed_by(&crl, ca));
        let Some(signer) = signer else {
            return Err(fault(
                "a CRL is not signed by a CA of certificates_file that may sign CRLs: add that CA, or remove the CRL",
            ));
        };
        if let Some(is_covered) = covered.get_mut(signer) {
            *is_covered = true;
        }
        let next_update = instant(next_update);
        if next_update <= now {
            let message = format!(
                "a CRL expired at {}: the certificates of its CA are refused until a newer one is here",
                next_update.format("%Y-%m-%d %H:%M:%SZ")
            );
            loaded.warnings.push(file_fault(path, &message));
        }
        loaded.expiries.push(Expiry { what: ExpiryKind::Crl, name: entry.name.clone(), at: next_update });
        found.push((crl.last_update(), CertificateRevocationListDer::from(der.to_vec())));
    }
    if covered.contains(&false) {
        let message = "a CA of certificates_file has no CRL here: its certificates are refused";
        loaded.warnings.push(file_fault(path, message));
    }
    found.sort_by_key(|(last_update, _)| std::cmp::Reverse(*last_update));
    Ok(found.into_iter().map(|(_, der)| der).collect())
}

fn is_signed_by(crl: &CertificateRevocationList<'_>, ca: &X509Certificate<'_>) -> bool {
    crl.issuer().as_raw() == ca.subject().as_raw()
        && ca.key_usage().is_ok_and(|usage| usage.is_none_or(|usage| usage.value.crl_sign()))
        && crl.verify_signature(ca.public_key()).is_ok()
}

fn verifier(
    certificate: &CertificateDer<'_>,
    crls: &[CertificateRevocationListDer<'static>],
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone().into_owned()).map_err(|_| {
        "a certificate cannot be used as that of a CA: export it from the CA again".to_owned()
    })?;
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .with_crls(crls.iter().cloned())
        .enforce_revocation_expiration()
        .build()
        .map_err(|error| {
            format!("a CRL cannot be used: {error}; have the CA issue a complete CRL (RFC 5280)")
        })
}

/// An instant of a certificate. Beyond the range of the calendar: its end.
pub(super) fn instant(time: ASN1Time) -> Instant {
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(Instant::MAX_UTC)
}

/// An instant for rustls. Before 1970: 1970.
pub(super) fn unix_time(instant: Instant) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(instant.timestamp()).unwrap_or(0)))
}
