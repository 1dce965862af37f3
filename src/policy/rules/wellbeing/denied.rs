//! A denial of all patient data, or of everything, holds for wellbeing data
//! too, whomever it is against (000).

use super::super::{Case, Find, Finding, InForce, Rule, denial};
use crate::policy::declaration::Scope;
use crate::policy::verdict::{Detail, Reason};

pub(super) static WB_DENIED: Rule = Rule {
    id: "wb-denied",
    title: "No denial of all patient data, and no extensive one",
    silent: "no denial of all patient data and no extensive one in force",
    sources: &["000"],
    in_force: InForce::ALWAYS,
    dates: &[],
    reasons: &[Reason::NotShareable],
    find: Find::ByRecord(find),
};

fn find(case: &Case<'_, '_>) -> Option<Finding> {
    let all_patient_data =
        |scope: &Scope| (*scope == Scope::AllPatientData).then_some(Detail::DenialAllPatientData);
    denial::finding(denial::extensive_or(case, all_patient_data))
}
