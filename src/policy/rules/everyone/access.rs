//! What the use of any data requires: a justified ground and an access right (002, 003, 004).

use super::super::{Find, Finding, InForce, Rule, Sharing};
use crate::policy::verdict::Reason;

pub(super) static NO_RELATIONSHIP: Rule = Rule {
    id: "no-relationship",
    title: "A care or client relationship or another justified ground",
    silent: "a justified ground is asserted",
    sources: &["002", "003", "004"],
    in_force: InForce::ALWAYS,
    dates: &[],
    reasons: &[Reason::RelationshipMissing],
    find: Find::BySharing(find_no_relationship),
};

pub(super) static NO_ACCESS_RIGHT: Rule = Rule {
    id: "no-access-right",
    title: "The professional's access right to the data",
    silent: "the access right is asserted",
    sources: &["002", "003", "004"],
    in_force: InForce::ALWAYS,
    dates: &[],
    reasons: &[Reason::AccessRightMissing],
    find: Find::BySharing(find_no_access_right),
};

fn find_no_relationship(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    sharing.situation.ground.is_none().then(|| Finding::plain(Reason::RelationshipMissing))
}

fn find_no_access_right(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    (!sharing.situation.access_right).then(|| Finding::plain(Reason::AccessRightMissing))
}
