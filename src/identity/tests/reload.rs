//! Reloading, judging open connections, and the handshake.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, SerialNumber, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection};

use super::issue::{DNS, TestCa, client, common_name, key, names_extension, pem};
use super::{CallersFolder, lines, now};
use crate::identity::tls::provider;
use crate::identity::{
    Alpn, CertificateRefusal, ExpiryKind, Identities, IdentityFiles, Reloaded, ServerCertificateFiles,
};

const CALLERS: &str = r#"
[[authorities]]
name = "county"
certificates_file = "county.pem"
crls_file = "county.crl"
names = "dns"
[[callers]]
name = "emr"
authority = "county"
dns = "emr.county.fi"
organisations = "any"
registers = "any"
verbs = ["decide"]
"#;

struct TestServer {
    folder: CallersFolder,
    ca: TestCa,
}

impl TestServer {
    fn new() -> Self {
        let server = Self { folder: CallersFolder::new(), ca: TestCa::new("county") };
        server.folder.write("callers.toml", CALLERS);
        server.folder.write("county.pem", server.ca.pem());
        server.folder.write("county.crl", server.ca.crl(&[], false));
        server.renew(&server_params());
        server
    }

    fn renew(&self, params: &CertificateParams) {
        let key = key();
        self.folder.write("server.pem", pem("CERTIFICATE", &self.ca.issue_for(params, &key)));
        self.write_key(&key);
    }

    fn write_key(&self, key: &KeyPair) {
        let path = self.folder.write("server.key", key.serialize_pem());
        fs::set_permissions(path, Permissions::from_mode(0o600)).expect("a mode");
    }

    fn files(&self) -> IdentityFiles {
        let [certificate, key] = ["server.pem", "server.key"].map(|name| self.folder.path().join(name));
        IdentityFiles { server: Some(ServerCertificateFiles { certificate, key }), ..self.folder.files() }
    }

    fn open(&self) -> Identities {
        match Identities::open(self.files(), now()) {
            Ok((identities, warnings)) => {
                assert_eq!(lines(&warnings), "");
                identities
            }
            Err(faults) => panic!("{}", lines(&faults)),
        }
    }
}

fn server_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name("server");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.custom_extensions.push(names_extension(&[(DNS, b"localhost")]));
    params
}

fn emr(serial: u64) -> CertificateParams {
    let mut params = client(&[(DNS, b"emr.county.fi")]);
    params.serial_number = Some(SerialNumber::from(serial));
    params
}

#[test]
fn a_reload_replaces_the_whole_configuration_or_nothing() {
    let server = TestServer::new();
    let identities = server.open();
    let changed = identities.changed();
    assert_eq!(identities.reload(now()), Ok(Reloaded::Unchanged));
    let before = identities.current();

    server.folder.write("callers.toml", CALLERS.replace("emr\"\nauthority", "lab\"\nauthority") + "x = 1");
    server.renew(&server_params());
    let faults = lines(&identities.reload(now()).expect_err("a fault"));
    assert!(faults.contains("callers.toml:14: callers.lab: `x`: no such key"), "{faults}");
    assert!(Arc::ptr_eq(&before, &identities.current()));
    assert!(!changed.has_changed().expect("open"));

    server.folder.write("callers.toml", CALLERS.replace("emr\"\nauthority", "lab\"\nauthority"));
    let reloaded = identities.reload(now());
    assert_eq!(reloaded, Ok(Reloaded::Changed { generation: 2, warnings: vec![] }));
    assert_eq!(*changed.borrow(), 2);
    let current = identities.current();
    assert_eq!(current.generation(), 2);
    assert_eq!(current.caller("lab").map(|caller| caller.id), Some(1));
    assert!(current.caller("emr").is_none());

    server.folder.write("callers.toml", CALLERS);
    assert!(identities.reload(now()).is_ok());
    assert_eq!(identities.current().caller("emr").map(|caller| caller.id), Some(0), "a name keeps its id");
    assert_eq!(identities.reload(now()), Ok(Reloaded::Unchanged));
}

#[test]
fn faults_of_the_server_certificate_leave_the_old_one_in_force() {
    let server = TestServer::new();
    let identities = server.open();
    let changed = |change: &dyn Fn(&mut CertificateParams)| {
        let mut params = server_params();
        change(&mut params);
        params
    };
    let expired = changed(&|params| params.not_after = date_time_ymd(2026, 12, 1));
    let future = changed(&|params| params.not_before = date_time_ymd(2026, 12, 2));
    let nameless = changed(&|params| params.custom_extensions.clear());
    let of_client = changed(&|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    for (params, part) in [
        (expired, "server.pem: the certificate expired on 2026-12-01"),
        (future, "server.pem: the certificate is not valid before"),
        (nameless, "server.pem: the certificate has no subjectAltName"),
        (of_client, "server.pem: the certificate may not be used by servers"),
    ] {
        server.renew(&params);
        let faults = lines(&identities.reload(now()).expect_err(part));
        assert!(faults.contains(part), "{faults}");
    }
    server.renew(&server_params());
    server.write_key(&key());
    let faults = lines(&identities.reload(now()).expect_err("another key"));
    assert!(faults.contains("server.key: is not the key of"), "{faults}");
    server.folder.write("server.key", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n");
    let faults = lines(&identities.reload(now()).expect_err("no key"));
    assert!(
        faults.contains("server.key: the private key cannot be used") && !faults.contains("c2VjcmV0"),
        "{faults}"
    );
    fs::remove_file(server.folder.path().join("server.key")).expect("removed");
    let faults = lines(&identities.reload(now()).expect_err("no file"));
    assert!(faults.contains("server.key: cannot be read"), "{faults}");
    assert_eq!(identities.current().generation(), 1);
}

#[test]
fn a_key_that_others_may_read_is_a_warning() {
    let server = TestServer::new();
    let path = server.folder.path().join("server.key");
    fs::set_permissions(path, Permissions::from_mode(0o644)).expect("a mode");
    let (_, warnings) = Identities::open(server.files(), now()).expect("valid");
    assert!(lines(&warnings).contains("server.key: other users may read the private key (mode 644)"));
}

#[test]
fn open_connections_are_judged_by_the_configuration_in_force() {
    let server = TestServer::new();
    let identities = server.open();
    let identity =
        identities.current().of_certificates(&[server.ca.issue(&emr(5))], now()).expect("a caller");
    let judge = || identities.current().judge(&identity, now()).map(|one| one.holder.name().to_owned());
    let reload = || assert!(identities.reload(now()).is_ok_and(|reloaded| reloaded != Reloaded::Unchanged));
    assert_eq!(judge().as_deref(), Ok("emr"));

    server.folder.write("county.crl", server.ca.crl(&[5], false));
    reload();
    assert_eq!(judge(), Err(CertificateRefusal::Revoked));
    server.folder.write("county.crl", server.ca.crl(&[6], false));
    reload();
    assert_eq!(judge().as_deref(), Ok("emr"));

    server.folder.write("callers.toml", CALLERS.replace("dns = \"emr.", "dns = \"lab."));
    reload();
    assert_eq!(judge(), Err(CertificateRefusal::NamesNoCaller("county".into())));
    server.folder.write("callers.toml", CALLERS.replace("\"emr\"", "\"emr-2\""));
    reload();
    assert_eq!(judge(), Err(CertificateRefusal::NamesAnotherCaller));
    server.folder.write("callers.toml", CALLERS.replace("[\"decide\"]", "[\"explain\"]"));
    reload();
    assert_eq!(judge().as_deref(), Ok("emr"), "other verbs");

    server.folder.write("county.pem", TestCa::new("county").pem());
    assert!(identities.reload(now()).is_err(), "the CRL is of the other CA");
    server.folder.write("county.pem", TestCa::new("new").pem() + &server.ca.pem());
    reload();
    assert_eq!(judge().as_deref(), Ok("emr"), "a CA was added");
    let later = now() + chrono::TimeDelta::days(40);
    let judged = identities.current().judge(&identity, later).map(drop);
    assert_eq!(judged, Err(CertificateRefusal::RevocationListExpired));
}

#[test]
fn expiries_are_those_of_certificates_and_lists() {
    let server = TestServer::new();
    let mut params = server_params();
    params.not_after = date_time_ymd(2027, 2, 1);
    server.renew(&params);
    let mut expiries = server.open().expiries();
    expiries.sort_by_key(|expiry| expiry.at);
    let found: Vec<_> = expiries
        .iter()
        .map(|expiry| (expiry.what, expiry.name.as_str(), expiry.at.date_naive().to_string()))
        .collect();
    assert_eq!(found[0], (ExpiryKind::Crl, "county", "2027-01-01".to_owned()));
    assert_eq!(found[1], (ExpiryKind::ServerCertificate, "server", "2027-02-01".to_owned()));
    assert_eq!((found.len(), found[2].0), (3, ExpiryKind::Authority));
}

/// A client of the server, with or without a certificate.
fn client_config(ca: &TestCa, certificate: Option<(CertificateDer<'static>, KeyPair)>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.der()).expect("a CA");
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let mut config = match certificate {
        Some((certificate, key)) => {
            let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
            builder.with_client_auth_cert(vec![certificate], key).expect("a key")
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

/// Runs a handshake in memory; the error is the server's.
fn handshake(
    server: Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
) -> Result<ServerConnection, rustls::Error> {
    let name = ServerName::try_from("localhost").expect("a name");
    let mut client = ClientConnection::new(Arc::clone(client), name).expect("a client");
    let mut server = ServerConnection::new(server).expect("a server");
    for _ in 0..10 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).expect("memory");
        }
        let mut sent = bytes.as_slice();
        while !sent.is_empty() {
            server.read_tls(&mut sent).expect("memory");
            server.process_new_packets()?;
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).expect("memory");
        }
        let mut sent = bytes.as_slice();
        while !sent.is_empty() {
            client.read_tls(&mut sent).expect("memory");
            client.process_new_packets().expect("a good server");
        }
    }
    assert!(!server.is_handshaking() && !client.is_handshaking());
    Ok(server)
}

// The handshake takes the time from the system: these certificates have no CRL and are valid until the year 4096.
#[test]
fn a_handshake_requires_a_certificate_and_resumes_nothing() {
    let server = TestServer::new();
    server.folder.write("callers.toml", CALLERS.replace("crls_file = \"county.crl\"\n", ""));
    let current = server.open().current();
    let grpc = current.tls(Alpn::Grpc).expect("TLS");
    let key = key();
    let certificate = server.ca.issue_for(&emr(5), &key);
    let config = client_config(&server.ca, Some((certificate, key)));
    for _ in 0..2 {
        let connection = handshake(Arc::clone(&grpc), &config).expect("accepted");
        assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Full), "no resumption");
        assert_eq!(connection.alpn_protocol(), Some(b"h2".as_slice()));
        let chain = connection.peer_certificates().expect("a chain");
        let identity = current.of_certificates(chain, now()).expect("a caller");
        assert_eq!(identity.holder.name(), "emr");
    }
    let without = client_config(&server.ca, None);
    let refused = handshake(Arc::clone(&grpc), &without).map(drop);
    assert_eq!(refused, Err(rustls::Error::NoCertificatesPresented));
    let http = current.tls(Alpn::Http).expect("TLS");
    assert!(handshake(http, &config).is_err(), "h2 on the HTTP port");

    let optional = IdentityFiles { is_certificate_optional: true, ..server.files() };
    let (identities, _) = Identities::open(optional, now()).expect("valid");
    let grpc = identities.current().tls(Alpn::Grpc).expect("TLS");
    let connection = handshake(grpc, &without).expect("accepted");
    assert!(connection.peer_certificates().is_none());
}

#[test]
fn a_handshake_refuses_another_ca() {
    let server = TestServer::new();
    let evil = TestCa::new("evil");
    let key = key();
    let certificate = evil.issue_for(&emr(5), &key);
    let config = client_config(&server.ca, Some((certificate, key)));
    let refused = handshake(server.open().current().tls(Alpn::Grpc).expect("TLS"), &config).map(drop);
    let expected = rustls::CertificateError::UnknownIssuer;
    assert_eq!(refused, Err(rustls::Error::InvalidCertificate(expected)));
}
