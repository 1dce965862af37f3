//! Options of a connection to PostgreSQL: the URL, TLS and timeouts.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::url::{StoreUrl, refused};
use crate::store::error::OpenError;
use crate::store::place::Place;

/// How to reach a PostgreSQL server.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// `postgres://USER@HOST:PORT,HOST:PORT/DATABASE`, without a password.
    pub url: String,
    /// `None` if the server requires none.
    pub password: Option<Password>,
    /// Whether the connection is encrypted and the server authenticated by its certificate.
    pub tls: PostgresTls,
    /// Timeout of connecting to one host.
    pub connect_timeout: Duration,
    /// Timeout of a read. The connection is closed when it passes.
    pub read_timeout: Duration,
    /// How long a batch is retried before its outcome is reported as unknown.
    pub write_timeout: Duration,
    /// Whether this process never writes.
    pub read_only: bool,
}

/// A password. `Debug` does not print it.
#[derive(Clone)]
pub struct Password(pub String);

/// When a connection is encrypted.
#[derive(Clone, Debug)]
pub enum PostgresTls {
    /// Encrypted unless every host is this machine. The file is as in [`PostgresTls::Always`].
    UnlessLocal(Option<PathBuf>),
    /// Always encrypted. The PEM file has the certificates of the trusted authorities; `None`: those that
    /// the operating system trusts.
    Always(Option<PathBuf>),
    /// Never encrypted: the network itself is protected.
    Never,
}

/// The parsed options.
pub(super) struct Address {
    pub(super) hosts: Vec<HostAddress>,
    pub(super) tls: Option<MakeRustlsConnect>,
    pub(super) place: Place,
    /// From the URL; it overrides the setting.
    pub(super) connect_timeout: Option<Duration>,
}

/// How to reach one host.
pub(super) struct HostAddress {
    /// `HOST:PORT`, for messages.
    pub(super) name: String,
    pub(super) config: Config,
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Address {
    /// Parses the URL and reads the certificates.
    pub(super) fn of(options: &PostgresOptions) -> Result<Self, OpenError> {
        let StoreUrl { mut config, encryption, connect_timeout } = StoreUrl::parse(&options.url)?;
        let authorities = encrypted(&options.tls, encryption, &config)?;
        let tls = match authorities {
            Some(authorities) => Some(MakeRustlsConnect::new(client_config(authorities)?)),
            None => None,
        };
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        let place = Place::new(&place(&config));
        let hosts = config.get_hosts().iter().enumerate();
        let hosts = hosts.map(|(at, host)| HostAddress {
            name: named(&config, at, host),
            config: at_host(&config, host, port(&config, at), options),
        });
        Ok(Self { hosts: hosts.collect(), tls, place, connect_timeout })
    }
}

/// Whether connections are encrypted, and then the file of the trusted authorities. An error if the
/// settings and the URL contradict each other, or if an encrypted connection is impossible.
fn encrypted<'o>(
    tls: &'o PostgresTls,
    by_url: Option<bool>,
    config: &Config,
) -> Result<Option<Option<&'o PathBuf>>, OpenError> {
    let hosts = config.get_hosts();
    let contradicts = |tls: &str| {
        let fault = format!("contradicts store.tls = \"{tls}\": remove it, or change store.tls");
        Err(refused("sslmode", &fault))
    };
    let authorities = match (tls, by_url) {
        (PostgresTls::Never, Some(true)) => return contradicts("never"),
        (PostgresTls::Always(_), Some(false)) => return contradicts("always"),
        (PostgresTls::UnlessLocal(_), Some(false)) if !hosts.iter().all(is_local) => {
            return contradicts("unless-local");
        }
        (PostgresTls::UnlessLocal(authorities), Some(true)) | (PostgresTls::Always(authorities), _) => {
            Some(authorities.as_ref())
        }
        (PostgresTls::UnlessLocal(_), _) if hosts.iter().all(is_local) => None,
        (PostgresTls::UnlessLocal(authorities), _) => Some(authorities.as_ref()),
        (PostgresTls::Never, _) => None,
    };
    if authorities.is_some() && hosts.iter().any(|host| matches!(host, Host::Unix(_))) {
        let fault =
            "a Unix socket cannot be encrypted, and store.tls or sslmode requires it: give a host name";
        return Err(OpenError::Url { fault: fault.to_owned() });
    }
    if authorities.is_none() && config.get_channel_binding() == ChannelBinding::Require {
        return Err(refused("channel_binding", "needs an encrypted connection: set store.tls = \"always\""));
    }
    Ok(authorities)
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

/// The configuration for one host, with the settings of every connection.
fn at_host(given: &Config, host: &Host, port: u16, options: &PostgresOptions) -> Config {
    let mut config = Config::new();
    match host {
        Host::Tcp(name) => config.host(name),
        Host::Unix(path) => config.host_path(path),
    };
    config.port(port).ssl_mode(given.get_ssl_mode()).channel_binding(given.get_channel_binding());
    config.application_name(given.get_application_name().unwrap_or("lupa"));
    given.get_user().map(|user| config.user(user));
    given.get_dbname().map(|database| config.dbname(database));
    given.get_options().map(|set| config.options(set));
    if let Some(Password(password)) = &options.password {
        config.password(password);
    }
    config.keepalives_idle(options.read_timeout.max(Duration::from_secs(1)));
    config.tcp_user_timeout(options.write_timeout.max(options.read_timeout));
    config
}

/// The port of a host: the URL has one for all hosts, or one for each.
fn port(config: &Config, at: usize) -> u16 {
    let ports = config.get_ports();
    ports.get(at).or(ports.first()).copied().unwrap_or(5432)
}

/// A host with its port.
fn named(config: &Config, at: usize, host: &Host) -> String {
    let port = port(config, at);
    match host {
        Host::Tcp(name) => format!("{name}:{port}"),
        Host::Unix(path) => format!("{}:{port}", path.display()),
    }
}

/// The URL without user and options.
fn place(config: &Config) -> String {
    let hosts = config.get_hosts().iter().enumerate();
    let hosts: Vec<String> = hosts.map(|(at, host)| named(config, at, host)).collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{}/{database}", hosts.join(","))
}

/// Trusts only these authorities, and requires that the certificate names the host.
fn client_config(authorities: Option<&PathBuf>) -> Result<ClientConfig, OpenError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(path) => {
            let unreadable =
                |source: std::io::Error| OpenError::File { what: "read", path: path.clone(), source };
            let invalid = |error: &dyn std::error::Error| {
                unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, error.to_string()))
            };
            let pem = std::fs::read(path).map_err(unreadable)?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                roots.add(certificate.map_err(|error| invalid(&error))?).map_err(|error| invalid(&error))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
    }
    if roots.is_empty() {
        return Err(OpenError::NoAuthorities);
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|_| OpenError::NoAuthorities)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> PostgresOptions {
        PostgresOptions {
            url: url.to_owned(),
            password: Some(Password("secret".to_owned())),
            tls: PostgresTls::UnlessLocal(None),
            connect_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(1),
            write_timeout: Duration::from_secs(1),
            read_only: false,
        }
    }

    fn fault(url: &str) -> String {
        match Address::of(&options(url)) {
            Err(OpenError::Url { fault }) => fault,
            Err(OpenError::UrlOption { option, fault }) => format!("{option} {fault}"),
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("accepted"),
        }
    }

    #[test]
    fn a_place_shows_neither_user_nor_password() {
        for (url, place) in [
            ("postgres://lupa@127.0.0.1/kanta", "postgres://127.0.0.1:5432/kanta"),
            ("postgres://lupa@[::1]:1,localhost:2/kanta", "postgres://::1:1,localhost:2/kanta"),
            ("postgres://lupa@%2Frun%2Fpostgresql/kanta", "postgres:///run/postgresql:5432/kanta"),
            ("postgres://lupa@localhost:7", "postgres://localhost:7/lupa"),
        ] {
            assert_eq!(Address::of(&options(url)).unwrap().place.to_string(), place);
        }
        assert!(!format!("{:?}", options("")).contains("secret"));
    }

    #[test]
    fn incomplete_urls_and_urls_with_a_password_are_refused() {
        assert!(fault("postgres://lupa:secret@localhost").starts_with("it has a password"));
        assert_eq!(fault("postgres://lupa@"), "it has no host");
        assert_eq!(fault("postgres://localhost"), "it has no user");
        assert!(fault("host=localhost user=lupa").contains("postgres://"));
    }

    #[test]
    fn connections_to_other_machines_are_encrypted() {
        let mode = |tls, url| {
            let address = Address::of(&PostgresOptions { tls, ..options(url) }).unwrap();
            let is_required = |host: &HostAddress| host.config.get_ssl_mode() == SslMode::Require;
            assert!(address.hosts.iter().all(|host| is_required(host) == address.tls.is_some()));
            address.tls.is_some()
        };
        let (local, both) = ("postgres://u@localhost,127.0.0.1,[::1]", "postgres://u@localhost,10.0.0.1");
        assert!(!mode(PostgresTls::UnlessLocal(None), local));
        assert!(mode(PostgresTls::UnlessLocal(None), both));
        assert!(mode(PostgresTls::Always(None), local));
        assert!(!mode(PostgresTls::Never, both));
    }

    #[test]
    fn sslmode_and_the_settings_agree_or_are_refused() {
        let of = |tls, url: &str| match Address::of(&PostgresOptions { tls, ..options(url) }) {
            Ok(address) => Ok(address.tls.is_some()),
            Err(error) => Err(error.to_string()),
        };
        let (local, remote) = ("postgres://u@localhost?sslmode=", "postgres://u@10.0.0.1?sslmode=");
        let required = || PostgresTls::UnlessLocal(None);
        for mode in ["require", "verify-ca", "verify-full"] {
            assert_eq!(of(required(), &format!("{local}{mode}")), Ok(true));
            assert_eq!(of(required(), &format!("{remote}{mode}")), Ok(true));
            let never = of(PostgresTls::Never, &format!("{local}{mode}")).unwrap_err();
            assert!(never.contains("`sslmode` contradicts store.tls = \"never\""), "{never}");
        }
        assert_eq!(of(required(), &format!("{local}disable")), Ok(false));
        assert_eq!(of(PostgresTls::Never, &format!("{remote}disable")), Ok(false));
        assert!(of(required(), &format!("{remote}disable")).unwrap_err().contains("unless-local"));
        assert!(of(PostgresTls::Always(None), &format!("{local}disable")).unwrap_err().contains("always"));
        let socket = of(PostgresTls::Always(None), "postgres://u@%2Frun/d").unwrap_err();
        assert!(socket.contains("a Unix socket cannot be encrypted"), "{socket}");
        let unbound = of(required(), "postgres://u@localhost?channel_binding=require").unwrap_err();
        assert!(unbound.contains("`channel_binding` needs"), "{unbound}");
    }
}
