//! Export of everything that is recorded of clients, in the form that an import takes in.

use std::collections::{HashMap, HashSet};

use super::backend::Backend;
use super::change::{Change, Revision};
use super::error::ReadError;
use crate::policy::client_id::ClientId;
use crate::policy::declaration::{Content, Withdrawal};
use crate::policy::history::HistoryEntry;
use crate::policy::link::LinkEnd;
use crate::policy::oid::OpaqueId;

/// Number of changes in one read.
const CHANGES_PER_READ: usize = 4_096;

/// A part of an export.
#[derive(Debug)]
pub enum Exported {
    /// An entry.
    Entry(Box<HistoryEntry>),
    /// A change that this version cannot read. It is missing from the export.
    Unreadable(Revision),
}

/// The later changes of declarations and links, by their ids.
#[derive(Default)]
struct LaterChanges {
    withdrawals: HashMap<OpaqueId<'static>, Withdrawals>,
    ends: HashMap<OpaqueId<'static>, LinkEnd>,
}

/// The withdrawals of one declaration.
#[derive(Default)]
struct Withdrawals {
    /// When and under which client each was made.
    of_clients: Vec<(Revision, ClientId, Withdrawal)>,
    /// Whose declaration it is, once it was met.
    owner: Option<ClientId>,
}

/// Passes everything up to a revision to `each`, in revision order, until it returns `false`: once to find
/// withdrawals and ends of links, once to pass the entries with them.
pub(super) fn export(
    store: &dyn Backend,
    until: Revision,
    progress: &mut dyn FnMut(Revision),
    each: &mut dyn FnMut(Exported) -> bool,
) -> Result<(), ReadError> {
    let mut later = LaterChanges::default();
    each_change(store, until, &mut |change| {
        later.add(change);
        true
    })?;
    let entry = |entry| Exported::Entry(Box::new(entry));
    let mut links = HashSet::new();
    each_change(store, until, &mut |change| {
        progress(change.revision());
        let exported = match change {
            Change::Declaration { revision, client, declaration, .. } => {
                if matches!(declaration.content, Content::Unreadable(_)) {
                    Some(Exported::Unreadable(revision))
                } else {
                    let withdrawal = later.withdrawal_of(&client, &declaration.id, revision);
                    let mut declaration = declaration;
                    declaration.withdrawal = withdrawal.or(declaration.withdrawal);
                    Some(entry(HistoryEntry::Declaration(client, declaration)))
                }
            }
            Change::Withdrawal { client, kind, declaration_id, withdrawal, .. } => {
                let is_elsewhere = later.is_elsewhere(&client, &declaration_id);
                is_elsewhere
                    .then(|| entry(HistoryEntry::Withdrawal { client, kind, declaration_id, withdrawal }))
            }
            Change::Link { mut link, .. } => links.insert(link.link.id.clone()).then(|| {
                link.end = later.ends.get(&link.link.id).cloned();
                entry(HistoryEntry::Link(link))
            }),
            Change::UnreadableWithdrawal { revision, .. } => Some(Exported::Unreadable(revision)),
            Change::Directory { .. } | Change::LinkEnd { .. } | Change::Import { .. } => None,
        };
        exported.is_none_or(&mut *each)
    })
}

fn each_change(
    store: &dyn Backend,
    until: Revision,
    each: &mut dyn FnMut(Change) -> bool,
) -> Result<(), ReadError> {
    let mut last = Revision(0);
    while last < until {
        let left = usize::try_from(until.0 - last.0).unwrap_or(usize::MAX);
        for change in store.changes_since(last, CHANGES_PER_READ.min(left))? {
            last = change.revision();
            if !each(change) {
                return Ok(());
            }
        }
    }
    Ok(())
}

impl LaterChanges {
    fn add(&mut self, change: Change) {
        match change {
            Change::Withdrawal { revision, client, declaration_id, withdrawal, .. } => {
                let withdrawals = self.withdrawals.entry(declaration_id).or_default();
                withdrawals.of_clients.push((revision, client, withdrawal));
            }
            Change::LinkEnd { link, end, .. } => {
                self.ends.entry(link).or_insert(end);
            }
            Change::Declaration { .. }
            | Change::UnreadableWithdrawal { .. }
            | Change::Directory { .. }
            | Change::Link { .. }
            | Change::Import { .. } => {}
        }
    }

    /// The last withdrawal that the client of a declaration made after it was stored. An earlier one has no
    /// effect on it.
    fn withdrawal_of(
        &mut self,
        client: &ClientId,
        id: &OpaqueId<'static>,
        stored_at: Revision,
    ) -> Option<Withdrawal> {
        let withdrawals = self.withdrawals.get_mut(id)?;
        withdrawals.owner = Some(client.clone());
        let is_own = |(at, of, _): &&(Revision, ClientId, Withdrawal)| of == client && *at > stored_at;
        withdrawals.of_clients.iter().rfind(is_own).map(|(_, _, withdrawal)| withdrawal.clone())
    }

    /// Whether a withdrawal is of a declaration that is not under the client's own code.
    fn is_elsewhere(&self, client: &ClientId, id: &OpaqueId<'static>) -> bool {
        self.withdrawals.get(id).is_none_or(|withdrawals| withdrawals.owner.as_ref() != Some(client))
    }
}
