//! The parts of the bench: one file per part.

pub(crate) mod lookup;
mod beside_recording;
mod envoy;
mod failover;
mod filling;
mod in_force;
mod inside;
mod memory;
mod neighbours;
mod overload;
mod recording;
mod replicas;
mod single;
mod telemetry;
mod thousand;

use lupa_bench::measure::report::Section;

use crate::arguments::Arguments;
use crate::{data, postgres};

/// A part of the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Inside,
    Lookup,
    Single,
    Thousand,
    BesideRecording,
    Overload,
    Neighbours,
    Memory,
    Recording,
    InForce,
    Replicas,
    Failover,
    Filling,
    Telemetry,
    Envoy,
}

impl Part {
    pub(crate) const ALL: [Self; 15] = [
        Self::Inside,
        Self::Lookup,
        Self::Single,
        Self::Thousand,
        Self::BesideRecording,
        Self::Overload,
        Self::Neighbours,
        Self::Memory,
        Self::Recording,
        Self::InForce,
        Self::Replicas,
        Self::Failover,
        Self::Filling,
        Self::Telemetry,
        Self::Envoy,
    ];

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Lookup => "lookup",
            Self::Single => "single",
            Self::Thousand => "thousand",
            Self::BesideRecording => "beside-recording",
            Self::Overload => "overload",
            Self::Neighbours => "neighbours",
            Self::Memory => "memory",
            Self::Recording => "recording",
            Self::InForce => "in-force",
            Self::Replicas => "replicas",
            Self::Failover => "failover",
            Self::Filling => "filling",
            Self::Telemetry => "telemetry",
            Self::Envoy => "envoy",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Inside => "Decisions in the core",
            Self::Lookup => "Looking up a client among millions",
            Self::Single => "One record per request, compared with an empty service",
            Self::Thousand => "A thousand records per request, compared with an empty service",
            Self::BesideRecording => "Decisions while declarations are recorded",
            Self::Overload => "More callers than the server can answer",
            Self::Neighbours => "Small requests beside the largest",
            Self::Memory => "Memory, and time until ready",
            Self::Recording => "Durable recording",
            Self::InForce => "From acknowledgement to in force",
            Self::Replicas => "Replicas on PostgreSQL",
            Self::Failover => "Moves of PostgreSQL",
            Self::Filling => "Filling a country's store",
            Self::Telemetry => "Cost of tracing",
            Self::Envoy => "Cost of Envoy's authorization call",
        }
    }

    pub(crate) fn measure(self, arguments: &Arguments) -> Section {
        match self {
            Self::Inside => inside::measure(arguments),
            Self::Lookup => lookup::measure(arguments),
            Self::Single => single::measure(arguments),
            Self::Thousand => thousand::measure(arguments),
            Self::BesideRecording => beside_recording::measure(arguments),
            Self::Overload => overload::measure(arguments),
            Self::Neighbours => neighbours::measure(arguments),
            Self::Memory => memory::measure(arguments),
            Self::Recording => recording::measure(arguments),
            Self::InForce => in_force::measure(arguments),
            Self::Replicas => replicas::measure(arguments),
            Self::Failover => failover::measure(arguments),
            Self::Filling => filling::measure(arguments),
            Self::Telemetry => telemetry::measure(arguments),
            Self::Envoy => envoy::measure(arguments),
        }
    }
}

/// Prepares a part that needs PostgreSQL. If that is not installed, the section says so.
fn is_postgres_ready(section: &mut Section) -> bool {
    if !postgres::is_installed() {
        section.text("Not measured: PostgreSQL is not installed. `scripts/test` installs it.");
        return false;
    }
    // On the disk of the working copy, like the files of SQLite.
    let folder = data::folder();
    std::fs::create_dir_all(&folder).expect("a folder under target");
    if let Err(set_before) = tempfile::env::override_temp_dir(&folder) {
        assert_eq!(set_before, folder, "by another part");
    }
    true
}
