//! Reads and checks every row of a store.

use super::backend::Backend;
use super::change::{Change, Epoch, Revision};
use super::error::ReadError;
use super::table::HistoryDigest;
use crate::policy::declaration::Content;

/// Number of rows in one read.
pub(super) const ROWS_PER_READ: usize = 4_096;

/// Maximum number of faults that are listed; further ones are only counted.
const FAULTS_LISTED_MAX: usize = 100;

/// Result of verifying a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The epoch of the store.
    pub epoch: Epoch,
    /// The last revision, which is also the number of changes.
    pub revision: Revision,
    /// The number of logged viewings.
    pub viewings: u64,
    /// SHA-256 over all changes in order: equal for a store and its copy.
    pub digest: [u8; 32],
    /// The first hundred faults.
    pub faults: Vec<VerifyFault>,
    /// The number of all faults.
    pub faults_count: u64,
}

/// A fault of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyFault {
    /// The change.
    pub revision: Revision,
    /// The fault. Carries no personal data.
    pub finding: Damage,
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The revisions before it are missing.
    #[error("the changes before it are missing")]
    Hole,
    /// It was recorded before the change before it.
    #[error("it is of an earlier time than the change before it")]
    GoesBack,
    /// A part cannot be read, and the store cannot be loaded because of it.
    #[error("its {0} cannot be read, so that the store cannot be loaded")]
    Unreadable(&'static str),
    /// A declaration whose content cannot be read, only its kind.
    #[error("what it declares cannot be read: it restricts instead")]
    Restricts,
    /// A withdrawal that cannot be read and has no effect.
    #[error("the withdrawal cannot be read: it ends nothing")]
    EndsNothing,
}

/// See [`super::Store::verify`].
pub(super) fn verify(
    store: &dyn Backend,
    report: &mut dyn FnMut(Revision) -> bool,
) -> Result<Option<Verified>, ReadError> {
    store.check_structure()?;
    let mut faults = Vec::new();
    let mut faults_count = 0;
    let mut digest = HistoryDigest::default();
    let (mut last, mut last_time) = (Revision(0), i64::MIN);
    loop {
        let rows = store.change_rows(last, ROWS_PER_READ)?;
        for row in &rows {
            digest.add(row);
            let revision = row.revision();
            let mut found = Vec::new();
            if revision != last.next() {
                found.push(Damage::Hole);
            }
            if row.recorded_at < last_time {
                found.push(Damage::GoesBack);
            }
            match row.stored().decode() {
                Err(part) => found.push(Damage::Unreadable(part)),
                Ok(Change::Declaration { declaration, .. }) => {
                    if let Content::Unreadable(_) = declaration.content {
                        found.push(Damage::Restricts);
                    }
                }
                Ok(Change::UnreadableWithdrawal { .. }) => found.push(Damage::EndsNothing),
                Ok(
                    Change::Withdrawal { .. }
                    | Change::Directory { .. }
                    | Change::Link { .. }
                    | Change::LinkEnd { .. }
                    | Change::Import { .. },
                ) => {}
            }
            faults_count += found.len() as u64;
            let room = FAULTS_LISTED_MAX.saturating_sub(faults.len());
            faults.extend(found.into_iter().take(room).map(|finding| VerifyFault { revision, finding }));
            (last, last_time) = (revision, row.recorded_at);
        }
        if !report(last) {
            return Ok(None);
        }
        if rows.len() < ROWS_PER_READ {
            break;
        }
    }
    let (epoch, viewings) = (store.lineage().epoch(), store.count_viewings()?);
    let digest = digest.finish();
    Ok(Some(Verified { epoch, revision: last, viewings, digest, faults, faults_count }))
}
