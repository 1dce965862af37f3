//! The targets of all parts.

use lupa_bench::measure::repeats::format_number;
use lupa_bench::measure::report::Checked;

/// A bound for a measured value.
pub(crate) struct Target {
    what: &'static str,
    bound: Bound,
    unit: &'static str,
}

enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

const fn at_most(what: &'static str, most: f64, unit: &'static str) -> Target {
    Target { what, bound: Bound::AtMost(most), unit }
}

const fn at_least(what: &'static str, least: f64, unit: &'static str) -> Target {
    Target { what, bound: Bound::AtLeast(least), unit }
}

pub(crate) const DECIDE_ONE: Target = at_most("decision on one record, mixed rules, warm", 60.0, "ns");
pub(crate) const LOOK_UP: Target =
    at_most("lookup and decoding of one client of the country, random", 250.0, "ns");
pub(crate) const SINGLE_RATE: Target =
    at_least("one record per request, saturated: share of the empty service's rate", 95.0, "%");
pub(crate) const SINGLE_DEFAULT_RATE: Target = at_least(
    "one record per request, saturated: share of the empty service's rate on tokio's default runtime",
    140.0,
    "%",
);
pub(crate) const SINGLE_P99: Target =
    at_most("one record, 1 × 1: p99 relative to the empty service's", 115.0, "%");
pub(crate) const THOUSAND_RATE: Target =
    at_least("1,000 records per request: records/s relative to the empty prost service", 250.0, "%");
pub(crate) const BESIDE_RECORDING: Target =
    at_most("1,000 declarations/s recorded, 1 × 1: p99 relative to none recorded", 120.0, "%");
pub(crate) const SATURATED_BESIDE_RECORDING: Target =
    at_most("1,000 declarations/s recorded, saturated: p99 relative to none recorded", 120.0, "%");
pub(crate) const OVERLOAD_KEPT: Target =
    at_least("1 to 10 times the load that the server can answer: share of the peak rate", 80.0, "%");
pub(crate) const OVERLOAD_REFUSED: Target =
    at_most("1 to 10 times the load that the server can answer: p99 of a refusal", 50.0, "ms");
pub(crate) const NEIGHBOUR: Target =
    at_most("one record beside the largest requests: p99 beyond twice that alone", 2.0, "ms");
pub(crate) const STEADY_MEMORY: Target = at_most("memory with the country loaded", 600.0, "MiB");
pub(crate) const PEAK_MEMORY: Target = at_most("peak while loading and merging", 900.0, "MiB");
pub(crate) const READY: Target = at_most("ready from SQLite", 15.0, "s");
pub(crate) const READY_AGAIN: Target = at_most("ready from a checkpoint", 3.0, "s");
pub(crate) const RECORD: Target = at_least("durable declarations of 64 callers over gRPC", 10_000.0, "/s");
pub(crate) const UNSEEN: Target = at_most("decisions after an acknowledgement that do not count it", 0.0, "");
pub(crate) const FOLLOWER_P99: Target =
    at_most("acknowledgement to in force in another process, p99", 250.0, "ms");
pub(crate) const LOADS_WITHOUT_LOSS: Target =
    at_most("moves of PostgreSQL without loss: loads of the store", 0.0, "");
pub(crate) const FILL: Target = at_least("filling an SQLite store", 200_000.0, "declarations/s");

impl Target {
    /// Compares the target with a measured value; `None`: it was not measured.
    pub(crate) fn beside(&self, measured: Option<f64>) -> Checked {
        let (sign, bound) = match self.bound {
            Bound::AtMost(most) => ("≤", most),
            Bound::AtLeast(least) => ("≥", least),
        };
        let number = |value: f64| {
            let decimals = if value < 10.0 && value.fract() != 0.0 { 2 } else { 0 };
            format!("{} {}", format_number(value, decimals), self.unit).trim_end().to_owned()
        };
        Checked {
            what: self.what.to_owned(),
            target: format!("{sign} {}", number(bound)),
            measured: measured.map_or_else(|| "–".to_owned(), number),
            is_reached: measured.map(|measured| match self.bound {
                Bound::AtMost(most) => measured <= most,
                Bound::AtLeast(least) => measured >= least,
            }),
        }
    }
}
