//! What is asked for when metrics are read: how the index is, how many
//! connections there are, and which Lupa this is. Until the index is loaded
//! nothing is told of it.

use opentelemetry::metrics::{AsyncInstrument, Meter};

use super::connection::Open;
use crate::index::{BaseBytes, Index, IndexStats};
use crate::telemetry::attributes::Attribute;

/// A number that is told of the index.
struct OfIndex<T> {
    name: &'static str,
    description: &'static str,
    of: fn(&IndexStats) -> Option<T>,
}

const NUMBERS: [OfIndex<u64>; 7] = [
    OfIndex {
        name: "lupa.index.revision",
        description: "Revision decided at",
        of: |stats| Some(stats.revision.0),
    },
    OfIndex {
        name: "lupa.index.clients",
        description: "Clients that have declared something",
        of: |stats| Some(stats.clients as u64),
    },
    OfIndex {
        name: "lupa.index.declarations",
        description: "Declarations, ended ones too",
        of: |stats| Some(stats.declarations),
    },
    OfIndex {
        name: "lupa.index.overlay_clients",
        description: "Clients with changes that are not packed yet",
        of: |stats| Some(stats.overlay_clients as u64),
    },
    OfIndex {
        name: "lupa.index.checkpoint_revision",
        description: "Revision of the last checkpoint",
        of: |stats| stats.checkpoint.map(|checkpoint| checkpoint.revision.0),
    },
    OfIndex {
        name: "lupa.index.marked_revision",
        description: "Revision at the end of the last minute of changes",
        of: |stats| stats.minute_digest.map(|minute| minute.revision.0),
    },
    OfIndex {
        name: "lupa.index.marked_digest",
        description: "Digest of all that decides at that revision: the same in all replicas of a store",
        of: |stats| stats.minute_digest.map(|minute| minute.digest.number() >> (u64::BITS - EXACT_BITS)),
    },
];

/// Metrics are floating-point numbers, in which so many bits are exact.
const EXACT_BITS: u32 = 53;

/// In seconds.
const TIMES: [OfIndex<f64>; 6] = [
    OfIndex {
        name: "lupa.index.age",
        description: "Since a look at the store began that found nothing after the revision",
        of: |stats| Some(stats.age.as_secs_f64()),
    },
    OfIndex {
        name: "lupa.index.load",
        description: "How long loading took",
        of: |stats| Some(stats.load_took.as_secs_f64()),
    },
    OfIndex {
        name: "lupa.index.last_merge",
        description: "How long the last merge took, pauses included",
        of: |stats| Some(stats.merges.last_took.as_secs_f64()),
    },
    OfIndex {
        name: "lupa.index.longest_merge_step",
        description: "The longest step of a merge: so long a change waited at most",
        of: |stats| Some(stats.merges.longest_step.as_secs_f64()),
    },
    OfIndex {
        name: "lupa.index.checkpoint_age",
        description: "Since the last checkpoint was written, or read at the start",
        of: |stats| stats.checkpoint.map(|checkpoint| checkpoint.age.as_secs_f64()),
    },
    OfIndex {
        name: "lupa.index.checkpoint",
        description: "How long writing or reading the last checkpoint took",
        of: |stats| stats.checkpoint.map(|checkpoint| checkpoint.took.as_secs_f64()),
    },
];

/// Has the metrics tell how the index is.
pub(super) fn observe_index(meter: &Meter, index: &Index) {
    for OfIndex { name, description, of } in NUMBERS {
        let gauge = meter.u64_observable_gauge(name).with_description(description);
        gauge.with_callback(telling(index, of)).build();
    }
    for OfIndex { name, description, of } in TIMES {
        let gauge = meter.f64_observable_gauge(name).with_unit("s").with_description(description);
        gauge.with_callback(telling(index, of)).build();
    }
    let merges = meter.u64_observable_counter("lupa.index.merges");
    merges
        .with_description("How often all changes were packed")
        .with_callback(telling(index, |stats| Some(stats.merges.merges)))
        .build();
    let reading = index.clone();
    let failures = meter.u64_observable_counter("lupa.index.read_failures");
    failures
        .with_description("Looks at the store that failed: meanwhile the index grows stale")
        .with_callback(move |told| told.observe(reading.read_failures(), &[]))
        .build();
    let packed = index.clone();
    let base = meter.u64_observable_gauge("lupa.index.base").with_unit("By");
    base.with_description("The packed base, by part")
        .with_callback(move |told| {
            let Some(BaseBytes { clients, entries, contents }) = packed.base_bytes() else { return };
            for (part, bytes) in [("clients", clients), ("entries", entries), ("contents", contents)] {
                told.observe(bytes as u64, &[Attribute::part(part).into_key_value()]);
            }
        })
        .build();
}

/// Tells a number of the index, if there is one.
fn telling<T: 'static>(
    index: &Index,
    of: fn(&IndexStats) -> Option<T>,
) -> impl Fn(&dyn AsyncInstrument<T>) + Send + Sync + 'static {
    let index = index.clone();
    move |told| {
        if let Some(number) = index.stats().as_ref().and_then(of) {
            told.observe(number, &[]);
        }
    }
}

/// Has the metrics tell how many connections there are.
pub(super) fn observe_connections(meter: &Meter, of_workers: Vec<Open>) {
    let workers = of_workers.clone();
    let open = meter.u64_observable_gauge("lupa.connections.open");
    open.with_description("Connections that are open")
        .with_callback(move |told| told.observe(workers.iter().map(|open| open.count() as u64).sum(), &[]))
        .build();
    let accepted = meter.u64_observable_counter("lupa.connections.accepted");
    accepted
        .with_description("Connections that were accepted")
        .with_callback(move |told| told.observe(of_workers.iter().map(Open::ever).sum(), &[]))
        .build();
}

/// Has the metrics tell which Lupa this is.
pub(super) fn observe_build(meter: &Meter) {
    let build = meter.u64_observable_gauge("lupa.build_info");
    build
        .with_description("Always 1: the version is in the label")
        .with_callback(|told| told.observe(1, &[Attribute::version().into_key_value()]))
        .build();
}
