//! Effects of the day on which a declaration was given.

use chrono::DateTime;
use chrono::Utc;
use lupa::wire::v1::StoredDeclaration;
use lupa::wire::v1::declaration::Content;
use pbjson_types::Timestamp;

use super::{CASES, RelevantCases, assert_nothing_opens, content, detailed};
use crate::core::evaluate::cases;
use crate::core::generator::case;
use crate::core::reference::{day, instant};

/// To carry denials over restricts what its successor's files open (002).
#[test]
fn denials_carried_over_permit_nothing_more() {
    let mut relevant = RelevantCases::default();
    for seed in 0..cases(CASES) {
        let mut before = case(seed);
        before.directory.organisations.iter_mut().for_each(|one| one.carries_former_denials = false);
        let mut after = before.clone();
        after.directory.organisations.iter_mut().for_each(|one| one.carries_former_denials = true);
        assert_nothing_opens(seed, &before, &after, &mut relevant);
    }
}

/// A recorder's clock that is ahead must not order a declaration after a later one (§7).
#[test]
fn time_given_after_recording_counts_as_time_of_recording() {
    let mut relevant = RelevantCases::default();
    for seed in 0..cases(CASES) {
        let case = case(seed);
        let mut clamped = case.clone();
        for stored in &mut clamped.declarations {
            clamp(&mut stored.given_at, stored.recorded_at.as_ref());
            clamp(&mut stored.withdrawal_given_at, stored.withdrawn_at.as_ref());
        }
        if clamped.declarations != case.declarations {
            relevant.count();
        }
        assert_eq!(detailed(&case), detailed(&clamped), "seed {seed}");
    }
}

fn clamp(given_at: &mut Option<Timestamp>, recorded_at: Option<&Timestamp>) {
    let at = |timestamp: &Timestamp| -> DateTime<Utc> { instant(timestamp) };
    if given_at.as_ref().map(at) > recorded_at.map(at) {
        *given_at = recorded_at.copied();
    }
}

/// A withdrawal given before the consent was ends it as if given on that day, and
/// one given before the denial was ends nothing (§4).
#[test]
fn a_withdrawal_given_too_early_ends_a_consent_and_no_denial() {
    let mut relevant = RelevantCases::default();
    for seed in 0..cases(CASES) {
        let case = case(seed);
        let mut other = case.clone();
        for stored in other.declarations.iter_mut().filter(|stored| is_withdrawn_too_early(stored)) {
            match content(stored) {
                Content::Consent(_) => stored.withdrawal_given_at = Some(given_at(stored)),
                Content::Denial(_) => {
                    (stored.withdrawn_at, stored.withdrawn_by, stored.withdrawal_given_at) =
                        (None, None, None);
                }
                Content::Information(_) => {}
            }
        }
        if other.declarations != case.declarations {
            relevant.count();
        }
        assert_eq!(detailed(&case), detailed(&other), "seed {seed}");
    }
}

fn given_at(stored: &StoredDeclaration) -> Timestamp {
    let recorded_at = stored.recorded_at.unwrap();
    let given_at = stored.given_at.unwrap_or(recorded_at);
    if instant(&given_at) > instant(&recorded_at) { recorded_at } else { given_at }
}

fn is_withdrawn_too_early(stored: &StoredDeclaration) -> bool {
    let given_on = day(instant(&given_at(stored)));
    stored.withdrawal_given_at.as_ref().is_some_and(|withdrawn| day(instant(withdrawn)) < given_on)
}

/// The label is only shown to the client (§4).
#[test]
fn the_label_of_a_denial_changes_nothing() {
    let mut relevant = RelevantCases::default();
    for seed in 0..cases(CASES) {
        let case = case(seed);
        let mut labelled = case.clone();
        for stored in &mut labelled.declarations {
            if let Content::Denial(denial) = stored.declaration.as_mut().unwrap().content.as_mut().unwrap() {
                denial.label = "the other visit".to_owned();
                relevant.count();
            }
        }
        assert_eq!(detailed(&case), detailed(&labelled), "seed {seed}");
    }
}
