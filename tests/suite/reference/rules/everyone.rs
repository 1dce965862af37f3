//! Domain §6, everyone. (`unknown-register` is decided before there is a question.)

use lupa::wire::v1::Detail;
use lupa::wire::v1::OrganisationKind;
use lupa::wire::v1::Reason;

use super::Rule;
use super::Spoken;
use super::deny;
use super::is_from_local_database;
use super::not_shareable;
use super::permit;
use crate::reference::directory::Side;
use crate::reference::directory::controller;
use crate::reference::directory::first_day;
use crate::reference::directory::side;
use crate::reference::directory::successors;
use crate::reference::has_relationship;
use crate::reference::world::Question;

pub(in crate::reference) const RULES: [Rule; 4] = [
    ("no-relationship", no_relationship),
    ("no-access-right", no_access_right),
    ("own-register", own_register),
    ("local-database-elsewhere", local_database_elsewhere),
];

fn no_relationship(question: &Question) -> Option<Spoken> {
    (!has_relationship(question.request)).then(|| deny(Reason::RelationshipMissing, Detail::Unspecified))
}

fn no_access_right(question: &Question) -> Option<Spoken> {
    (!question.request.access_right).then(|| deny(Reason::AccessRightMissing, Detail::Unspecified))
}

fn own_register(question: &Question) -> Option<Spoken> {
    let same = question.holder.oid == question.requester.oid;
    (same || is_own_by_succession(question)).then(|| permit(Reason::OwnRegister))
}

/// The holder belonged to a former provider, the end of whose chain is the
/// requester's controller; register of the same kind; from its first day.
fn is_own_by_succession(question: &Question) -> bool {
    let world = &question.world;
    let former = controller(world.directory, question.holder);
    let chain = successors(world.directory, &former.oid);
    let Some(end) = chain.last() else {
        return false;
    };
    former.kind() == OrganisationKind::FormerPublic
        && end.oid == question.requester.controller
        && question.holder.kind() == question.requester.kind()
        && first_day(world, end) <= world.today()
}

fn local_database_elsewhere(question: &Question) -> Option<Spoken> {
    let both_in_healthcare =
        [question.requester, question.holder].iter().all(|register| side(register) == Side::Healthcare);
    (is_from_local_database(question) && !both_in_healthcare)
        .then(|| not_shareable(Detail::LocalDatabaseNotPublicUusimaa))
}
