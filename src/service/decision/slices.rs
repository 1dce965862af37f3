//! Work of a request in slices: between two of them the worker serves its other
//! callers, and the request is dropped if its caller has gone or its deadline has
//! passed.

use std::time::Duration;

use tokio::{task, time};

use crate::index::FreshnessProof;
use crate::limits::WorkerTurn;
use crate::service::Core;
use crate::service::status::Failure;

/// Records that are decided before the clock is read. A record of a hundred
/// service tasks takes some microseconds.
pub(super) const SLICE_RECORDS: usize = 32;

/// For how long a worker decides the records of one request before it serves others.
const SLICE_MAX: Duration = Duration::from_micros(250);

/// The turn of a request that is decided in slices.
pub(super) struct ProvenTurn {
    /// Of a snapshot that is taken after this.
    proof: FreshnessProof,
    _turn: WorkerTurn,
}

impl ProvenTurn {
    /// Waits until the worker works on no other large request.
    pub(super) async fn wait(core: &Core) -> Self {
        let turn = WorkerTurn::wait().await;
        Self { proof: core.index.last_proof(), _turn: turn }
    }

    /// Ends the turn. An answer that took longer than its snapshot was fresh must not
    /// leave: a denial may be in force by now that it does not count.
    pub(super) fn end(self, core: &Core) -> Result<(), Failure> {
        core.index.check_proof(self.proof).map_err(Failure::Unavailable)
    }
}

/// The time for which one request has the worker. The clock is not read for a
/// request that fits into one slice.
pub(super) struct Slices(Option<time::Instant>);

impl Slices {
    /// For a request with a number of records.
    pub(super) fn of(records: usize) -> Self {
        Self((records > SLICE_RECORDS).then(time::Instant::now))
    }

    /// Lets the worker serve others, if they have waited for as long as they may.
    pub(super) async fn pause_if_over(&mut self) {
        let Self(Some(started)) = self else { return };
        if started.elapsed() >= SLICE_MAX {
            task::yield_now().await;
            *started = time::Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// The number of times for which others run while a request has some slices of
    /// work, each as long as a slice may be.
    async fn turns_of_others(records: usize, slices: usize) -> usize {
        let (turns, is_done) = (Cell::new(0), Cell::new(false));
        let request = async {
            let mut pauses = Slices::of(records);
            for _ in 0..slices {
                let started = std::time::Instant::now();
                while started.elapsed() < SLICE_MAX {
                    std::hint::spin_loop();
                }
                pauses.pause_if_over().await;
            }
            is_done.set(true);
        };
        let others = async {
            while !is_done.get() {
                turns.set(turns.get() + 1);
                task::yield_now().await;
            }
        };
        tokio::join!(request, others);
        turns.get()
    }

    #[tokio::test]
    async fn others_have_a_turn_after_each_slice() {
        let turns = turns_of_others(SLICE_RECORDS + 1, 20).await;
        assert!(turns >= 20, "{turns}");
    }

    #[tokio::test]
    async fn a_request_of_one_slice_does_not_pause() {
        assert_eq!(turns_of_others(SLICE_RECORDS, 1).await, 0);
    }
}
