//! Details, declarations and missing conditions of verdicts.

use super::super::calendar::EARLIER_LAW;
use super::super::declaration::{
    ClientDeclarations, ConsentKind, Content, DataKind, DenialSector, Information, Scope,
};
use super::super::request::{Claim, ClaimKind, Condition, RecordKind};
use super::super::verdict::{Detail, Reason};
use super::*;
use crate::day::Day;
use crate::samples::*;

fn verdict(
    situation: &Situation<'_>,
    declarations: &ClientDeclarations,
    record: &Record<'_>,
    day: &str,
) -> Verdict {
    let (directory, calendar) = (directory(""), Calendar::published());
    Question::new(situation, Facts::all(declarations), &directory, &calendar, noon(day)).decide(record)
}

#[test]
fn a_verdict_names_the_declarations_of_the_widest_denial() {
    let denied = |name, scope| denial(name, "2024-01-02", DenialSector::Healthcare, scope);
    let declarations = [
        denied("event", Scope::ServiceEvent(id("event-1"))),
        denied("all", Scope::AllPatientData),
        denied("register", Scope::Register(oid(COUNTY_HEALTHCARE))),
        denied("all-again", Scope::AllPatientData),
    ];
    let record = record(COUNTY_HEALTHCARE, RecordKind::Patient(DataKind::PatientSummary));
    let verdict = verdict(&situation(COUNTY_OCCUPATIONAL), &declarations, &record, "2026-02-01");
    assert_eq!(verdict.detail, Some(Detail::DenialAllPatientData));
    assert_eq!(verdict.declarations.iter().collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn each_missing_condition_of_the_open_claims_is_reported_once() {
    let claim = |kind, missing: &[Condition]| Claim { kind, missing: missing.iter().copied().collect() };
    let mut situation = situation(COUNTY_SOCIAL_WELFARE);
    situation.claims.extend([
        claim(ClaimKind::JointService, &[Condition::DeliveredJointly, Condition::DataNecessary]),
        claim(ClaimKind::SocialWelfareAuthority, &[Condition::DataNecessary]),
        claim(ClaimKind::StatutoryRight, &[Condition::Provision]),
    ]);
    let record = record(COUNTY_HEALTHCARE, RecordKind::Patient(DataKind::PatientSummary));
    let verdict = verdict(&situation, &[], &record, "2026-02-01");
    assert_eq!(verdict.detail, Some(Detail::ClaimIncomplete));
    let missing: Vec<_> = verdict.missing.iter().collect();
    assert_eq!(missing, [Condition::DeliveredJointly, Condition::DataNecessary]);
}

#[test]
fn a_consent_from_before_the_act_covers_no_prescriptions() {
    let informed = |version: &str, day| {
        declared("informed", day, Content::Information(Information { version: version.into(), way: None }))
    };
    for (day, reason) in [("2021-10-31", Reason::NotShareable), ("2021-11-01", Reason::Consent)] {
        let declarations = [
            informed(EARLIER_LAW, "2021-10-01"),
            informed("1.0", "2021-11-01"),
            consent("consent", day, ConsentKind::PatientDataToSocialWelfare),
        ];
        let record = record(COUNTY_HEALTHCARE, RecordKind::Patient(DataKind::Prescription));
        let verdict = verdict(&situation(COUNTY_SOCIAL_WELFARE), &declarations, &record, "2027-11-01");
        assert_eq!(verdict.reason, reason, "{day}: {verdict:?}");
    }
}

#[test]
fn a_former_providers_denial_covers_what_its_successor_holds_from_before_the_merger() {
    let scope = Scope::FormerProvider(oid(FORMER));
    let declarations = [denial("denial", "2022-06-01", DenialSector::Healthcare, scope)];
    for (recorded_on, is_covered) in [("2022-12-31", true), ("2023-01-01", false)] {
        let kind = RecordKind::Patient(DataKind::PatientSummary);
        let record = Record { recorded_on: Day::of(noon(recorded_on)), ..record(COUNTY_HEALTHCARE, kind) };
        let verdict = verdict(&situation(COUNTY_OCCUPATIONAL), &declarations, &record, "2026-02-01");
        let is_denied = verdict.detail == Some(Detail::DenialFormerProvider);
        assert_eq!(is_denied, is_covered, "{recorded_on}: {verdict:?}");
    }
}
