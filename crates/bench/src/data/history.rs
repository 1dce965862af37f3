//! The history of a population, computed in a thread of its own.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use lupa::policy::declaration::Kind;
use lupa::store::Revision;
use lupa::store::bulk::BulkChange;
use lupa_bench::fill::PastChange;
use lupa_bench::population::{Act, Change, Population, Stated};

/// Number of changes in a batch.
const BATCH: usize = 4_096;

/// Maximum number of computed batches that wait to be encoded.
const BATCHES_WAITING_MAX: usize = 8;

/// The directory is the first change of the store.
const CHANGES_BEFORE_POPULATION: u64 = 1;

/// Number of declarations by kind, and of withdrawals.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) information: u64,
    pub(super) consents: u64,
    pub(super) denials: u64,
    pub(super) withdrawals: u64,
}

/// The changes of a population, after the directory, and the thread that
/// computes them. The thread ends when the iterator ends or is dropped.
pub(super) fn history(
    population: Population,
) -> io::Result<(impl Iterator<Item = PastChange> + Send, JoinHandle<Counts>)> {
    let (batches, computed) = sync_channel(BATCHES_WAITING_MAX);
    let computing = thread::Builder::new()
        .name("lupa-population".to_owned())
        .spawn(move || compute(&population, &batches))?;
    Ok((computed.into_iter().flatten(), computing))
}

fn compute(population: &Population, batches: &SyncSender<Vec<PastChange>>) -> Counts {
    let mut counts = Counts::default();
    let directory = BulkChange::Directory(population.directory().clone());
    let mut batch = vec![PastChange { recorded_at: population.starts_at(), change: directory }];
    for change in population.changes() {
        counts.count(&change);
        batch.push(past_change(change));
        if batch.len() == BATCH {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            if batches.send(full).is_err() {
                return counts;
            }
        }
    }
    // Without a receiver the counts are not used either.
    drop(batches.send(batch));
    counts
}

fn past_change(change: Change) -> PastChange {
    let Change { recorded_at, client, act } = change;
    let change = match act {
        Act::Declares(Stated { content, given_at, declarer, recorded_by }) => {
            BulkChange::Declaration { client, content, given_at, declarer, recorded_by }
        }
        Act::Withdraws { declared_as, by, recorded_by } => BulkChange::Withdrawal {
            client,
            // Revisions are counted from 1.
            declaration: Revision(declared_as + CHANGES_BEFORE_POPULATION + 1),
            given_at: recorded_at,
            by,
            recorded_by,
        },
    };
    PastChange { recorded_at, change }
}

impl Counts {
    fn count(&mut self, change: &Change) {
        match &change.act {
            Act::Declares(stated) => match stated.content.kind() {
                Kind::Information => self.information += 1,
                Kind::Consent => self.consents += 1,
                Kind::Denial => self.denials += 1,
            },
            Act::Withdraws { .. } => self.withdrawals += 1,
        }
    }
}
