//! Branches of the law that are not visible in the id and detail of a rule. A branch
//! decides a case if the answer changes when the case is changed so that the branch does
//! not apply.

use chrono::TimeDelta;
use lupa::wire::v1::declaration::Content;
use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::{
    Consent, Denial, Detail, Ground, OrganisationKind, Reason, Role, Sector, StoredDeclaration,
};
use pbjson_types::Timestamp;

use crate::core::generator::{Case, case, timestamp};
use crate::core::reference::{Answer, day, decide, instant};

/// A branch: its name, the change that removes it, and which of the two answers shows it.
type Branch = (&'static str, fn(&mut Case), fn(&Answer, &Answer) -> bool);

const BRANCHES: [Branch; 28] = [
    ("merged: own use", without_mergers, |with, _| with.reason == Reason::OwnRegister),
    ("merged: healthcare", without_mergers, |with, without| is_of(with, "hc-") && is_of(without, "hc-")),
    ("merged: social welfare", without_mergers, |with, without| is_of(with, "sw-") && is_of(without, "sw-")),
    ("merged: across sectors", without_mergers, |with, without| is_of(with, "xs-") && is_of(without, "xs-")),
    ("merged: a denial of the register", without_mergers, |with, _| with.detail == Detail::DenialRegister),
    ("merged: ready by another register", without_mergers, |_, without| without.reason == Reason::NotOpen),
    ("merged: in Uusimaa or not", without_mergers, shows_uusimaa),
    ("merged: outsourcing", without_mergers, |with, without| is_outsourced(with) && !is_outsourced(without)),
    ("merged: a local consent", without_mergers, |with, without| {
        with.reason == Reason::LocalConsent || without.reason == Reason::LocalConsent
    }),
    ("merged: a second register of the successor", without_second_registers, any),
    ("merged: more than one link", with_one_link, is_not_of_former_provider),
    ("merged: a link to come", with_every_link_past, is_not_of_former_provider),
    ("a denial carried over", without_carrying, any),
    ("a denial carried over by a link in between", with_carrying_by_counties_alone, any),
    ("the last word by the day given", with_days_of_recording, is_of_last_word),
    ("one day: the order of recording", reversed, is_of_last_word),
    ("one instant: a withdrawal after a giving", with_withdrawals_just_before, is_of_last_word),
    ("a consent withdrawn before it was given", without_early_withdrawals_of_consents, any),
    ("a denial withdrawn before it was given", with_early_withdrawals_of_denials, any),
    ("a consent given before the information", with_days_of_recording, |with, _| {
        with.detail == Detail::ConsentBeforeInformation
    }),
    ("given after it was recorded", with_days_after_recording_kept, any),
    ("a guardian's consent", without_consents_of_guardians, |with, _| with.reason == Reason::Consent),
    ("a guardian's wellbeing consent", with_consents_by_the_client, |with, _| is_of(with, "wb-")),
    ("a client relationship within healthcare", with_care_relationship, any),
    ("information after its end", without_ends_of_versions, any),
    ("extensive: of social welfare alone", with_extensive_social_of_both, any),
    ("extensive: of healthcare alone", with_extensive_healthcare_of_both, any),
    ("unable, by the last act", without_withdrawals, |with, without| {
        with.rule != "xs-unable" && without.rule == "xs-unable"
    }),
];

fn any(_: &Answer, _: &Answer) -> bool {
    true
}

fn is_of(answer: &Answer, list: &str) -> bool {
    answer.rule.starts_with(list)
}

fn is_outsourced(answer: &Answer) -> bool {
    answer.reason == Reason::OutsourcedService
}

fn shows_uusimaa(with: &Answer, without: &Answer) -> bool {
    [with, without].into_iter().any(|answer| {
        matches!(answer.rule, "hc-uusimaa" | "hc-local-database")
            || answer.rule == "hc-denied" && answer.detail == Detail::DenialAllPatientData
    })
}

/// The effect of a merger on a FORMER_PROVIDER denial as in revision 3.
fn is_not_of_former_provider(with: &Answer, without: &Answer) -> bool {
    [with, without].into_iter().all(|answer| answer.detail != Detail::DenialFormerProvider)
        && (with.rule, with.detail) != (without.rule, without.detail)
}

fn is_of_last_word(with: &Answer, without: &Answer) -> bool {
    [with, without]
        .into_iter()
        .all(|answer| !matches!(answer.detail, Detail::ConsentBeforeInformation | Detail::ConsentKantaOnly))
        && with.rule != "xs-denied"
        && is_about_consents(with)
        && is_about_consents(without)
}

fn is_about_consents(answer: &Answer) -> bool {
    ["-consent", "-no-basis", "-unable", "-prescription"].iter().any(|end| answer.rule.ends_with(end))
}

/// As if every successor started in a later year.
fn without_mergers(case: &mut Case) {
    for organisation in &mut case.directory.organisations {
        if organisation.kind() != OrganisationKind::FormerPublic {
            organisation.carries_former_denials = false;
        }
        "2100-01-01".clone_into(&mut organisation.operates_from);
    }
}

/// The last two of those that share a controller and a kind with another, unless
/// they ask or are asked about.
fn without_second_registers(case: &mut Case) {
    let request = &case.request;
    let is_asked = |oid: &str| {
        request.requester.as_ref().unwrap().register == oid
            || request.records.iter().any(|record| record.register == oid)
    };
    let second = ["1.2.246.10.9001.38", "1.2.246.10.9001.39"];
    let registers = &mut case.directory.registers;
    registers.retain(|register| !second.contains(&register.oid.as_str()) || is_asked(&register.oid));
}

fn with_one_link(case: &mut Case) {
    let organisations = &mut case.directory.organisations;
    let successors: Vec<String> =
        organisations.iter().map(|organisation| organisation.successor.clone()).collect();
    for organisation in organisations {
        if successors.contains(&organisation.oid) {
            organisation.successor.clear();
        }
    }
}

fn with_every_link_past(case: &mut Case) {
    let today = day(case.at).to_string();
    for organisation in &mut case.directory.organisations {
        if organisation.operates_from > today {
            "2010-01-01".clone_into(&mut organisation.operates_from);
        }
    }
}

fn without_carrying(case: &mut Case) {
    for organisation in &mut case.directory.organisations {
        organisation.carries_former_denials = false;
    }
}

fn with_carrying_by_counties_alone(case: &mut Case) {
    for organisation in &mut case.directory.organisations {
        if organisation.kind() == OrganisationKind::FormerPublic {
            organisation.carries_former_denials = false;
        }
    }
}

fn consent(stored: &StoredDeclaration) -> Option<&Consent> {
    match stored.declaration.as_ref().unwrap().content.as_ref().unwrap() {
        Content::Consent(consent) => Some(consent),
        Content::Information(_) | Content::Denial(_) => None,
    }
}

fn denial(stored: &mut StoredDeclaration) -> Option<&mut Denial> {
    match stored.declaration.as_mut().unwrap().content.as_mut().unwrap() {
        Content::Denial(denial) => Some(denial),
        Content::Information(_) | Content::Consent(_) => None,
    }
}

fn consents(case: &mut Case) -> impl Iterator<Item = &mut StoredDeclaration> {
    case.declarations.iter_mut().filter(|stored| consent(stored).is_some())
}

fn with_days_of_recording(case: &mut Case) {
    for stored in consents(case) {
        (stored.given_at, stored.withdrawal_given_at) = (None, None);
    }
}

fn reversed(case: &mut Case) {
    case.declarations.reverse();
}

fn with_withdrawals_just_before(case: &mut Case) {
    for stored in consents(case) {
        let before = |at| timestamp(instant(at) - TimeDelta::nanoseconds(1));
        stored.withdrawn_at = stored.withdrawn_at.as_ref().map(before);
    }
}

/// Given on an earlier day than what it ends.
fn is_withdrawn_too_early(stored: &StoredDeclaration) -> bool {
    let on = |timestamp: &Timestamp| day(instant(timestamp));
    let given_on = stored.given_at.as_ref().or(stored.recorded_at.as_ref()).map(on);
    stored.withdrawal_given_at.as_ref().map(on).is_some_and(|withdrawn_on| Some(withdrawn_on) < given_on)
}

/// As if such a withdrawal ended no consent.
fn without_early_withdrawals_of_consents(case: &mut Case) {
    for stored in consents(case).filter(|stored| is_withdrawn_too_early(stored)) {
        stored.withdrawn_at = None;
    }
}

/// As if such a withdrawal ended a denial.
fn with_early_withdrawals_of_denials(case: &mut Case) {
    for stored in case.declarations.iter_mut().filter(|stored| is_withdrawn_too_early(stored)) {
        if denial(stored).is_some() {
            stored.withdrawal_given_at = None;
        }
    }
}

/// As if recorded when it was given: what is read as given on its day of recording
/// is read as given on a later one.
fn with_days_after_recording_kept(case: &mut Case) {
    for stored in &mut case.declarations {
        let at = stored.recorded_at.as_ref().map(instant);
        let given_at = stored.given_at.as_ref().map(instant);
        if given_at.map(day) > at.map(day) && given_at <= Some(case.at) {
            stored.recorded_at = stored.given_at;
        }
    }
}

fn is_for_client(stored: &StoredDeclaration) -> bool {
    let role = stored.declarer.as_ref().map(|declarer| declarer.role());
    matches!(role, Some(Role::Guardian | Role::LegalRepresentative))
}

fn without_consents_of_guardians(case: &mut Case) {
    for stored in consents(case) {
        if is_for_client(stored) {
            stored.declarer = None;
        }
    }
}

fn with_consents_by_the_client(case: &mut Case) {
    for stored in consents(case) {
        if is_for_client(stored) {
            stored.declarer.as_mut().unwrap().role = Role::Client.into();
        }
    }
}

fn with_care_relationship(case: &mut Case) {
    if case.request.ground() == Ground::ClientRelationship {
        case.request.ground = Ground::CareRelationship.into();
    }
}

fn without_ends_of_versions(case: &mut Case) {
    for version in &mut case.calendar.versions {
        version.valid_until = None;
    }
}

fn extensive_of_both(case: &mut Case, sector: Sector) {
    for stored in &mut case.declarations {
        if let Some(denial) = denial(stored)
            && matches!(denial.scope, Some(Scope::Extensive(_)))
            && denial.sector() == sector
        {
            denial.sector = Sector::Both.into();
        }
    }
}

fn with_extensive_social_of_both(case: &mut Case) {
    extensive_of_both(case, Sector::SocialWelfare);
}

fn with_extensive_healthcare_of_both(case: &mut Case) {
    extensive_of_both(case, Sector::Healthcare);
}

fn without_withdrawals(case: &mut Case) {
    for stored in consents(case) {
        stored.withdrawn_at = None;
    }
}

fn answers(case: &Case) -> Vec<Answer> {
    let Case { directory, calendar, declarations, request, at } = case;
    let records = request.records.iter();
    records.map(|record| decide(directory, calendar, declarations, request, record, *at)).collect()
}

/// The number of cases that each branch decides.
fn decided(cases: u64) -> Vec<(&'static str, u64)> {
    let mut counts: Vec<_> = BRANCHES.iter().map(|(name, ..)| (*name, 0)).collect();
    for seed in 0..cases {
        let case = case(seed);
        let with = answers(&case);
        for ((_, remove, shows), (_, count)) in BRANCHES.iter().zip(&mut counts) {
            let mut without = case.clone();
            remove(&mut without);
            let differ = with
                .iter()
                .zip(&answers(&without))
                .any(|(with, without)| with != without && shows(with, without));
            *count += u64::from(differ);
        }
    }
    counts
}

#[test]
fn every_branch_decides_some_cases() {
    let cases = 20_000;
    let decided = decided(cases);
    for (name, count) in &decided {
        println!("{name:<48}{count:>8} of {cases}");
    }
    let few: Vec<_> = decided.into_iter().filter(|(_, count)| count * 1_000 < cases * 3).collect();
    assert_eq!(few, Vec::new());
}
