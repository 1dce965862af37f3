//! Rows as they are, not understood: to be counted, compared and copied.

use sha2::{Digest, Sha256};

use super::change::Revision;
use super::columns::Columns;

/// A row of the table of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawChange {
    pub(super) revision: i64,
    pub(super) recorded_at: i64,
    pub(super) what: String,
    pub(super) kind: Option<String>,
    pub(super) client_root: Option<String>,
    pub(super) client_extension: Option<String>,
    pub(super) declaration_id: Option<String>,
    pub(super) body: String,
    pub(super) idempotency_key: Option<String>,
    pub(super) payload_digest: Option<Vec<u8>>,
    pub(super) notices: Option<String>,
    pub(super) replaced_id: Option<String>,
}

/// A row of the table of viewings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawViewing {
    pub(super) number: i64,
    pub(super) at: i64,
    pub(super) client_root: String,
    pub(super) client_extension: String,
    pub(super) viewer: Option<String>,
    pub(super) purpose: String,
    pub(super) what: String,
}

/// The columns of [`RawChange`], in its order.
macro_rules! change_columns {
    () => {
        "revision, recorded_at, what, kind, client_root, client_extension, declaration_id, body,
         idempotency_key, payload_digest, notices, replaced_id"
    };
}
pub(super) use change_columns;

/// The columns of [`RawViewing`], in its order.
macro_rules! viewing_columns {
    () => {
        "number, at, client_root, client_extension, viewer, purpose, what"
    };
}
pub(super) use viewing_columns;

/// SHA-256 over rows, in order: the same of two stores that say the same.
#[derive(Clone, Default)]
pub(super) struct HistoryDigest(Sha256);

impl RawChange {
    pub(super) fn revision(&self) -> Revision {
        Revision(self.revision.cast_unsigned())
    }

    /// What can be understood of it.
    pub(super) fn columns(&self) -> Columns<'_> {
        Columns {
            revision: self.revision(),
            recorded_at: self.recorded_at,
            what: &self.what,
            kind: self.kind.as_deref(),
            client: self.client_root.as_deref().zip(self.client_extension.as_deref()),
            declaration_id: self.declaration_id.as_deref(),
            body: self.body.as_bytes(),
        }
    }
}

impl HistoryDigest {
    pub(super) fn add(&mut self, change: &RawChange) {
        let RawChange {
            revision,
            recorded_at,
            what,
            kind,
            client_root,
            client_extension,
            declaration_id,
            body,
            idempotency_key,
            payload_digest,
            notices,
            replaced_id,
        } = change;
        self.0.update(revision.to_be_bytes());
        self.0.update(recorded_at.to_be_bytes());
        let texts = [
            Some(what),
            kind.as_ref(),
            client_root.as_ref(),
            client_extension.as_ref(),
            declaration_id.as_ref(),
            Some(body),
            idempotency_key.as_ref(),
            notices.as_ref(),
            replaced_id.as_ref(),
        ];
        texts.into_iter().for_each(|text| self.part(text.map(String::as_bytes)));
        self.part(payload_digest.as_deref());
    }

    /// With its length before it, so that no two rows run together to the same.
    fn part(&mut self, part: Option<&[u8]>) {
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        self.0.update(length.to_be_bytes());
        self.0.update(part.unwrap_or_default());
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
