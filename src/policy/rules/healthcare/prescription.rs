//! Prescriptions are shared with the informed client's care; before the Act,
//! on a verbal consent (000; kanta: professionals/sharing-of-prescription-data).

use super::super::{Case, Find, Finding, InForce, Rule, consent};
use crate::policy::calendar::CalendarDate;
use crate::policy::declaration::ConsentKind;
use crate::policy::verdict::{Detail, Reason};

pub(super) static HC_PRESCRIPTION: Rule = Rule {
    id: "hc-prescription",
    title: "A prescription, the client informed",
    silent: "the record is not a prescription",
    sources: &["000", "kanta: professionals/sharing-of-prescription-data"],
    in_force: InForce::ALWAYS,
    dates: &[CalendarDate::ActInForce],
    reasons: &[Reason::PrescriptionInformed, Reason::Consent, Reason::NotShareable],
    find: Find::ByRecord(find),
};

fn find(case: &Case<'_, '_>) -> Option<Finding> {
    if !case.record.kind.is_prescription() {
        return None;
    }
    if case.sharing.today < case.sharing.calendar.act_in_force {
        let verbal = &ConsentKind::VerbalPrescription;
        let permit = consent::permit(case.sharing, verbal, Reason::Consent);
        return Some(permit.unwrap_or_else(|| consent::not_standing(case.sharing, verbal)));
    }
    Some(if case.sharing.declared.is_informed {
        Finding::plain(Reason::PrescriptionInformed)
    } else {
        Finding::deny(Reason::NotShareable, Detail::InformationMissing)
    })
}
