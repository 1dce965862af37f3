//! The settings of the store.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use super::{HIDDEN, Index, Server};

/// The store: an SQLite file or a PostgreSQL database.
#[expect(missing_docs, reason = "each field is the setting of the same name, described in SETTINGS")]
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub path: PathBuf,
    pub url: Option<String>,
    pub password_file: Option<PathBuf>,
    pub password: Option<Secret>,
    pub tls: Tls,
    pub tls_ca_file: Option<PathBuf>,
    pub connect_timeout_ms: u64,
    pub read_timeout_ms: u64,
    pub write_timeout_ms: u64,
    pub read_only: bool,
    pub allow_writable_by_others: bool,
    pub append_queue_length_max: usize,
    pub group_commit_declarations_max: usize,
    pub check_whole_bytes_max: u64,
    pub read_connections_max: usize,
}

/// When the connection to PostgreSQL uses TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// Unless every host is this machine.
    UnlessLocal,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Text that is never printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Store {
    /// Reports the faults that involve several settings.
    pub(super) fn check(&self, server: &Server, index: &Index, report: &mut dyn FnMut(String)) {
        let Self { url: Some(url), password, password_file, read_timeout_ms, write_timeout_ms, .. } = self
        else {
            return;
        };
        if has_password(url) {
            // Without the URL: the message must not print the password.
            report(
                "store.url: it contains a password, which would be printed: remove it and set store.password_file, \
                 or LUPA_STORE__PASSWORD in the environment"
                    .to_owned(),
            );
        }
        if password.is_some() && password_file.is_some() {
            report("store.password_file: store.password is set too: unset one of them".to_owned());
        }
        let Server { request_timeout_ms, .. } = server;
        if write_timeout_ms >= request_timeout_ms {
            report(format!(
                "store.write_timeout_ms: {write_timeout_ms} is not less than server.request_timeout_ms = \
                 {request_timeout_ms}, so requests would time out before their outcome is known: lower the write \
                 timeout or raise the request timeout"
            ));
        }
        let Index { max_staleness_ms, .. } = index;
        if read_timeout_ms > max_staleness_ms {
            report(format!(
                "store.read_timeout_ms: {read_timeout_ms} is more than index.max_staleness_ms = {max_staleness_ms}, \
                 so a slow read could not prove freshness any more: lower the timeout or raise the bound"
            ));
        }
    }
}

/// Whether the user part of a URL or one of its options contains a password.
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let user = rest.split(['/', '?']).next().and_then(|authority| authority.rsplit_once('@'));
    user.is_some_and(|(user, _)| user.contains(':')) || rest.contains("password=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_noticed_wherever_it_is() {
        for url in ["postgres://u:p@h/d", "postgresql://u:@h", "postgres://h/d?user=u&password=p", "u:p@h"] {
            assert!(has_password(url), "{url}");
        }
        for url in ["postgres://u@h:5432/d", "postgres://u@[::1]:5432,h:1/d", "postgres://h/a:b@c"] {
            assert!(!has_password(url), "{url}");
        }
        assert_eq!(format!("{:?}", Secret("secret".to_owned())), HIDDEN);
    }
}
