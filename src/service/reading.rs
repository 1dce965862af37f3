//! Reads of the store for callers. They are few at one time, since each takes a
//! connection and a thread, and fair: who reads much keeps nobody else waiting.
//!
//! ```text
//!  request ─▶ a place of its caller, or refused ─▶ a turn ─▶ thread that reads
//!  stream ──────────────────────────────────────▶
//! ```

use tokio::task;

use crate::limits::{CallerKey, ShareLimits, SharePlace, ShareUsedUp, Shares, Turns, UsedUp};
use crate::store::{ReadError, Store};

use super::Core;
use super::status::{CallerShare, Failure};

/// Who reads how much.
#[derive(Clone)]
pub(super) struct Reading {
    /// Of requests that read or wait to.
    places: Shares,
    /// At the connections.
    turns: Turns,
}

impl Reading {
    pub(super) fn new(limits: ShareLimits, connections_max: usize) -> Self {
        Self { places: Shares::new(limits), turns: Turns::new(connections_max) }
    }

    /// A place for a request that is going to read.
    pub(super) fn place(&self, caller: CallerKey) -> Result<SharePlace, Failure> {
        self.places.take(caller).map_err(|ShareUsedUp(used_up)| match used_up {
            UsedUp::Connection | UsedUp::Caller => Failure::CallerShareExceeded(CallerShare::Reads),
            UsedUp::Process => Failure::TooMuchInProgress,
        })
    }
}

impl Core {
    /// Reads once it is the caller's turn. The place is kept until the read has
    /// ended, also if nobody waits for it any longer.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        caller: CallerKey,
        place: Option<SharePlace>,
        read: impl FnOnce(&Store) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<Result<T, ReadError>, Failure> {
        let turn = self.reading.turns.next(caller).await;
        let store = self.store.clone();
        let read = task::spawn_blocking(move || {
            let held = (turn, place);
            let done = read(&store);
            drop(held);
            done
        });
        read.await.map_err(|_| Failure::HistoryInterrupted)
    }
}
