//! TLS and password authentication with PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lupa::store::{Password, PostgresOptions, PostgresTls, Store};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use super::fixture::*;
use crate::fixtures::postgres::{self, Cluster, postgres_options};
use crate::fixtures::process::{Process, serve};

const PASSWORD: &str = "correct-horse";

/// A server, the certificate authority that signed its certificate, and another authority.
struct Secured {
    cluster: Cluster,
    folder: TempDir,
}

impl Secured {
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Secured> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let (authority, issuer) = authority();
        fs::write(folder.path().join("authority.pem"), authority).unwrap();
        fs::write(folder.path().join("stranger.pem"), self::authority().0).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = names.signed_by(&key, &issuer).unwrap();
        let cluster = Cluster::start_secured(&certificate.pem(), &key.serialize_pem(), PASSWORD);
        Self { cluster, folder }
    }

    /// The path of a certificate.
    fn of(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self, host: &str, database: &str) -> String {
        let (_, database) = database.rsplit_once('/').unwrap();
        format!("postgres://lupa@{host}:{}/{database}", self.cluster.port())
    }

    /// Connects to a new database, or returns the error.
    fn connect(&self, host: &str, password: Option<&str>, tls: PostgresTls) -> Result<Store, String> {
        let url = self.url(host, &self.cluster.database());
        let password = password.map(|password| Password(password.to_owned()));
        let options_of_it = PostgresOptions { password, tls, ..postgres_options(&url) };
        let connected = Store::connect(&options_of_it, options());
        connected.map_err(|error| {
            let text = format!("{} | {error:?}", message(&error));
            assert!(!text.contains(PASSWORD), "{text}");
            text
        })
    }
}

/// The certificate of an authority in PEM, and its signer.
fn authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    (certificate, Issuer::new(params, key))
}

#[tokio::test]
async fn trusted_server_is_used_encrypted_with_password() {
    let secured = Secured::shared();
    let database = secured.cluster.database();
    let url = secured.url("localhost", &database);
    let tls = PostgresTls::Always(Some(secured.of("authority.pem")));
    let password = Some(Password(PASSWORD.to_owned()));
    let store =
        Store::connect(&PostgresOptions { password, tls, ..postgres_options(&url) }, options()).unwrap();
    let declared = append(&store, declare(client(), "1", denial())).await;
    let (index, _follower) = start_index(&store);
    reached(&index, &store, declared.revision).await;
    let sessions = postgres::connect(&database)
        .await
        .query_one(
            "SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
            &[],
        )
        .await
        .unwrap();
    let (all, encrypted): (i64, i64) = (sessions.get(0), sessions.get(1));
    assert!(all >= 2 && all == encrypted, "{encrypted} of {all}");
}

/// Also to this machine, if the URL says so, and bound to the certificate.
#[tokio::test]
async fn connection_that_the_url_calls_encrypted_is_encrypted() {
    let secured = Secured::shared();
    let database = secured.cluster.database();
    let authority = || PostgresTls::UnlessLocal(Some(secured.of("authority.pem")));
    let connect = |host: &str, query: &str| {
        let url = format!("{}?{query}", secured.url(host, &database));
        let password = Some(Password(PASSWORD.to_owned()));
        Store::connect(&PostgresOptions { password, tls: authority(), ..postgres_options(&url) }, options())
    };
    let query = "sslmode=require&channel_binding=require&application_name=encrypted";
    let _store = connect("localhost", query).unwrap();
    let sessions = postgres::connect(&database)
        .await
        .query_one(
            "SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE application_name = 'encrypted'",
            &[],
        )
        .await
        .unwrap();
    let (all, encrypted): (i64, i64) = (sessions.get(0), sessions.get(1));
    assert!(all >= 1 && all == encrypted, "{encrypted} of {all}");
    // The name is verified for each mode.
    for mode in ["require", "verify-ca", "verify-full"] {
        let other_name = connect("127.0.0.1", &format!("sslmode={mode}")).err().unwrap();
        let other_name = lupa::store::with_causes(&other_name);
        assert!(other_name.contains("certificate"), "{other_name}");
    }
}

#[tokio::test]
async fn untrusted_server_certificate_is_refused() {
    let secured = Secured::shared();
    let trusting = |name: &str| PostgresTls::Always(Some(secured.of(name)));
    let stranger = secured.connect("localhost", Some(PASSWORD), trusting("stranger.pem")).unwrap_err();
    assert!(stranger.contains("certificate"), "{stranger}");
    // Its certificate has another name.
    let other_name = secured.connect("127.0.0.1", Some(PASSWORD), trusting("authority.pem")).unwrap_err();
    assert!(other_name.contains("certificate"), "{other_name}");
    // The system's authorities did not sign it.
    let unknown = secured.connect("localhost", Some(PASSWORD), PostgresTls::Always(None)).unwrap_err();
    assert!(unknown.contains("certificate"), "{unknown}");
}

#[tokio::test]
async fn missing_credentials_are_reported() {
    let secured = Secured::shared();
    let tls = || PostgresTls::Always(Some(secured.of("authority.pem")));
    let wrong = secured.connect("localhost", Some("wrong-horse"), tls()).unwrap_err();
    assert!(wrong.contains("password authentication failed") && !wrong.contains("wrong-horse"), "{wrong}");
    let none = secured.connect("localhost", None, tls()).unwrap_err();
    assert!(none.contains("password"), "{none}");
    let open = secured.connect("localhost", Some(PASSWORD), PostgresTls::Never).unwrap_err();
    assert!(open.contains("no encryption"), "{open}");
}

/// As an operator sets it, with all log levels.
#[tokio::test]
async fn password_is_read_from_file_or_environment_and_never_logged() {
    let secured = Secured::shared();
    let file = secured.of("password");
    let start = |set: &dyn Fn(&mut std::process::Command)| {
        let mut command = serve(Path::new("unused"));
        command
            .env("LUPA_STORE__URL", secured.url("localhost", &secured.cluster.database()))
            .env("LUPA_STORE__TLS", "always")
            .env("LUPA_STORE__TLS_CA_FILE", secured.of("authority.pem"))
            .env("RUST_LOG", "trace");
        set(&mut command);
        Process::start(command)
    };
    for (password, is_right) in [(PASSWORD, true), ("wrong-horse", false)] {
        // An editor ends the line.
        fs::write(&file, format!("{password}\n")).unwrap();
        for by_file in [true, false] {
            let started = start(&|command| {
                if by_file {
                    command.env("LUPA_STORE__PASSWORD_FILE", &file);
                } else {
                    command.env("LUPA_STORE__PASSWORD", password);
                }
            });
            assert_eq!(started.is_ok(), is_right);
            let output = started.map_or_else(|ended| ended, Process::terminate).output;
            assert!(!output.contains(password), "{output}");
            assert!(is_right || output.contains("password authentication failed"), "{output}");
        }
    }
}
