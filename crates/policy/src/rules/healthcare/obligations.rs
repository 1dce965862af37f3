//! The obligations that every verdict of a rule within healthcare carries (002).

use super::super::Case;
use crate::directory::OrganisationKind;
use crate::request::Channel;
use crate::verdict::{Obligation, Obligations};

#[inline]
pub(in crate::rules) fn add_obligations(obligations: &mut Obligations, case: &Case<'_, '_>) {
    if has_legacy_denial_to_check(case) {
        obligations.push(Obligation::CheckLegacyDenial);
    }
    if case.sharing.situation.channel == Channel::OutsideKanta {
        obligations.push(Obligation::CheckDenialsBeforeDisclosing);
    }
}

/// Whether a denial given to a former provider may concern the record (002:
/// old service-provider-specific denials).
fn has_legacy_denial_to_check(case: &Case<'_, '_>) -> bool {
    let Case { sharing, record } = case;
    let holder = sharing.holder.named_controller;
    let is_former = |kind| kind == OrganisationKind::FormerPublic;
    match &record.original_controller {
        // True of most records, and saves the lookup in the directory.
        Some(original) if *original == holder.oid => is_former(holder.kind),
        Some(original) => {
            sharing.directory.organisation(original).is_some_and(|original| is_former(original.kind))
        }
        None => {
            is_former(holder.kind)
                || (sharing.has_holder_succeeded && record.recorded_on < holder.first_day(sharing.calendar))
        }
    }
}
