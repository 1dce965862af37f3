//! How a change is encoded in a row: the JSON body and the texts of the columns.
//!
//! Row types have the names of the policy types that they encode. A row with something that this version
//! does not know is [`Unreadable`]; the caller decides on the fail-closed reading.

mod canonical;
mod content;
mod declaration;
mod directory;
mod link;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub(crate) use content::{content_of_text, text_of_content};
pub(super) use declaration::{Declaration, RecordedBy, Withdrawal};
pub(super) use directory::Directory;
pub(super) use link::{Link, LinkEnd};

use super::error::WriteError;
use crate::policy::admit;
use crate::policy::client_id::{ClientId, IdentityCode, NATIONAL_ROOT};
use crate::policy::day;
use crate::policy::declaration::Kind;
use crate::policy::oid;

/// This version cannot read a row, or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl From<serde_json::Error> for Unreadable {
    /// Drops the cause: its message may quote personal data.
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

/// Decodes the body of a declaration.
pub(super) fn declaration(body: &[u8]) -> Result<Declaration<'_>, Unreadable> {
    match canonical::declaration(body) {
        Some(declaration) => Ok(declaration),
        None => Ok(serde_json::from_slice(body)?),
    }
}

/// Decodes the body of a withdrawal.
pub(super) fn withdrawal(body: &[u8]) -> Result<Withdrawal<'_>, Unreadable> {
    match canonical::withdrawal(body) {
        Some(withdrawal) => Ok(withdrawal),
        None => Ok(serde_json::from_slice(body)?),
    }
}

/// Decodes the body of a link.
pub(super) fn link(body: &[u8]) -> Result<Link<'_>, Unreadable> {
    Ok(serde_json::from_slice(body)?)
}

/// Decodes the body of the end of a link.
pub(super) fn link_end(body: &[u8]) -> Result<LinkEnd<'_>, Unreadable> {
    Ok(serde_json::from_slice(body)?)
}

/// The kind of a change, as in the columns `what` and `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChangeKind {
    Declaration(Kind),
    Withdrawal(Kind),
    Directory,
    Link,
    LinkEnd,
    ImportBegin,
    ImportEnd,
}

impl ChangeKind {
    /// The texts of the columns `what` and `kind`.
    pub(super) fn columns(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Declaration(kind) => ("declaration", Some(kind_text(kind))),
            Self::Withdrawal(kind) => ("withdrawal", Some(kind_text(kind))),
            Self::Directory => ("directory", None),
            Self::Link => ("link", None),
            Self::LinkEnd => ("link_end", None),
            Self::ImportBegin => ("import_begin", None),
            Self::ImportEnd => ("import_end", None),
        }
    }

    pub(super) fn parse(what: &str, kind: Option<&str>) -> Result<Self, Unreadable> {
        match (what, kind) {
            ("declaration", Some(kind)) => Ok(Self::Declaration(parse_kind(kind)?)),
            ("withdrawal", Some(kind)) => Ok(Self::Withdrawal(parse_kind(kind)?)),
            ("directory", None) => Ok(Self::Directory),
            ("link", None) => Ok(Self::Link),
            ("link_end", None) => Ok(Self::LinkEnd),
            ("import_begin", None) => Ok(Self::ImportBegin),
            ("import_end", None) => Ok(Self::ImportEnd),
            _ => Err(Unreadable),
        }
    }
}

fn kind_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Information => "information",
        Kind::Consent => "consent",
        Kind::Denial => "denial",
    }
}

pub(super) fn parse_kind(text: &str) -> Result<Kind, Unreadable> {
    match text {
        "information" => Ok(Kind::Information),
        "consent" => Ok(Kind::Consent),
        "denial" => Ok(Kind::Denial),
        _ => Err(Unreadable),
    }
}

/// The texts of the columns `client_root` and `client_extension`.
pub(super) fn client_columns(client: &ClientId) -> Result<(&str, &str), WriteError> {
    match client {
        ClientId::Other { root, .. } if root.as_str() == NATIONAL_ROOT => Err(WriteError::ClientNotStorable),
        ClientId::National(_) | ClientId::Other { .. } => Ok((client.root(), client.extension())),
    }
}

pub(super) fn client(root: &str, extension: &str) -> Result<ClientId, Unreadable> {
    if root == NATIONAL_ROOT {
        IdentityCode::parse(extension).map(ClientId::National).map_err(|_| Unreadable)
    } else {
        let root = oid(Cow::Borrowed(root))?;
        Ok(ClientId::Other { root, extension: opaque_id(Cow::Borrowed(extension))? })
    }
}

/// Microseconds since 1970-01-01T00:00:00Z, rounded down.
pub(super) fn micros(instant: day::Instant) -> i64 {
    instant.timestamp_micros()
}

/// The instant with the precision of a row.
pub(super) fn whole_micros(instant: day::Instant) -> day::Instant {
    day::Instant::from_timestamp_micros(micros(instant)).unwrap_or(instant)
}

pub(super) fn instant(micros: i64) -> Result<day::Instant, Unreadable> {
    day::Instant::from_timestamp_micros(micros).ok_or(Unreadable)
}

pub(super) fn oid(text: Cow<'_, str>) -> Result<oid::Oid<'static>, Unreadable> {
    oid::Oid::parse(text).map(oid::Oid::into_owned).map_err(|_| Unreadable)
}

pub(super) fn opaque_id(text: Cow<'_, str>) -> Result<oid::OpaqueId<'static>, Unreadable> {
    oid::OpaqueId::parse(text).map(oid::OpaqueId::into_owned).map_err(|_| Unreadable)
}

fn day_text(day: Option<day::Day>) -> Option<String> {
    day.map(|day| day.to_string())
}

fn parse_day(text: Option<String>) -> Result<Option<day::Day>, Unreadable> {
    text.map(|text| day::Day::parse(&text)).transpose().map_err(|_| Unreadable)
}

/// Declares the row enum of a policy enum, with both conversions. A variant that exists only on one side
/// fails to compile.
macro_rules! row_enum {
    ($name:ident = $policy:path { $($variant:ident),+ $(,)? }) => {
        #[derive(Clone, Copy, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(in crate::store) enum $name { $($variant),+ }

        impl From<$policy> for $name {
            fn from(value: $policy) -> Self {
                match value { $(<$policy>::$variant => Self::$variant),+ }
            }
        }

        impl From<$name> for $policy {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),+ }
            }
        }
    };
}
use row_enum;

row_enum!(
    Notice = admit::Notice {
        LateEntry,
        ProvideInformation,
        ConsentReplaced,
        Superseded,
        AlreadyDenied,
        StillDenied,
        AlreadyLinked
    }
);

/// The text of the column `notices`.
pub(super) fn notices_text(notices: &[admit::Notice]) -> Result<String, serde_json::Error> {
    let notices: Vec<Notice> = notices.iter().copied().map(Notice::from).collect();
    serde_json::to_string(&notices)
}

pub(super) fn notices<C: FromIterator<admit::Notice>>(text: &str) -> Result<C, Unreadable> {
    let notices: Vec<Notice> = serde_json::from_str(text)?;
    Ok(notices.into_iter().map(admit::Notice::from).collect())
}
