//! The population as the store takes it, made in a thread of its own while
//! another writes.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::policy::declaration::Kind;
use crate::population::{Act, Change, Population, Said};
use crate::store::{FillEntry, Filled, Revision};

/// Changes are handed over so many at a time.
const BATCH: usize = 4_096;

/// So many batches may wait to be written.
const BATCHES_WAITING_MAX: usize = 8;

/// The directory is the first change of the store.
const CHANGES_BEFORE_POPULATION: u64 = 1;

/// How many of each were made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Made {
    pub(super) information: u64,
    pub(super) consents: u64,
    pub(super) denials: u64,
    pub(super) withdrawals: u64,
}

/// A population's changes, the directory first, as they are made; and the
/// thread that makes them, which ends when nobody takes them any more.
pub(super) fn history(
    population: Population,
) -> io::Result<(impl Iterator<Item = Filled>, JoinHandle<Made>)> {
    let (batches, made) = sync_channel(BATCHES_WAITING_MAX);
    let making = thread::Builder::new()
        .name("lupa-population".to_owned())
        .spawn(move || make(&population, &batches))?;
    Ok((made.into_iter().flatten(), making))
}

fn make(population: &Population, batches: &SyncSender<Vec<Filled>>) -> Made {
    let mut made = Made::default();
    let directory = FillEntry::Directory(population.directory().clone());
    let mut batch = vec![Filled { recorded_at: population.begins_at(), entry: directory }];
    for change in population.changes() {
        made.count(&change);
        batch.push(filled(change));
        if batch.len() == BATCH {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            if batches.send(full).is_err() {
                return made;
            }
        }
    }
    // If nobody takes it, there is nobody to tell either.
    drop(batches.send(batch));
    made
}

fn filled(change: Change) -> Filled {
    let Change { recorded_at, client, act } = change;
    let entry = match act {
        Act::Declares(Said { content, given_at, declarer, recorded_by }) => {
            FillEntry::Declaration { client, content, given_at, declarer, recorded_by }
        }
        Act::Withdraws { declared_as, by, recorded_by } => FillEntry::Withdrawal {
            client,
            // Revisions are counted from 1.
            declaration: Revision(declared_as + CHANGES_BEFORE_POPULATION + 1),
            given_at: recorded_at,
            by,
            recorded_by,
        },
    };
    Filled { recorded_at, entry }
}

impl Made {
    fn count(&mut self, change: &Change) {
        match &change.act {
            Act::Declares(said) => match said.content.kind() {
                Kind::Information => self.information += 1,
                Kind::Consent => self.consents += 1,
                Kind::Denial => self.denials += 1,
            },
            Act::Withdraws { .. } => self.withdrawals += 1,
        }
    }
}
