//! Looks at everything that a store has.

use super::Store;
use super::change::{Change, Epoch, Revision};
use super::error::StoreError;
use super::raw::HistoryDigest;
use crate::policy::declaration::Content;

/// So many rows are read at one time.
pub(super) const ROWS_AT_ONCE: usize = 4_096;

/// Faults beyond these are counted and not told one by one.
const FAULTS_TOLD_MAX: usize = 100;

/// What a store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Which history it is.
    pub epoch: Epoch,
    /// The last revision, which is also how many changes there are.
    pub revision: Revision,
    /// How many viewings are logged.
    pub viewings: u64,
    /// SHA-256 over all changes in order: the same of a store and its copy.
    pub digest: [u8; 32],
    /// What was found, the first hundred.
    pub faults: Vec<VerifyFault>,
    /// How many there are in all.
    pub faults_count: u64,
}

/// Something that should not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyFault {
    /// In which change.
    pub revision: Revision,
    /// What it is. Carries no personal data.
    pub finding: Finding,
}

/// What should not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The revisions before it are missing.
    #[error("the changes before it are missing")]
    Hole,
    /// It was recorded before the change before it.
    #[error("it is of an earlier time than the change before it")]
    GoesBack,
    /// It stops the store from being loaded.
    #[error("its {0} cannot be read, so that the store cannot be loaded")]
    Unreadable(&'static str),
    /// A declaration of which only the kind is known.
    #[error("what it declares cannot be read: it restricts instead")]
    Restricts,
    /// A withdrawal that ends nothing.
    #[error("the withdrawal cannot be read: it ends nothing")]
    EndsNothing,
}

impl Store {
    /// Reads every change, and tells how far it is, until told `false`. An
    /// error if the store cannot be read at all. Blocks.
    pub fn verify(&self, tell: &mut dyn FnMut(Revision) -> bool) -> Result<Option<Verified>, StoreError> {
        self.check_structure()?;
        let mut faults = Vec::new();
        let mut faults_count = 0;
        let mut digest = HistoryDigest::default();
        let (mut last, mut last_time) = (Revision(0), i64::MIN);
        loop {
            let rows = self.raw_changes(last, ROWS_AT_ONCE)?;
            for row in &rows {
                digest.add(row);
                let revision = row.revision();
                let mut found = Vec::new();
                if revision != last.next() {
                    found.push(Finding::Hole);
                }
                if row.recorded_at < last_time {
                    found.push(Finding::GoesBack);
                }
                match row.columns().change() {
                    Err(part) => found.push(Finding::Unreadable(part)),
                    Ok(Change::Declaration { declaration, .. }) => {
                        if let Content::Unreadable(_) = declaration.content {
                            found.push(Finding::Restricts);
                        }
                    }
                    Ok(Change::UnreadableWithdrawal { .. }) => found.push(Finding::EndsNothing),
                    Ok(Change::Withdrawal { .. } | Change::Directory { .. }) => {}
                }
                faults_count += found.len() as u64;
                let room = FAULTS_TOLD_MAX.saturating_sub(faults.len());
                faults.extend(found.into_iter().take(room).map(|finding| VerifyFault { revision, finding }));
                (last, last_time) = (revision, row.recorded_at);
            }
            if !tell(last) {
                return Ok(None);
            }
            if rows.len() < ROWS_AT_ONCE {
                break;
            }
        }
        let (epoch, viewings) = (self.epoch(), self.count_viewings()?);
        let digest = digest.finish();
        Ok(Some(Verified { epoch, revision: last, viewings, digest, faults, faults_count }))
    }
}
