//! The store and the index, on real files.

mod admission;
mod appending;
mod arbitrary;
mod checkpoint;
mod copying;
mod digests;
mod epochs;
mod fixture;
mod following;
mod ids;
mod index;
mod large;
mod opening;
mod reading;
mod round_trip;
mod same_snapshot;
mod secured;
mod unreadable;
