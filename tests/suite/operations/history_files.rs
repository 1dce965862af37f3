//! Files of history: `lupa import` and `lupa export` as an operator runs them, with real
//! stores of both kinds. `everything` generates the history that these tests move.
//!
//! Needs the programs of a PostgreSQL server, as the tests of the store do.
//! Run only this group: `cargo test --test suite operations::history_files`

mod answers;
mod bad_files;
mod bad_lines;
mod everything;
mod example;
mod killed;
mod line;
mod place;
mod recorded;
mod repeated;
mod replica;
mod round_trip;
