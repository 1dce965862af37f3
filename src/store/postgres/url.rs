//! Parses `store.url`. Each option of the URL is honored, or refused with what to do; none is dropped.
//! The options are those of libpq, <https://www.postgresql.org/docs/current/libpq-connect.html>.

use std::borrow::Cow;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::ChannelBinding;

use crate::store::error::OpenError;

/// The options of libpq that Lupa does not have, and what to do without them.
const REFUSED: &[(&str, &str)] = &[
    ("hostaddr", "give the address or the name as the host of the URL"),
    ("passfile", "set store.password_file"),
    ("service", "write the host, the user and the database in the URL"),
    ("sslrootcert", "set store.tls_ca_file"),
    ("sslcert", "the user is authenticated by its password: remove it and set store.password_file"),
    ("sslkey", "the user is authenticated by its password: remove it and set store.password_file"),
    ("keepalives", "they are always on: remove it"),
    ("keepalives_idle", "it follows from store.read_timeout_ms: set that"),
    ("keepalives_interval", "the operating system sets it: remove it"),
    ("keepalives_count", "the operating system sets it: remove it"),
    ("tcp_user_timeout", "it follows from store.write_timeout_ms: set that"),
];

/// A parsed URL.
pub(super) struct StoreUrl {
    /// Hosts, ports, user, database and everything that applies to each connection.
    pub(super) config: Config,
    /// Whether `sslmode` requires that connections are encrypted (`true`) or that they are not (`false`).
    pub(super) encryption: Option<bool>,
    pub(super) connect_timeout: Option<Duration>,
}

impl StoreUrl {
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        let fault = |fault: &str| OpenError::Url { fault: fault.to_owned() };
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(fault("it does not start with postgres://"));
        }
        let (address, options) = url.split_once('?').unwrap_or((url, ""));
        let config: Config = address.parse().map_err(|error: tokio_postgres::Error| OpenError::Url {
            fault: super::PostgresFailure::from(error).to_string(),
        })?;
        let mut parsed = Self { config, encryption: None, connect_timeout: None };
        let has_host = !parsed.config.get_hosts().is_empty();
        let mut seen = Vec::new();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').ok_or_else(|| fault("an option has no value"))?;
            let (name, value) = decoded(name).zip(decoded(value)).ok_or_else(|| fault("it is not UTF-8"))?;
            if seen.contains(&name) {
                return Err(refused(&name, "is given twice: remove one"));
            }
            if has_host && matches!(name.as_ref(), "host" | "port") {
                return Err(refused(
                    &name,
                    "is given before `?` already: write all hosts there, as in HOST:PORT,HOST:PORT",
                ));
            }
            parsed.set(&name, &value)?;
            seen.push(name);
        }
        let config = &parsed.config;
        if config.get_password().is_some() {
            return Err(fault("it has a password, which would be shown: give it by store.password_file"));
        }
        if config.get_hosts().is_empty() {
            return Err(fault("it has no host"));
        }
        if config.get_user().is_none() {
            return Err(fault("it has no user"));
        }
        if !matches!(config.get_ports().len(), 0 | 1) && config.get_ports().len() != config.get_hosts().len()
        {
            return Err(refused("port", "must have one port for all hosts, or one for each"));
        }
        Ok(parsed)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), OpenError> {
        let Self { config, encryption, connect_timeout } = self;
        let invalid = |accepted: &str| refused(name, accepted);
        match name {
            "user" => drop(config.user(value)),
            "password" => drop(config.password(value)),
            "dbname" => drop(config.dbname(value)),
            "host" => {
                for host in value.split(',') {
                    config.host(host);
                }
            }
            "port" => {
                for port in value.split(',') {
                    config.port(port.parse().map_err(|_| invalid("must be a number from 1 to 65535"))?);
                }
            }
            "application_name" => drop(config.application_name(value)),
            "options" => drop(config.options(value)),
            "sslmode" => match value {
                "disable" => *encryption = Some(false),
                // Each at least as strict as in libpq: the certificate and its name are always verified.
                "require" | "verify-ca" | "verify-full" => *encryption = Some(true),
                "allow" | "prefer" => {
                    return Err(invalid(
                        "would leave it to the network whether the connection is encrypted: write sslmode=require, \
                         or remove it and set store.tls",
                    ));
                }
                _ => return Err(invalid("must be disable, require, verify-ca or verify-full")),
            },
            "sslnegotiation" if value == "postgres" => {}
            "sslnegotiation" => return Err(invalid("must be postgres: write that, or remove it")),
            "channel_binding" => {
                config.channel_binding(match value {
                    "disable" => ChannelBinding::Disable,
                    "prefer" => ChannelBinding::Prefer,
                    "require" => ChannelBinding::Require,
                    _ => return Err(invalid("must be disable, prefer or require")),
                });
            }
            "connect_timeout" => match value.parse() {
                Ok(seconds @ 1..=3_600) => *connect_timeout = Some(Duration::from_secs(seconds)),
                _ => {
                    return Err(invalid(
                        "must be a number of seconds from 1 to 3600: correct it, or remove it and set \
                         store.connect_timeout_ms",
                    ));
                }
            },
            // The primary is the only server that is used.
            "target_session_attrs" if matches!(value, "primary" | "read-write") => {}
            "target_session_attrs" => {
                return Err(invalid(
                    "must be read-write or primary, because a standby lags and proves nothing: write one of \
                     them, or remove it",
                ));
            }
            // The hosts are tried in turn.
            "load_balance_hosts" if value == "disable" => {}
            "load_balance_hosts" => {
                return Err(invalid("must be disable, because only the primary is used: remove it"));
            }
            name => {
                let advice = REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, advice)| *advice);
                return Err(refused(name, &format!("is not supported: {}", advice.unwrap_or("remove it"))));
            }
        }
        Ok(())
    }
}

/// An error of an option. Values are not printed: they may be secret.
pub(super) fn refused(option: &str, fault: &str) -> OpenError {
    OpenError::UrlOption { option: option.to_owned(), fault: fault.to_owned() }
}

fn decoded(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(options: &str) -> String {
        match StoreUrl::parse(&format!("postgres://lupa@db.example/kanta?{options}")) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{options} is accepted"),
        }
    }

    #[test]
    fn options_are_honored() {
        let url = "postgresql:///kanta?host=db1,db2&port=7&user=lupa&application_name=lupa%201\
                   &options=-c%20geqo%3Doff&connect_timeout=3&target_session_attrs=read-write\
                   &channel_binding=require&sslmode=verify-full&sslnegotiation=postgres&load_balance_hosts=disable";
        let StoreUrl { config, encryption, connect_timeout } = StoreUrl::parse(url).unwrap();
        assert_eq!((config.get_hosts().len(), config.get_ports()), (2, &[7][..]));
        assert_eq!((config.get_user(), config.get_dbname()), (Some("lupa"), Some("kanta")));
        assert_eq!(
            (config.get_application_name(), config.get_options()),
            (Some("lupa 1"), Some("-c geqo=off"))
        );
        assert_eq!((encryption, connect_timeout), (Some(true), Some(Duration::from_secs(3))));
        assert_eq!(config.get_channel_binding(), ChannelBinding::Require);
    }

    #[test]
    fn each_other_option_is_refused_by_its_name() {
        let refused = REFUSED.iter().map(|(name, _)| format!("{name}=secret"));
        let values = [
            "sslmode=prefer",
            "sslmode=allow",
            "sslmode=secret",
            "sslnegotiation=direct",
            "channel_binding=secret",
            "connect_timeout=0",
            "connect_timeout=secret",
            "target_session_attrs=any",
            "target_session_attrs=standby",
            "load_balance_hosts=random",
            "gssencmode=secret",
            "nonsense=secret",
            "port=1",
            "host=secret",
            "dbname=secret&dbname=secret",
        ];
        for option in refused.chain(values.map(str::to_owned)) {
            let message = message(&option);
            let (name, _) = option.split_once('=').unwrap();
            assert!(message.starts_with(&format!("store.url: its option `{name}` ")), "{message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
