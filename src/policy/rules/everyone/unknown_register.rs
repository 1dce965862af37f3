//! A register that the directory does not know.

use super::super::{Find, Finding, InForce, Rule, Sharing};
use crate::policy::verdict::Reason;

/// A case exists only where both registers are known and the requester's is
/// one on whose behalf data is read: where there is none, this rule has spoken.
pub(crate) static UNKNOWN_REGISTER: Rule = Rule {
    id: "unknown-register",
    title: "The directory knows both registers",
    silent: "the directory knows both registers",
    sources: &["002", "003", "004"],
    in_force: InForce::ALWAYS,
    dates: &[],
    reasons: &[Reason::UnknownRegister],
    find: Find::BySharing(find),
};

fn find(_: &Sharing<'_, '_>) -> Option<Finding> {
    None
}
