//! Domain §6, everyone. (`unknown-register` is decided before there is a question.)

use lupa::wire::v1::{Detail, Reason};

use super::{Rule, Spoken, deny, is_from_local_database, not_shareable, permit};
use crate::core::reference::directory::{Side, is_part_of, side};
use crate::core::reference::has_relationship;
use crate::core::reference::world::Question;

pub(in crate::core::reference) const RULES: [Rule; 4] = [
    ("no-relationship", no_relationship),
    ("no-access-right", no_access_right),
    ("own-register", own_register),
    ("local-database-elsewhere", local_database_elsewhere),
];

fn no_relationship(question: &Question) -> Option<Spoken> {
    (!has_relationship(question)).then(|| deny(Reason::RelationshipMissing, Detail::Unspecified))
}

fn no_access_right(question: &Question) -> Option<Spoken> {
    (!question.request.access_right).then(|| deny(Reason::AccessRightMissing, Detail::Unspecified))
}

fn own_register(question: &Question) -> Option<Spoken> {
    let same = question.holder.oid == question.requester.oid;
    let merged = is_part_of(&question.world, question.holder, question.requester);
    (same || merged).then(|| permit(Reason::OwnRegister))
}

fn local_database_elsewhere(question: &Question) -> Option<Spoken> {
    let both_in_healthcare =
        [question.requester, question.holder].iter().all(|register| side(register) == Side::Healthcare);
    (is_from_local_database(question) && !both_in_healthcare)
        .then(|| not_shareable(Detail::LocalDatabaseNotPublicUusimaa))
}
