//! The metrics, each named once, in the OpenMetrics text format.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};

use crate::index::{BaseBytes, CheckpointStats, IndexStats, MergeStats};

pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A part of the base.
type Part = [(&'static str, &'static str); 1];

/// The metrics as text; until the index is loaded there are none.
pub(super) fn text(stats: Option<&IndexStats>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("lupa_index");
    if let Some(stats) = stats {
        register(&mut registry, stats);
    }
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn register(registry: &mut Registry, stats: &IndexStats) {
    let IndexStats {
        revision,
        age,
        clients,
        declarations,
        base_bytes: BaseBytes { clients: client_bytes, entries, contents },
        overlay_clients,
        merges: MergeStats { merges, last_took, longest_step },
        load_took,
        checkpoint,
    } = *stats;
    let mut count = |name: &str, help: &str, value: u64| {
        registry.register(name, help, ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)));
    };
    count("revision", "Revision decided at", revision.0);
    count("clients", "Clients that have declared something", clients as u64);
    count("declarations", "Declarations, ended ones too", declarations);
    count("overlay_clients", "Clients with changes that are not packed yet", overlay_clients as u64);
    count("merges", "How often all changes were packed since the start", merges);
    if let Some(CheckpointStats { revision, .. }) = checkpoint {
        count("checkpoint_revision", "Revision of the last checkpoint", revision.0);
    }
    let mut time = |name: &str, help: &str, value: Duration| {
        registry.register_with_unit(name, help, Unit::Seconds, ConstGauge::new(value.as_secs_f64()));
    };
    time("age", "Since a look at the store began that found nothing after the revision", age);
    time("load", "How long loading took", load_took);
    time("last_merge", "How long the last merge took, pauses included", last_took);
    time("longest_merge_step", "The longest step of a merge: so long a change waited at most", longest_step);
    if let Some(CheckpointStats { age, took, .. }) = checkpoint {
        time("checkpoint_age", "Since the last checkpoint was written, or read at the start", age);
        time("checkpoint", "How long writing or reading the last checkpoint took", took);
    }
    let base = Family::<Part, Gauge>::default();
    for (part, bytes) in [("clients", client_bytes), ("entries", entries), ("contents", contents)] {
        base.get_or_create(&[("part", part)]).set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
    registry.register_with_unit("base", "The packed base, by part", Unit::Bytes, base);
}
