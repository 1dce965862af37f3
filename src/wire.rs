//! The wire: generated messages, and each conversion between them and the
//! domain types once.
//!
//! `TryFrom`-like functions read inwards and collect every violation of a
//! request; `to_…` functions write outwards. Files and the command line use
//! the same conversions through the protobuf JSON mapping, so there is one
//! parser.

pub mod limits;
pub mod violation;
pub mod error;
pub mod view;
pub mod client;
pub mod directory;
pub mod index;
pub mod declaration;
pub mod decision;
pub mod verdict;
pub mod answer;
pub mod decide_call;
pub mod framing;
pub mod catalogue;
pub mod explanation;
pub mod history;
pub mod name;

/// Messages, clients and servers of package `lupa.v1`, with their JSON mapping.
#[expect(
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
pub mod v1 {
    tonic::include_proto!("lupa.v1");
    include!(concat!(env!("OUT_DIR"), "/client/lupa.v1.DecisionService.rs"));
    include!(concat!(env!("OUT_DIR"), "/server/lupa.v1.DecisionService.rs"));
    include!(concat!(env!("OUT_DIR"), "/lupa.v1.serde.rs"));
}

/// Messages, clients and servers of package `lupa.admin.v1alpha`: what operators read, which may still change.
#[expect(
    unused_qualifications,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
pub mod admin {
    tonic::include_proto!("lupa.admin.v1alpha");
    include!(concat!(env!("OUT_DIR"), "/lupa.admin.v1alpha.serde.rs"));
}

/// The compiled descriptors of `proto/`, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lupa.v1.descriptors.bin"));
