//! The rules between two social-welfare registers.

mod basis;
mod denied;
mod not_open;
mod outsourced;
mod statutory_right;

use super::Rule;

pub(super) const RULES: &[&Rule] = &[
    &outsourced::SW_OUTSOURCED,
    &not_open::SW_NOT_OPEN,
    &statutory_right::SW_STATUTORY_RIGHT,
    &denied::SW_DENIED,
    &basis::SW_CONSENT,
    &basis::SW_NO_BASIS,
];
