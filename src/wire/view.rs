//! What a question says, borrowed: from a message, or straight from its bytes.
//!
//! ```text
//!  bytes of a DecideRequest ──RequestView::read──▶ RequestView ─┐
//!  &v1::DecideRequest ───────────────────────────▶ RequestView ─┴─▶ decision::situation
//!  bytes of the same ───────────records──────────▶ RecordView ──┐
//!  &v1::Record ──────────────────────────────────▶ RecordView ──┴─▶ decision::record
//! ```
//!
//! What cannot be decoded is refused exactly where prost refuses it, and what
//! can be decoded says exactly what prost would have it say: the last of several
//! values stands, the parts of one message are put together, unknown fields are
//! passed over. `tests/suite/core/decoder.rs` and `fuzz/` compare the two.

mod reader;
mod record;
mod request;

pub use record::{OutsourcingView, RecordView, ServiceTasks};
pub use request::{ClientView, RecordViews, RequestView, RequesterView, records};

/// Bytes that are not a protobuf message of the type that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a protobuf message of this type")]
pub struct Malformed;
