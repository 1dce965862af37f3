//! Borrowed views of a `DecideRequest`: of a message, or of its bytes (zero-copy).
//!
//! ```text
//!  bytes of a DecideRequest ──RequestView::read──▶ RequestView ─┐
//!  &v1::DecideRequest ───────────────────────────▶ RequestView ─┴─▶ decision::situation
//!  bytes of the same ───────────records──────────▶ RecordView ──┐
//!  &v1::Record ──────────────────────────────────▶ RecordView ──┴─▶ decision::record
//! ```
//!
//! Decoding fails exactly where prost fails, and otherwise gives exactly the
//! values of prost: of several values the last one counts, the parts of one
//! message are merged, unknown fields are skipped. `tests/suite/core/decoder.rs`
//! and `fuzz/` compare the two.

mod expansion;
mod reader;
mod record;
mod request;

pub use expansion::decoded_bytes;
pub use record::{OutsourcingView, RecordView, ServiceTasks};
pub use request::{ClientView, RecordViews, RequestView, RequesterView, records};

/// Bytes that are not a protobuf message of the type that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a protobuf message of this type")]
pub struct Malformed;
