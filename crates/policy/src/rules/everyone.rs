//! The rules for every record.

mod access;
mod local_database_elsewhere;
mod own_register;
mod unknown_register;

use super::Rule;

pub(crate) use unknown_register::UNKNOWN_REGISTER;

pub(super) const RULES: &[&Rule] = &[
    &UNKNOWN_REGISTER,
    &access::NO_RELATIONSHIP,
    &access::NO_ACCESS_RIGHT,
    &own_register::OWN_REGISTER,
    &local_database_elsewhere::LOCAL_DATABASE_ELSEWHERE,
];
