//! What the use of any data requires: a ground that counts and an access right (002, 003, 004).

use super::super::{Find, Finding, InForce, Rule, Sharing};
use crate::policy::request::Ground;
use crate::policy::verdict::Reason;

pub(super) static NO_RELATIONSHIP: Rule = Rule {
    id: "no-relationship",
    title: "A ground that counts: within healthcare no client relationship",
    silent: "a ground that counts is asserted",
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
    (!has_ground(sharing)).then(|| Finding::plain(Reason::RelationshipMissing))
}

/// Within healthcare a care relationship or another justified ground (002: "a
/// valid treatment relationship"); elsewhere a client relationship too (004).
fn has_ground(sharing: &Sharing<'_, '_>) -> bool {
    match sharing.situation.ground {
        Some(Ground::CareRelationship | Ground::OtherJustified) => true,
        Some(Ground::ClientRelationship) => !sharing.is_within_healthcare(),
        None => false,
    }
}

fn find_no_access_right(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    (!sharing.situation.access_right).then(|| Finding::plain(Reason::AccessRightMissing))
}
