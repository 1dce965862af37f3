//! The client's denials within healthcare (002). In an emergency the denials for
//! which the client allowed disclosure give way (kanta:
//! denial-of-consent-to-sharing-patient-data).

use super::super::{Account, Case, Find, Finding, Period, Rule, denial, sources};
use crate::calendar::CalendarDate;
use crate::declaration::{Denial, DenialSector, Scope};
use crate::directory::Sector;
use crate::request::ClaimKind;
use crate::verdict::Reason;

pub(super) static HC_DENIED: Rule = Rule {
    id: "hc-denied",
    title: "A denial that covers the record and the requester",
    sources: &[&sources::PAGE_002, &sources::KANTA_DENIAL_OF_PATIENT_DATA, &sources::KANTA_PRESCRIPTIONS],
    in_force: Period::ALWAYS,
    dates: &[CalendarDate::CountiesBegin],
    reasons: &[Reason::NotShareable],
    find: Find::ByRecord(find),
    account,
};

fn find(case: &Case<'_, '_>) -> Option<Finding> {
    if case.sharing.declared.denials.is_empty() {
        return None;
    }
    let is_emergency = case.sharing.has_complete_claim(ClaimKind::Emergency);
    denial::in_sector(case, Sector::Healthcare, |denial| is_emergency && gives_way_in_emergency(denial))
}

/// Whether a denial gives way in an emergency. Only healthcare denials carry the
/// allowance; extensive denials never do.
fn gives_way_in_emergency(denial: &Denial) -> bool {
    denial.allows_emergency && denial.sector == DenialSector::Healthcare && denial.scope != Scope::Extensive
}

fn account(case: &Case<'_, '_>) -> Account {
    let account = denial::account(case, Sector::Healthcare);
    let account = account.claim(case.sharing, ClaimKind::Emergency, "an emergency");
    if !case.sharing.has_complete_claim(ClaimKind::Emergency) {
        return account;
    }
    let stays = |covering: &denial::Covering<'_>| !gives_way_in_emergency(covering.denial.denial);
    let staying = denial::covering(case, Sector::Healthcare).filter(stays).count();
    account.fact("denials.not_lifted_by_emergency", staying)
}
