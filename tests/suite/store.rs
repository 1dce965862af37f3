//! Tests of the store and the index: on SQLite files and on real PostgreSQL servers,
//! each in a temporary folder. `store::kill` and `store::history` run the real binary
//! and make it fail.
//!
//! Needs the programs of a PostgreSQL server (`initdb`, `postgres`, …): those of
//! `LUPA_TEST_POSTGRES`, of `/usr/lib/postgresql` or of `PATH`; and PgBouncer. `store::history`
//! also needs libfaketime. `scripts/test` installs them.
//! Run only this group: `cargo test --test suite store::`

mod across_codes;
mod admission;
mod appending;
mod arbitrary;
mod checkpoint;
mod clocks;
mod copying;
mod digests;
mod epochs;
mod fixture;
mod following;
mod forged_checkpoint;
mod history;
mod ids;
mod index;
mod kill;
mod large;
mod links;
mod losses;
mod opening;
mod protected;
mod reading;
mod roles;
mod round_trip;
mod same_snapshot;
mod secured;
mod sessions;
mod unreadable;
