//! The rules between two healthcare registers.

mod basis;
mod denied;
mod local_database;
mod not_open;
mod obligations;
mod outsourced;
mod prescription;
mod uusimaa;

use super::Rule;

pub(super) use obligations::add_obligations;

pub(super) const RULES: &[&Rule] = &[
    &outsourced::HC_OUTSOURCED,
    &not_open::HC_NOT_OPEN,
    &denied::HC_DENIED,
    &local_database::HC_LOCAL_DATABASE,
    &prescription::HC_PRESCRIPTION,
    &uusimaa::HC_UUSIMAA,
    &basis::HC_CONSENT,
    &basis::HC_NO_BASIS,
];
