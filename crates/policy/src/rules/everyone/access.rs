//! The requirements for any use of data: a ground that counts and an access right
//! (002, 003, 004).

use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, sources};
use crate::request::Ground;
use crate::verdict::Reason;
use crate::words::Word;

pub(super) static NO_RELATIONSHIP: Rule = Rule {
    id: "no-relationship",
    title: "No ground that counts between the two registers; within healthcare a client relationship does not count",
    sources: &[&sources::PAGE_002, &sources::PAGE_003, &sources::PAGE_004],
    in_force: Period::ALWAYS,
    dates: &[],
    reasons: &[Reason::RelationshipMissing],
    find: Find::BySharing(find_no_relationship),
    account: account_of_ground,
};

pub(super) static NO_ACCESS_RIGHT: Rule = Rule {
    id: "no-access-right",
    title: "No access right of the professional to the data",
    sources: &[&sources::PAGE_002, &sources::PAGE_003, &sources::PAGE_004],
    in_force: Period::ALWAYS,
    dates: &[],
    reasons: &[Reason::AccessRightMissing],
    find: Find::BySharing(find_no_access_right),
    account: account_of_access_right,
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

fn account_of_ground(case: &Case<'_, '_>) -> Account {
    let sharing = case.sharing;
    let ground = sharing.situation.ground;
    let account = Account::default().fact("ground", ground.map(|ground| ground.word()));
    account.say(match ground {
        None => "the request asserts no ground",
        Some(Ground::CareRelationship) => "the request asserts a care relationship",
        Some(Ground::OtherJustified) => "the request asserts another justified ground",
        Some(Ground::ClientRelationship) if sharing.is_within_healthcare() => {
            "the request asserts a client relationship, which does not count within healthcare"
        }
        Some(Ground::ClientRelationship) => "the request asserts a client relationship",
    })
}

fn account_of_access_right(case: &Case<'_, '_>) -> Account {
    let has = case.sharing.situation.access_right;
    let asserts = if has { "asserts the access right" } else { "does not assert the access right" };
    Account::default().fact("access_right", has).say(format!("the request {asserts}"))
}
