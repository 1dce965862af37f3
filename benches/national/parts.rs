//! What is measured: one file a part.

pub(crate) mod lookup;
mod beside_recording;
mod envoy;
mod filling;
mod in_force;
mod inside;
mod memory;
mod recording;
mod replicas;
mod single;
mod telemetry;
mod thousand;

use crate::arguments::Arguments;
use crate::report::Section;

/// A part of the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Inside,
    Lookup,
    Single,
    Thousand,
    BesideRecording,
    Memory,
    Recording,
    InForce,
    Replicas,
    Filling,
    Telemetry,
    Envoy,
}

impl Part {
    pub(crate) const ALL: [Self; 12] = [
        Self::Inside,
        Self::Lookup,
        Self::Single,
        Self::Thousand,
        Self::BesideRecording,
        Self::Memory,
        Self::Recording,
        Self::InForce,
        Self::Replicas,
        Self::Filling,
        Self::Telemetry,
        Self::Envoy,
    ];

    /// As it is named on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Lookup => "lookup",
            Self::Single => "single",
            Self::Thousand => "thousand",
            Self::BesideRecording => "beside-recording",
            Self::Memory => "memory",
            Self::Recording => "recording",
            Self::InForce => "in-force",
            Self::Replicas => "replicas",
            Self::Filling => "filling",
            Self::Telemetry => "telemetry",
            Self::Envoy => "envoy",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Inside => "Deciding, inside the core",
            Self::Lookup => "Finding a client among millions",
            Self::Single => "One record a request, beside an empty service",
            Self::Thousand => "A thousand records a request, beside an empty service",
            Self::BesideRecording => "Deciding while declarations are recorded",
            Self::Memory => "Memory, and time until it serves",
            Self::Recording => "Recording durably",
            Self::InForce => "From acknowledgement to in force",
            Self::Replicas => "Many replicas on PostgreSQL",
            Self::Filling => "Making a country's data",
            Self::Telemetry => "What tracing costs",
            Self::Envoy => "What Envoy's asking costs",
        }
    }

    pub(crate) fn measure(self, arguments: &Arguments) -> Section {
        match self {
            Self::Inside => inside::measure(arguments),
            Self::Lookup => lookup::measure(arguments),
            Self::Single => single::measure(arguments),
            Self::Thousand => thousand::measure(arguments),
            Self::BesideRecording => beside_recording::measure(arguments),
            Self::Memory => memory::measure(arguments),
            Self::Recording => recording::measure(arguments),
            Self::InForce => in_force::measure(arguments),
            Self::Replicas => replicas::measure(arguments),
            Self::Filling => filling::measure(arguments),
            Self::Telemetry => telemetry::measure(arguments),
            Self::Envoy => envoy::measure(arguments),
        }
    }
}
