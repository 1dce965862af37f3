//! Where changes are stored.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use super::{HIDDEN, Index, Server};

/// The store: a file, or a database on a server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The database file, where there is no URL.
    pub path: PathBuf,
    /// A PostgreSQL database.
    pub url: Option<String>,
    /// A file with the password for it.
    pub password_file: Option<PathBuf>,
    /// The password.
    pub password: Option<Secret>,
    /// Whether the connection to it is encrypted.
    pub tls: Tls,
    /// Who vouches for the server.
    pub tls_ca_file: Option<PathBuf>,
    /// How long connecting to one server may take.
    pub connect_timeout_ms: u64,
    /// How long a read may take.
    pub read_timeout_ms: u64,
    /// How long something is tried to be written.
    pub write_timeout_ms: u64,
    /// See `store.settle_timeout_ms`.
    pub settle_timeout_ms: u64,
    /// Whether another process writes it, and this one only follows.
    pub read_only: bool,
    /// Declarations waiting to be written; more are refused.
    pub append_queue_length_max: usize,
    /// Declarations written in one transaction.
    pub group_commit_declarations_max: usize,
    /// A larger database is not checked whole when it is opened.
    pub check_whole_bytes_max: u64,
    /// Clients whose history is read from the database at one time.
    pub read_connections_max: usize,
}

/// Whether a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// Unless it stays on this machine.
    UnlessLocal,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A text that is not shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Store {
    /// What does not fit together.
    pub(super) fn check(&self, server: &Server, index: &Index, tell: &mut dyn FnMut(String)) {
        let Self { url: Some(url), password, password_file, read_timeout_ms, write_timeout_ms, .. } = self
        else {
            return;
        };
        if has_password(url) {
            // Not quoted.
            tell(
                "store.url: it has a password, which would be shown: give it by store.password_file, or by the \
                 environment as LUPA_STORE__PASSWORD"
                    .to_owned(),
            );
        }
        if password.is_some() && password_file.is_some() {
            tell("store.password_file: there is a store.password too: leave out one of them".to_owned());
        }
        let Server { request_timeout_ms, .. } = server;
        if write_timeout_ms >= request_timeout_ms {
            tell(format!(
                "store.write_timeout_ms: {write_timeout_ms} is not less than server.request_timeout_ms = \
                 {request_timeout_ms}, so that callers would not learn what became of what they sent: lower it or \
                 raise the other"
            ));
        }
        let Index { max_staleness_ms, .. } = index;
        if read_timeout_ms > max_staleness_ms {
            tell(format!(
                "store.read_timeout_ms: {read_timeout_ms} is more than index.max_staleness_ms = {max_staleness_ms}: \
                 a read that takes longer proves nothing: lower it or raise the other"
            ));
        }
    }
}

/// Whether the part of a URL that tells the user, or one of its options, has a password.
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
