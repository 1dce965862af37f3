//! The only generated code.

/// Messages, clients and servers of package `lupa.v1`, with their JSON mapping.
#[expect(
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "generated code"
)]
pub mod v1 {
    tonic::include_proto!("lupa.v1");
    include!(concat!(env!("OUT_DIR"), "/lupa.v1.serde.rs"));
}

/// The compiled descriptors of `proto/`, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lupa.v1.descriptors.bin"));
