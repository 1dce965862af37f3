//! Reads all files of a configuration and checks them whole.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::parse_x509_certificate;

use super::authority::{Authority, LoadedAuthority, instant};
use super::caller::Caller;
use super::contents::{FILE_BYTES_MAX, FileContents, file_fault};
use super::current::{CertificateHolder, Current};
use super::expiry::{Expiry, ExpiryKind};
use super::file::{CallerEntry, CallersFile, CertificateReference, ProxyEntry, parse};
use super::forwarded::Proxy;
use super::keys;
use super::tls::{Alpn, client_verifier, provider, server_config};
use super::token::{TokenIssuer, TokenSubject};
use crate::config::ConfigFault;
use crate::policy::day::Instant;

/// Mode bits of a key file that others than its owner have.
const MODE_OF_OTHERS: u32 = 0o077;

/// The files of a configuration.
#[derive(Clone, Debug)]
pub struct IdentityFiles {
    /// The server certificate. None: TLS is not served.
    pub server: Option<ServerCertificateFiles>,
    /// The callers file.
    pub callers: PathBuf,
    /// Whether a caller may connect without a certificate, even if no caller's tokens permit it.
    pub is_certificate_optional: bool,
}

/// The files of the server certificate.
#[derive(Clone, Debug)]
pub struct ServerCertificateFiles {
    /// The chain in PEM, the server's certificate first.
    pub certificate: PathBuf,
    /// The private key in PEM.
    pub key: PathBuf,
}

/// The ids of callers: a name keeps its id as long as the process runs.
#[derive(Debug, Default)]
pub(super) struct CallerIds(HashMap<String, u32>);

impl CallerIds {
    fn of(&mut self, name: &str) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(name.to_owned()).or_insert(next)
    }
}

/// A configuration that was checked whole.
pub(super) struct LoadedIdentities {
    pub(super) current: Current,
    pub(super) contents: FileContents,
    /// Facts that an operator should change although the configuration is usable.
    pub(super) warnings: Vec<ConfigFault>,
}

/// Reads and checks all files, or returns every fault.
pub(super) fn load(
    files: &IdentityFiles,
    ids: &mut CallerIds,
    now: Instant,
) -> Result<LoadedIdentities, Vec<ConfigFault>> {
    let mut loading = Loading { now, ..Loading::default() };
    let server = files.server.as_ref().and_then(|server| loading.server_certificate(server));
    let file = loading.callers_file(&files.callers);
    let Loading { now: _, contents, mut authorities, mut issuers, expiries, warnings, faults } = loading;
    let Some(file) = file.filter(|_| faults.is_empty()) else { return Err(faults) };
    let CallersFile { authorities: _, token_issuers: _, proxies, callers } = file;
    let callers: Vec<_> = callers.into_iter().map(|entry| with_caller(entry, ids)).collect();
    let proxies: Vec<_> = proxies.into_iter().map(|entry| with_proxy(entry, &callers)).collect();
    let mut local = HashMap::new();
    let mut is_mandatory = !files.is_certificate_optional;
    let mut add_holder = |certificate: &CertificateReference, holder| {
        if let Some(authority) = authorities.get_mut(certificate.authority) {
            authority.holders.insert(certificate.name.clone(), holder);
        }
    };
    for (entry, proxy) in &proxies {
        add_holder(&entry.certificate, CertificateHolder::Proxy(Arc::clone(proxy)));
    }
    for (entry, caller) in &callers {
        if let Some(certificate) = &entry.certificate {
            add_holder(certificate, CertificateHolder::Caller(Arc::clone(caller)));
        }
        if let Some(token) = &entry.token {
            is_mandatory &= token.require_bound;
            if let Some(issuer) = issuers.get_mut(token.issuer) {
                let subject = TokenSubject { caller: Arc::clone(caller), require_bound: token.require_bound };
                issuer.subjects.insert(token.subject.clone(), subject);
            }
        }
        local.extend(entry.local.iter().map(|peer| (*peer, Arc::clone(caller))));
    }
    let authorities: Arc<[Authority]> = authorities.into();
    let tls = server.map(|key| {
        let verifier = client_verifier(&authorities, is_mandatory);
        let config = |alpn| server_config(&key, Arc::clone(&verifier), alpn);
        Ok::<_, rustls::Error>([config(Alpn::Grpc)?, config(Alpn::Http)?])
    });
    let tls = tls.transpose().map_err(|error| {
        vec![file_fault(
            &files.callers,
            &format!("TLS cannot be configured ({error}): check the server's key"),
        )]
    })?;
    let callers = callers.into_iter().map(|(_, caller)| caller).collect();
    let proxies = proxies.into_iter().map(|(_, proxy)| proxy).collect();
    let current = Current { generation: 0, tls, authorities, issuers, local, callers, proxies, expiries };
    Ok(LoadedIdentities { current, contents, warnings })
}

/// A proxy with the callers under its authority of callers.
fn with_proxy(entry: ProxyEntry, callers: &[(CallerEntry, Arc<Caller>)]) -> (ProxyEntry, Arc<Proxy>) {
    let under_authority = callers.iter().filter_map(|(caller, shared)| {
        let certificate = caller.certificate.as_ref()?;
        let is_under = certificate.authority == entry.authority_of_callers;
        is_under.then(|| (certificate.name.clone(), Arc::clone(shared)))
    });
    let proxy = Proxy {
        name: entry.name.as_str().into(),
        callers_by: entry.callers_by,
        callers: under_authority.collect(),
    };
    (entry, Arc::new(proxy))
}

fn with_caller(entry: CallerEntry, ids: &mut CallerIds) -> (CallerEntry, Arc<Caller>) {
    let caller = Caller {
        name: entry.name.as_str().into(),
        id: ids.of(&entry.name),
        details: entry.details,
        idempotency_space: entry.idempotency_space.as_str().into(),
        verbs: entry.verbs,
        organisations: entry.organisations.clone(),
        registers: entry.registers.clone(),
    };
    (entry, Arc::new(caller))
}

/// What has been read so far.
#[derive(Default)]
struct Loading {
    now: Instant,
    contents: FileContents,
    authorities: Vec<Authority>,
    issuers: Vec<TokenIssuer>,
    expiries: Vec<Expiry>,
    warnings: Vec<ConfigFault>,
    faults: Vec<ConfigFault>,
}

impl Loading {
    /// Reads the callers file and the files that it names.
    fn callers_file(&mut self, path: &Path) -> Option<CallersFile> {
        let bytes = self.read(path)?;
        let Ok(text) = String::from_utf8(bytes) else {
            self.faults.push(file_fault(path, "not UTF-8: write plain text"));
            return None;
        };
        let file = match parse(path, &text) {
            Ok(file) => file,
            Err(faults) => {
                self.faults.extend(faults);
                return None;
            }
        };
        for entry in &file.authorities {
            match Authority::load(entry, &mut self.contents, self.now) {
                Ok(LoadedAuthority { authority, expiries, warnings }) => {
                    self.authorities.push(authority);
                    self.expiries.extend(expiries);
                    self.warnings.extend(warnings);
                }
                Err(faults) => self.faults.extend(faults),
            }
        }
        for entry in &file.token_issuers {
            let Some(bytes) = self.read(&entry.keys_file) else { continue };
            match keys::read(&bytes) {
                Ok(keys) => self.issuers.push(TokenIssuer {
                    name: entry.name.clone(),
                    issuer: entry.issuer.clone(),
                    audience: entry.audience.clone(),
                    lifetime_seconds_max: entry.lifetime_seconds_max.into(),
                    keys,
                    subjects: HashMap::new(),
                }),
                Err(message) => self.faults.push(file_fault(&entry.keys_file, &message)),
            }
        }
        Some(file)
    }

    /// Reads the server certificate with its key. None: there is a fault.
    fn server_certificate(&mut self, files: &ServerCertificateFiles) -> Option<Arc<CertifiedKey>> {
        let ServerCertificateFiles { certificate, key } = files;
        let (chain, secret) = (self.read(certificate), self.read(key));
        let (chain, secret) = chain.zip(secret)?;
        self.warn_of_mode(key);
        let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>();
        let Ok(chain) = chain else {
            self.faults
                .push(file_fault(certificate, "a certificate is not valid PEM: write the chain in PEM"));
            return None;
        };
        self.check_server_certificate(certificate, &chain)?;
        // The error may not be printed: it could have bytes of the key.
        let Ok(secret) = PrivateKeyDer::from_pem_slice(&secret) else {
            self.faults.push(file_fault(key, "has no private key in PEM (PKCS #8, PKCS #1 or SEC 1)"));
            return None;
        };
        let Ok(loaded) = provider().key_provider.load_private_key(secret) else {
            self.faults
                .push(file_fault(key, "the private key cannot be used: write ECDSA, Ed25519 or RSA, in PEM"));
            return None;
        };
        let certified = CertifiedKey::new(chain, loaded);
        if certified.keys_match().is_err() {
            let message =
                format!("is not the key of {}: write the pair that belongs together", certificate.display());
            self.faults.push(file_fault(key, &message));
            return None;
        }
        Some(Arc::new(certified))
    }

    fn check_server_certificate(&mut self, path: &Path, chain: &[CertificateDer<'_>]) -> Option<()> {
        let mut fault = |message: &str| {
            self.faults.push(file_fault(path, message));
            None
        };
        let Some(leaf) = chain.first() else {
            return fault("has no certificate: write the chain in PEM, the server's certificate first");
        };
        for certificate in chain {
            if !matches!(parse_x509_certificate(certificate), Ok(([], _))) {
                return fault("a certificate of the chain cannot be read: export it again");
            }
        }
        let Ok((_, leaf)) = parse_x509_certificate(leaf) else {
            return fault("the certificate cannot be read: export it again");
        };
        let (not_before, not_after) =
            (instant(leaf.validity().not_before), instant(leaf.validity().not_after));
        if not_after <= self.now {
            return fault(&format!("the certificate expired on {}: renew it", not_after.date_naive()));
        }
        if not_before > self.now {
            let message = format!("the certificate is not valid before {not_before}: check the clock");
            return fault(&message);
        }
        let has_names = leaf.subject_alternative_name().is_ok_and(|names| names.is_some());
        if !has_names {
            return fault(
                "the certificate has no subjectAltName, so that no client accepts it: issue it with one",
            );
        }
        let is_for_servers = leaf
            .extended_key_usage()
            .is_ok_and(|usage| usage.is_none_or(|usage| usage.value.server_auth || usage.value.any));
        if !is_for_servers {
            return fault(
                "the certificate may not be used by servers: its extended key usage lacks serverAuth",
            );
        }
        let name = "server".to_owned();
        self.expiries.push(Expiry { what: ExpiryKind::ServerCertificate, name, at: not_after });
        Some(())
    }

    /// Kubernetes mounts secrets with mode 0644 or 0640, so an open mode is no fault.
    fn warn_of_mode(&mut self, key: &Path) {
        let mode = fs::metadata(key).map(|metadata| metadata.permissions().mode());
        if let Ok(mode) = mode
            && mode & MODE_OF_OTHERS != 0
        {
            let message =
                format!("other users may read the private key (mode {:o}): chmod 600", mode & 0o777);
            self.warnings.push(file_fault(key, &message));
        }
    }

    fn read(&mut self, path: &Path) -> Option<Vec<u8>> {
        self.contents.read(path, FILE_BYTES_MAX).map_err(|fault| self.faults.push(fault)).ok()
    }
}
