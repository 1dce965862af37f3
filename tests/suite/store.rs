//! The store and the index, on real files.

mod admission;
mod appending;
mod arbitrary;
mod fixture;
mod index;
mod opening;
mod round_trip;
mod same_snapshot;
mod unreadable;
