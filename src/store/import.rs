//! Import of history that another system recorded. Its ids, times and withdrawals are kept, and it is not
//! admitted: it counts as it stands.
//!
//! ```text
//!  HistoryEntry ── EncodedEntry::of, in any thread ──▶ EncodedEntry
//!                                                 │ ImportSource::next
//!  writer thread, one transaction:  begin │ rows of the entries that are not stored yet │ end
//!                                   ──▶ ImportSource::is_to_commit ──▶ commit, or roll all of it back
//! ```
//!
//! - *All or nothing.* An import is one transaction. If it is interrupted, nothing is stored.
//! - *Nothing twice.* An entry whose id is stored with the same content is left out, so that an import can be
//!   repeated. If nothing is added, no row is written.
//! - *Boundaries.* The rows are enclosed by two changes, from which a replica that follows the store knows
//!   that it has not read all of them: it decides by what was before until it has.

mod check;

use serde::Serialize;

use super::change::{Change, Head, Point, Revision};
use super::error::WriteError;
use super::history::PersonHistory;
use super::row::{self, ChangeKind};
use super::table::ChangeRow;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::{Declaration, Withdrawal};
use crate::policy::history::HistoryEntry;
use crate::policy::link::RecordedLink;
use crate::policy::oid::OpaqueId;

pub use check::ImportCheck;
pub(super) use check::PersonSizes;

/// An entry, encoded as it is stored.
#[derive(Debug)]
pub struct EncodedEntry {
    entry: HistoryEntry,
    /// The rows of the entry, without their revisions and times.
    rows: Vec<EncodedRow>,
}

#[derive(Debug)]
struct EncodedRow {
    what: ChangeKind,
    client: ClientId,
    body: String,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// It is added.
    Added,
    /// It is stored already, with the same content.
    AlreadyStored,
    /// Its id is that of an earlier entry of the import.
    Repeated,
    /// Its id is stored with another content.
    OtherContent,
    /// With this link the person would have more codes or links than one may have.
    PersonTooLarge,
    /// A declaration that the same client withdraws in an earlier entry of the import. A withdrawal under the
    /// client's own code has no effect on what is stored after it.
    WithdrawnBefore,
}

/// Where the entries of an import come from. Called on the thread that writes.
pub trait ImportSource: Send {
    /// The next entries; none at the end. Blocks.
    fn next(&mut self) -> Option<Vec<EncodedEntry>>;

    /// What became of the entries that were returned last, in their order.
    fn report(&mut self, outcomes: &[ImportOutcome]);

    /// Whether to commit, asked once after the last entry; otherwise nothing is stored.
    fn is_to_commit(&mut self) -> bool;
}

/// What an import did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportResult {
    /// Its changes are stored durably, up to this point.
    Committed(Point),
    /// Nothing is stored: there was nothing new, or the source did not want to commit.
    NothingStored,
}

/// An import in progress, whatever the backend: assigns revisions and recognizes repetitions.
pub(super) struct ImportRun {
    recorded_at: Instant,
    head: Head,
    has_begun: bool,
    pub(super) check: ImportCheck,
}

/// An entry with the same id that was stored before the import.
pub(super) enum Stored {
    Declaration(ClientId, Declaration),
    Link(RecordedLink),
    /// An equal withdrawal.
    Withdrawal,
}

impl EncodedEntry {
    /// Encodes an entry. Fails if its client cannot be stored.
    pub fn of(entry: HistoryEntry) -> Result<Self, WriteError> {
        let mut rows = Vec::new();
        match &entry {
            HistoryEntry::Declaration(client, declaration) => {
                row::client_columns(client)?;
                let what = ChangeKind::Declaration(declaration.content.kind());
                let body = json(&row::Declaration::from(declaration))?;
                rows.push(EncodedRow { what, client: client.clone(), body });
            }
            HistoryEntry::Withdrawal { client, kind, declaration_id: _, withdrawal } => {
                row::client_columns(client)?;
                let what = ChangeKind::Withdrawal(*kind);
                let body = json(&row::Withdrawal::from(withdrawal))?;
                rows.push(EncodedRow { what, client: client.clone(), body });
            }
            HistoryEntry::Link(recorded) => {
                let codes = &recorded.link.linked.codes;
                codes.iter().try_for_each(|code| row::client_columns(code).map(drop))?;
                let mut push = |what, body: String| {
                    let row =
                        |client: &ClientId| EncodedRow { what, client: client.clone(), body: body.clone() };
                    rows.extend(codes.iter().map(row));
                };
                push(ChangeKind::Link, json(&row::Link::imported(recorded))?);
                if let Some(end) = &recorded.end {
                    push(ChangeKind::LinkEnd, json(&row::LinkEnd::imported(end))?);
                }
            }
        }
        Ok(Self { entry, rows })
    }

    /// The entry that is encoded.
    #[must_use]
    pub fn entry(&self) -> &HistoryEntry {
        &self.entry
    }

    /// Its id; of a withdrawal, that of the declaration.
    pub(super) fn id(&self) -> &OpaqueId<'static> {
        match &self.entry {
            HistoryEntry::Declaration(_, declaration) => &declaration.id,
            HistoryEntry::Link(recorded) => &recorded.link.id,
            HistoryEntry::Withdrawal { declaration_id, .. } => declaration_id,
        }
    }

    /// Compares the entry with what is stored under its id. A declaration that was withdrawn here has its
    /// withdrawal in another change: `history` is what is stored under the client, if
    /// [`Self::needs_history`].
    pub(super) fn compare(&self, stored: &Stored, history: Option<&PersonHistory>) -> ImportOutcome {
        let is_same = match (&self.entry, stored) {
            (HistoryEntry::Declaration(client, declaration), Stored::Declaration(of, stored)) => {
                let declaration = whole_micros(declaration.clone());
                let without =
                    |declaration: &Declaration| Declaration { withdrawal: None, ..declaration.clone() };
                let histories = history.into_iter().flat_map(|history| &history.declarations);
                let now = histories.into_iter().find(|one| one.id == declaration.id).unwrap_or(stored);
                let is_withdrawn_alike = declaration.withdrawal.is_none()
                    || [&stored.withdrawal, &now.withdrawal].contains(&&declaration.withdrawal);
                client == of && without(&declaration) == without(stored) && is_withdrawn_alike
            }
            (HistoryEntry::Link(link), Stored::Link(stored)) => {
                let link = whole_micros_of_link(link.clone());
                let without = |link: &RecordedLink| RecordedLink { end: None, ..link.clone() };
                without(&link) == without(stored) && (link.end.is_none() || link.end == stored.end)
            }
            (HistoryEntry::Withdrawal { .. }, Stored::Withdrawal) => true,
            (_, Stored::Declaration(..) | Stored::Link(_) | Stored::Withdrawal) => false,
        };
        if is_same { ImportOutcome::AlreadyStored } else { ImportOutcome::OtherContent }
    }

    /// The codes of a link in force; none of other entries.
    pub(super) fn codes_in_force(&self) -> &[ClientId] {
        match &self.entry {
            HistoryEntry::Link(recorded) if recorded.is_in_force() => &recorded.link.linked.codes,
            HistoryEntry::Link(_) | HistoryEntry::Declaration(..) | HistoryEntry::Withdrawal { .. } => &[],
        }
    }

    /// The client whose history [`Self::compare`] needs, if it needs one.
    pub(super) fn needs_history(&self, stored: &Stored) -> Option<&ClientId> {
        match (&self.entry, stored) {
            (HistoryEntry::Declaration(client, declaration), Stored::Declaration(_, stored)) => {
                let withdrawal = declaration.withdrawal.as_ref().map(stored_withdrawal);
                (withdrawal.is_some() && withdrawal != stored.withdrawal).then_some(client)
            }
            (_, _) => None,
        }
    }
}

impl ImportRun {
    /// An import after the head of the store, which records at an instant.
    pub(super) fn after(head: Head, now: Instant) -> Self {
        Self {
            recorded_at: row::whole_micros(now).max(head.recorded_at),
            head,
            has_begun: false,
            check: ImportCheck::default(),
        }
    }

    /// Passes the rows of an entry to `insert`, with the boundary before the first.
    pub(super) fn add<'e, E>(
        &mut self,
        entry: &'e EncodedEntry,
        mut insert: impl FnMut(ChangeRow<'e>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.has_begun {
            self.has_begun = true;
            insert(self.next_row(ChangeKind::ImportBegin, None, "{}"))?;
        }
        for EncodedRow { what, client, body } in &entry.rows {
            insert(self.next_row(*what, Some((client, entry.id())), body))?;
        }
        Ok(())
    }

    /// The last row, and the head after it; none if nothing was added.
    pub(super) fn finish(mut self) -> Option<(ChangeRow<'static>, Head)> {
        let last = self.has_begun.then(|| self.next_row(ChangeKind::ImportEnd, None, "{}"))?;
        Some((last, self.head))
    }

    fn next_row<'r>(
        &mut self,
        what: ChangeKind,
        of: Option<(&'r ClientId, &'r OpaqueId<'static>)>,
        body: &'r str,
    ) -> ChangeRow<'r> {
        let Revision(revision) = self.head.revision.next();
        self.head = Head { revision: Revision(revision), recorded_at: self.recorded_at };
        let (what, kind) = what.columns();
        ChangeRow {
            revision: revision.cast_signed(),
            recorded_at: row::micros(self.recorded_at),
            what: what.into(),
            kind: kind.map(Into::into),
            client_root: of.map(|(client, _)| client.root().into()),
            client_extension: of.map(|(client, _)| client.extension().into()),
            declaration_id: of.map(|(_, id)| id.as_str().into()),
            body: body.into(),
            idempotency_key: None,
            payload_digest: None,
            notices: None,
            replaced_id: None,
        }
    }
}

impl Stored {
    /// What a change stored; none if it is neither a declaration nor a link.
    pub(super) fn of(change: Change) -> Option<Self> {
        match change {
            Change::Declaration { client, declaration, .. } => Some(Self::Declaration(client, declaration)),
            Change::Link { link, .. } => Some(Self::Link(link)),
            Change::Withdrawal { .. }
            | Change::UnreadableWithdrawal { .. }
            | Change::Directory { .. }
            | Change::LinkEnd { .. }
            | Change::Import { .. } => None,
        }
    }
}

/// A withdrawal with its times as they are stored.
pub(super) fn stored_withdrawal(withdrawal: &Withdrawal) -> Withdrawal {
    let Withdrawal { recorded_at, given_at, by } = withdrawal;
    Withdrawal {
        recorded_at: row::whole_micros(*recorded_at),
        given_at: row::whole_micros(*given_at),
        by: by.clone(),
    }
}

/// A declaration with its times as they are stored.
fn whole_micros(mut declaration: Declaration) -> Declaration {
    declaration.given_at = row::whole_micros(declaration.given_at);
    declaration.recorded_at = row::whole_micros(declaration.recorded_at);
    declaration.withdrawal = declaration.withdrawal.as_ref().map(stored_withdrawal);
    declaration
}

/// A link with its times as they are stored.
fn whole_micros_of_link(mut link: RecordedLink) -> RecordedLink {
    link.given_at = row::whole_micros(link.given_at);
    link.link.recorded_at = row::whole_micros(link.link.recorded_at);
    if let Some(end) = &mut link.end {
        end.given_at = row::whole_micros(end.given_at);
        end.recorded_at = row::whole_micros(end.recorded_at);
    }
    link
}

fn json(body: &impl Serialize) -> Result<String, WriteError> {
    serde_json::to_string(body).map_err(WriteError::Encode)
}
