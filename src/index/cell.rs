//! The slot in which the newest snapshot is published, with the time at which
//! it was last proven fresh.

use super::sync::{Arc, ArcSwapOption, AtomicU64, Ordering};

/// A published value and the proof that it is fresh. One writes, any number
/// read: readers neither wait nor allocate.
///
/// Times are nanoseconds of one monotonic clock.
#[derive(Debug)]
pub(super) struct Cell<T> {
    value: ArcSwapOption<T>,
    /// Start of the last read that found nothing after the value; 0: none has completed.
    proven_at_nanos: AtomicU64,
}

/// A value, and the start of the last read that found nothing after it.
pub(super) struct Proven<T> {
    pub(super) value: Option<Arc<T>>,
    pub(super) at_nanos: u64,
}

impl<T> Cell<T> {
    /// Without a value and without a proof.
    pub(super) fn empty() -> Self {
        Self { value: ArcSwapOption::empty(), proven_at_nanos: AtomicU64::new(0) }
    }

    /// Replaces the value.
    pub(super) fn publish(&self, value: Arc<T>) {
        self.value.store(Some(value));
    }

    /// Takes the value back, and the proof.
    pub(super) fn withdraw(&self) {
        self.value.store(None);
        self.proven_at_nanos.store(0, Ordering::Release);
    }

    /// Records that a read that started then found nothing after the value.
    pub(super) fn prove(&self, at_nanos: u64) {
        self.proven_at_nanos.store(at_nanos.max(1), Ordering::Release);
    }

    /// The value, with a proof that is not newer than it. The proof is loaded
    /// first and was stored last: what is published in between is only newer
    /// than what was proven. That holds across [`Cell::withdraw`] too, because
    /// nothing is published that was not the newest when it was read.
    pub(super) fn read(&self) -> Proven<T> {
        let at_nanos = self.proven_at_nanos.load(Ordering::Acquire);
        Proven { value: self.value.load_full(), at_nanos }
    }
}
