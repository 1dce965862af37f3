//! Metrics that are read when metrics are collected: the state of the index, the
//! connections and the build. Those of the index are absent until it is loaded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use opentelemetry::metrics::{AsyncInstrument, Meter};

use super::connection::OpenConnections;
use crate::clock::CheckedClock;
use crate::identity::{Expiry, Identities};
use crate::index::{BaseBytes, Index, IndexStats};
use crate::limits::Callers;
use crate::telemetry::attributes::Attribute;
use crate::telemetry::metrics::catalogue::{self, MetricDefinition};

/// A metric of the index, and how it is read from the stats.
struct IndexMetric<T> {
    metric: &'static MetricDefinition,
    of: fn(&IndexStats) -> Option<T>,
}

const NUMBERS: [IndexMetric<u64>; 8] = [
    IndexMetric { metric: &catalogue::INDEX_REVISION, of: |stats| Some(stats.revision.0) },
    IndexMetric { metric: &catalogue::INDEX_CLIENTS, of: |stats| Some(stats.clients as u64) },
    IndexMetric { metric: &catalogue::INDEX_DECLARATIONS, of: |stats| Some(stats.declarations) },
    IndexMetric { metric: &catalogue::INDEX_OVERLAY_CLIENTS, of: |stats| Some(stats.overlay_clients as u64) },
    IndexMetric {
        metric: &catalogue::INDEX_CHECKPOINT_REVISION,
        of: |stats| stats.checkpoint.map(|checkpoint| checkpoint.revision.0),
    },
    IndexMetric {
        metric: &catalogue::INDEX_MARKED_REVISION,
        of: |stats| stats.minute_digest.map(|minute| minute.revision.0),
    },
    IndexMetric {
        metric: &catalogue::INDEX_MARKED_DIGEST,
        of: |stats| stats.minute_digest.map(|minute| minute.digest.number() >> (u64::BITS - EXACT_BITS)),
    },
    IndexMetric { metric: &catalogue::INDEX_MERGES, of: |stats| Some(stats.merges.merges) },
];

/// Metrics are floating-point numbers with this many exact bits.
const EXACT_BITS: u32 = f64::MANTISSA_DIGITS;

const SECONDS: [IndexMetric<f64>; 6] = [
    IndexMetric { metric: &catalogue::INDEX_AGE, of: |stats| Some(stats.age.as_secs_f64()) },
    IndexMetric { metric: &catalogue::INDEX_LOAD, of: |stats| Some(stats.load_took.as_secs_f64()) },
    IndexMetric {
        metric: &catalogue::INDEX_LAST_MERGE,
        of: |stats| Some(stats.merges.last_took.as_secs_f64()),
    },
    IndexMetric {
        metric: &catalogue::INDEX_LONGEST_MERGE_STEP,
        of: |stats| Some(stats.merges.longest_step.as_secs_f64()),
    },
    IndexMetric {
        metric: &catalogue::INDEX_CHECKPOINT_AGE,
        of: |stats| stats.checkpoint.map(|checkpoint| checkpoint.age.as_secs_f64()),
    },
    IndexMetric {
        metric: &catalogue::INDEX_CHECKPOINT,
        of: |stats| stats.checkpoint.map(|checkpoint| checkpoint.took.as_secs_f64()),
    },
];

/// Registers the metrics of the index.
pub(super) fn observe_index(meter: &Meter, index: &Index) {
    for IndexMetric { metric, of } in NUMBERS {
        metric.observe_u64(meter, observing(index, of));
    }
    for IndexMetric { metric, of } in SECONDS {
        metric.observe_f64(meter, observing(index, of));
    }
    let reading = index.clone();
    catalogue::INDEX_READ_FAILURES
        .observe_u64(meter, move |instrument| instrument.observe(reading.read_failures(), &[]));
    let loaded = index.clone();
    catalogue::INDEX_LOADS.observe_u64(meter, move |instrument| instrument.observe(loaded.loads(), &[]));
    let refusing = index.clone();
    catalogue::INDEX_CHECKPOINT_REFUSED.observe_u64(meter, move |instrument| {
        for (reason, count) in refusing.checkpoints_refused() {
            instrument.observe(count, &[Attribute::checkpoint_refusal(reason.name()).into_key_value()]);
        }
    });
    let packed = index.clone();
    catalogue::INDEX_BASE.observe_u64(meter, move |instrument| {
        let Some(BaseBytes { clients, entries, contents }) = packed.base_bytes() else { return };
        for (part, bytes) in [("clients", clients), ("entries", entries), ("contents", contents)] {
            instrument.observe(bytes as u64, &[Attribute::part(part).into_key_value()]);
        }
    });
}

/// Registers the metric of what the store has lost. It does not keep the store open.
pub(super) fn observe_losses(meter: &Meter, lost_revisions: Arc<AtomicU64>) {
    catalogue::STORE_LOST_REVISIONS.observe_u64(meter, move |instrument| {
        instrument.observe(lost_revisions.load(Ordering::Relaxed), &[]);
    });
}

/// Registers when certificates expire, and whether they could be reloaded.
pub(super) fn observe_identities(meter: &Meter, identities: Identities, has_failed: Arc<AtomicBool>) {
    catalogue::IDENTITY_RELOAD_FAILED.observe_u64(meter, move |instrument| {
        instrument.observe(has_failed.load(Ordering::Relaxed).into(), &[]);
    });
    catalogue::IDENTITY_EXPIRY.observe_f64(meter, move |instrument| {
        for Expiry { what, name, at } in identities.expiries() {
            let seconds = at.timestamp() as f64;
            let attributes =
                [Attribute::expires(what.name()), Attribute::authority(&name)].map(Attribute::into_key_value);
            instrument.observe(seconds, &attributes);
        }
    });
}

/// Registers the metric of the clock.
pub(super) fn observe_clock(meter: &Meter, clock: CheckedClock) {
    catalogue::CLOCK_DIFFERENCE.observe_f64(meter, move |instrument| {
        if let Some(ahead) = clock.difference() {
            instrument.observe(ahead.as_seconds_f64(), &[]);
        }
    });
}

/// Observes a number of the stats, if there is one.
fn observing<T: 'static>(
    index: &Index,
    of: fn(&IndexStats) -> Option<T>,
) -> impl Fn(&dyn AsyncInstrument<T>) + Send + Sync + 'static {
    let index = index.clone();
    move |instrument| {
        if let Some(number) = index.stats().as_ref().and_then(of) {
            instrument.observe(number, &[]);
        }
    }
}

/// Registers the metrics of connections.
pub(super) fn observe_connections(meter: &Meter, of_workers: Vec<OpenConnections>) {
    let workers = of_workers.clone();
    catalogue::CONNECTIONS_OPEN.observe_u64(meter, move |instrument| {
        instrument.observe(workers.iter().map(|open| open.count() as u64).sum(), &[]);
    });
    catalogue::CONNECTIONS_ACCEPTED.observe_u64(meter, move |instrument| {
        instrument.observe(of_workers.iter().map(OpenConnections::ever).sum(), &[]);
    });
}

/// Registers the metrics of what is in flight.
pub(super) fn observe_in_flight(meter: &Meter, callers: Callers) {
    let of_bytes = callers.clone();
    catalogue::IN_FLIGHT_BYTES
        .observe_u64(meter, move |instrument| instrument.observe(of_bytes.borrowed().bytes, &[]));
    catalogue::IN_FLIGHT_REQUESTS
        .observe_u64(meter, move |instrument| instrument.observe(callers.borrowed().requests, &[]));
}

/// Registers the metric that names the build.
pub(super) fn observe_build(meter: &Meter) {
    catalogue::BUILD.observe_u64(meter, |instrument| {
        instrument.observe(1, &[Attribute::version().into_key_value()]);
    });
}
