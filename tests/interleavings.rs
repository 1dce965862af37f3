//! Model checking of `index/cell.rs`: its source is compiled with the locks and
//! atomics of shuttle, whose scheduler runs publishing, merging and reading in
//! many interleavings.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../src/index/cell.rs"]
mod cell;

/// The types that the cell synchronizes with: at each operation the scheduler may
/// switch to another thread. A lock around an `Arc` is as atomic as an
/// `ArcSwapOption`.
mod sync {
    pub(crate) use shuttle::sync::Arc;
    use shuttle::sync::Mutex;
    pub(crate) use shuttle::sync::atomic::{AtomicU64, Ordering};

    #[derive(Debug)]
    pub(crate) struct ArcSwapOption<T>(Mutex<Option<Arc<T>>>);

    impl<T> ArcSwapOption<T> {
        pub(crate) fn empty() -> Self {
            Self(Mutex::new(None))
        }

        pub(crate) fn store(&self, value: Option<Arc<T>>) {
            *self.0.lock().expect("no thread panics") = value;
        }

        pub(crate) fn load_full(&self) -> Option<Arc<T>> {
            self.0.lock().expect("no thread panics").clone()
        }
    }
}

use std::panic::catch_unwind;

use cell::{Cell, Proven};
use sync::{Arc, AtomicU64, Ordering};

/// Number of interleavings that are tried of each scenario.
const INTERLEAVINGS: usize = 20_000;

/// Maximum number of preemptions in an interleaving.
const PREEMPTIONS_MAX: usize = 3;

/// Models a snapshot: each revision is either in the base or in the overlay.
#[derive(Clone, Default)]
struct Snapshot {
    base: Vec<u64>,
    overlay: Vec<u64>,
}

impl Snapshot {
    fn revision(&self) -> u64 {
        (self.base.len() + self.overlay.len()) as u64
    }

    /// Whether each revision occurs once.
    fn is_whole(&self) -> bool {
        self.base.iter().chain(&self.overlay).copied().eq(1..=self.revision())
    }
}

/// Models the store: the number of committed changes.
struct Store(AtomicU64);

/// A writer of the store, a follower that publishes and merges, and two readers.
fn follow(read: fn(&Cell<Snapshot>) -> Proven<Snapshot>) {
    let cell = Arc::new(Cell::<Snapshot>::empty());
    let store = Arc::new(Store(AtomicU64::new(0)));
    let committing = Arc::clone(&store);
    let recorder = shuttle::thread::spawn(move || {
        for _ in 0..2 {
            committing.0.fetch_add(1, Ordering::SeqCst);
        }
    });
    let (followed, publishing) = (Arc::clone(&store), Arc::clone(&cell));
    let follower = shuttle::thread::spawn(move || {
        let mut last = Snapshot::default();
        publishing.publish(Arc::new(last.clone()));
        for round in 0..3 {
            // Once the epoch ends, and everything is read again.
            let is_new_epoch = round == 1;
            if is_new_epoch {
                publishing.withdraw();
            }
            // The read starts here; the next revision stands for its time.
            let committed = followed.0.load(Ordering::SeqCst);
            if is_new_epoch || committed > last.revision() {
                last.overlay.extend(last.revision() + 1..=committed);
                publishing.publish(Arc::new(last.clone()));
            }
            publishing.prove(committed + 1);
            if last.overlay.len() > 1 {
                last.base.append(&mut last.overlay);
                publishing.publish(Arc::new(last.clone()));
            }
        }
    });
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let cell = Arc::clone(&cell);
            shuttle::thread::spawn(move || {
                let mut seen = 0;
                for _ in 0..3 {
                    let Proven { value, at_nanos: proven } = read(&cell);
                    let Some(snapshot) = value.filter(|_| proven > 0) else { continue };
                    assert!(snapshot.is_whole(), "a snapshot holds one revision");
                    assert!(snapshot.revision() + 1 >= proven, "a snapshot is as new as its proof");
                    assert!(snapshot.revision() >= seen, "revisions never decrease");
                    seen = snapshot.revision();
                }
            })
        })
        .collect();
    for thread in readers.into_iter().chain([recorder, follower]) {
        thread.join().expect("no thread panics");
    }
}

/// Reads the proof after the value, which the cell must not do.
fn read_in_the_wrong_order(cell: &Cell<Snapshot>) -> Proven<Snapshot> {
    let value = cell.read().value;
    Proven { value, at_nanos: cell.read().at_nanos }
}

#[test]
fn readers_see_whole_snapshots_that_never_go_back_and_are_as_new_as_their_proof() {
    shuttle::check_random(|| follow(Cell::read), INTERLEAVINGS);
    shuttle::check_pct(|| follow(Cell::read), INTERLEAVINGS, PREEMPTIONS_MAX);
}

#[test]
fn reading_the_proof_after_the_snapshot_is_detected() {
    let found = catch_unwind(|| shuttle::check_random(|| follow(read_in_the_wrong_order), INTERLEAVINGS));
    assert!(found.is_err(), "the wrong order was not detected");
}
