//! An authority for tests, with the files of a server and its callers.

use std::fs;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use tempfile::TempDir;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Error, Identity};

use crate::fixtures::process::Process;

/// A certificate authority and a folder with the files of a server that trusts it.
pub(super) struct TestAuthority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What a client identifies itself with.
pub(super) struct ClientFiles {
    pub(super) certificate: String,
    pub(super) key: String,
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

impl TestAuthority {
    /// With a certificate of the server, and these entries of callers.
    pub(super) fn new(callers: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("an authority");
        let authority = Self { folder, issuer };
        fs::write(authority.file("ca.pem"), authority.issuer.pem()).expect("written");
        authority.write_server_certificate(2030);
        authority.write_revoked(&[]);
        authority.write_callers(callers);
        authority
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Another certificate of the server, valid until the first day of a year.
    pub(super) fn write_server_certificate(&self, until: i32) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        fs::write(self.file("server-key.pem"), key.serialize_pem()).expect("written");
        fs::write(self.file("server.pem"), certificate.pem()).expect("written");
    }

    /// The callers, under this authority.
    pub(super) fn write_callers(&self, callers: &str) {
        let text = format!(
            "[[authorities]]\nname = \"test-ca\"\ncertificates_file = \"ca.pem\"\ncrls_file = \"ca.crl\"\n\
             names = \"dns\"\n\n{callers}"
        );
        fs::write(self.file("callers.toml"), text).expect("written");
    }

    /// Revokes certificates by their numbers.
    pub(super) fn write_revoked(&self, numbers: &[u64]) {
        let revoked = numbers.iter().map(|number| RevokedCertParams {
            serial_number: SerialNumber::from(*number),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2040, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.issuer).expect("a list").pem().expect("PEM");
        fs::write(self.file("ca.crl"), list).expect("written");
    }

    /// A client with a DNS name. Its certificate has the number 7.
    pub(super) fn client(&self, name: &str) -> ClientFiles {
        self.client_with_number(name, 7)
    }

    pub(super) fn client_with_number(&self, name: &str, number: u64) -> ClientFiles {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.serial_number = Some(SerialNumber::from(number));
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        ClientFiles { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// A new connection to a server.
    pub(super) async fn connect(
        &self,
        process: &Process,
        client: Option<&ClientFiles>,
    ) -> Result<Channel, Error> {
        let authority = Certificate::from_pem(self.issuer.pem());
        let mut tls = ClientTlsConfig::new().ca_certificate(authority).domain_name("localhost");
        if let Some(ClientFiles { certificate, key }) = client {
            tls = tls.identity(Identity::from_pem(certificate, key));
        }
        let endpoint = Endpoint::from_shared(format!("https://{}", process.address())).expect("a URL");
        endpoint.tls_config(tls)?.connect().await
    }
}
