//! Publishing, merging and reading in every order that matters: the very cell
//! of the index, with the locks and atomics of a scheduler that tries many
//! orders in place of the real ones.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../src/index/cell.rs"]
mod cell;

/// The primitives of the cell. Each operation is a point at which another thread may run. An `ArcSwapOption` is as atomic as a lock around an `Arc`.
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

/// Number of interleavings tried of each scenario.
const ORDERS: usize = 20_000;

/// Maximum number of preemptions in one interleaving.
const STOPS_MAX: usize = 3;

/// As a snapshot: what was declared is in the base, in the overlay, or, of one
/// revision, in one of them and not in the other.
#[derive(Clone, Default)]
struct Snapshot {
    base: Vec<u64>,
    overlay: Vec<u64>,
}

impl Snapshot {
    fn revision(&self) -> u64 {
        (self.base.len() + self.overlay.len()) as u64
    }

    /// Each revision once.
    fn is_whole(&self) -> bool {
        self.base.iter().chain(&self.overlay).copied().eq(1..=self.revision())
    }
}

/// The store: how many changes are committed.
struct Store(AtomicU64);

/// One writer that records, a follower that publishes and merges, and readers.
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
            // Once the epoch ends, and the changes are read again.
            let is_new_epoch = round == 1;
            if is_new_epoch {
                publishing.withdraw();
            }
            // The poll starts here; the next number stands for its time.
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
                    assert!(snapshot.is_whole(), "a snapshot is of one revision");
                    assert!(snapshot.revision() + 1 >= proven, "what is proven is in the snapshot");
                    assert!(snapshot.revision() >= seen, "revisions never go back");
                    seen = snapshot.revision();
                }
            })
        })
        .collect();
    for thread in readers.into_iter().chain([recorder, follower]) {
        thread.join().expect("no thread panics");
    }
}

/// The proof after the value, as the cell must not read them.
fn read_in_the_wrong_order(cell: &Cell<Snapshot>) -> Proven<Snapshot> {
    let value = cell.read().value;
    Proven { value, at_nanos: cell.read().at_nanos }
}

#[test]
fn readers_see_whole_snapshots_that_never_go_back_and_are_as_new_as_proven() {
    shuttle::check_random(|| follow(Cell::read), ORDERS);
    shuttle::check_pct(|| follow(Cell::read), ORDERS, STOPS_MAX);
}

#[test]
fn a_proof_that_is_read_after_the_snapshot_is_caught() {
    let found = catch_unwind(|| shuttle::check_random(|| follow(read_in_the_wrong_order), ORDERS));
    assert!(found.is_err(), "the wrong order was not noticed");
}
