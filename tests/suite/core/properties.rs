//! Property tests of decisions on generated cases, each with the reason of its property.
//! A test counts the cases that could violate its property, and fails if they are few.

mod given;
mod linked;
mod never_panics;

use std::collections::BTreeSet;
use std::mem::take;

use chrono::{DateTime, TimeDelta, Utc};
use lupa::wire::v1::declaration::Content;
use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::{
    Declarer, Detail, Effect, Ground, Obligation, Reason, Role, StoredDeclaration, Verdict,
};
use lupa::wire::verdict::Disclosure;
use prost::Message;

use crate::core::evaluate::{cases, verdicts};
use crate::core::generator::rng::Rng;
use crate::core::generator::{Case, case, case_and_days, case_and_denial, midnight, timestamp};
use crate::core::reference::instant;

const CASES: u64 = 20_000;

/// At least one of this number of cases must be able to violate the property.
const ONE_OF: u64 = 50;

/// Counts the cases that could violate a property.
#[derive(Default)]
struct RelevantCases(u64);

impl RelevantCases {
    fn count(&mut self) {
        self.0 += 1;
    }
}

impl Drop for RelevantCases {
    fn drop(&mut self) {
        let least = cases(CASES) / ONE_OF;
        assert!(
            std::thread::panicking() || self.0 >= least,
            "only {} cases could break this, of at least {least}: the generator makes too few",
            self.0
        );
    }
}

fn detailed(case: &Case) -> Vec<Verdict> {
    verdicts(case, Disclosure::Detailed)
}

/// Compares verdicts before and after a change that must permit nothing more.
fn assert_nothing_opens(seed: u64, before: &Case, after: &Case, relevant: &mut RelevantCases) {
    for (before, after) in detailed(before).iter().zip(&detailed(after)) {
        if before.effect() == Effect::Permit {
            relevant.count();
        } else {
            assert_ne!(after.effect(), Effect::Permit, "seed {seed}: {before:?}, then {after:?}");
        }
    }
}

/// A denial restricts (002, 003): if one more denial permitted something, it would do the
/// opposite of what the client wants.
#[test]
fn adding_a_denial_permits_nothing_more() {
    let mut relevant = RelevantCases::default();
    for seed in 0..cases(CASES) {
        let (before, after) = case_and_denial(seed);
        assert_nothing_opens(seed, &before, &after, &mut relevant);
    }
}

/// A client who withdraws a consent does not permit anything by that (002, 003, 004).
#[test]
fn withdrawing_a_consent_permits_nothing_more() {
    let mut relevant = RelevantCases::default();
    for seed in 0..cases(CASES) {
        let mut rng = Rng::new(seed);
        let before = case(seed);
        let mut after = before.clone();
        let consents = after.declarations.iter_mut().filter(|stored| {
            stored.withdrawn_at.is_none() && matches!(content(stored), Content::Consent(_)) && rng.chance(60)
        });
        let mut is_changed = false;
        for consent in consents {
            let recorded_at = instant(consent.recorded_at.as_ref().unwrap());
            let until = (before.at - recorded_at).num_seconds().max(0);
            let roles = [Role::Client, Role::Guardian, Role::LegalRepresentative, Role::AuthorisedPerson];
            let role = Rng::new(seed).pick(&roles);
            consent.withdrawn_at =
                Some(timestamp(recorded_at + TimeDelta::seconds(Rng::new(seed).between(0, until))));
            consent.withdrawn_by =
                Some(Declarer { role: role.into(), name: String::new(), id: String::new() });
            is_changed = true;
        }
        if is_changed {
            assert_nothing_opens(seed, &before, &after, &mut relevant);
        }
    }
}

/// Missing data restricts: a missing date means "not ready", a missing relation permits
/// nothing.
#[test]
fn less_in_the_directory_permits_nothing_more() {
    let mut relevant = RelevantCases::default();
    for seed in 0..cases(CASES) {
        let mut rng = Rng::new(seed);
        let before = case(seed);
        let mut after = before.clone();
        for register in &mut after.directory.registers {
            let dates = [
                &mut register.joined_kanta_on,
                &mut register.shares_within_sector_from,
                &mut register.retrieves_across_sectors_from,
                &mut register.retrieves_prescriptions_from,
                &mut register.stores_declarations_from,
            ];
            dates.into_iter().filter(|_| rng.chance(15)).for_each(String::clear);
        }
        after.directory.outsourcing.retain(|_| rng.chance(70));
        for organisation in &mut after.directory.organisations {
            organisation.main_responsibility.retain(|_| rng.chance(70));
        }
        assert_nothing_opens(seed, &before, &after, &mut relevant);
    }
}

/// The access right and the relationship come before everything else (002, 003).
#[test]
fn nothing_is_permitted_without_access_right_and_ground() {
    let mut relevant = RelevantCases::default();
    for seed in 0..cases(CASES) {
        let case = case(seed);
        let permitted = detailed(&case).iter().any(|verdict| verdict.effect() == Effect::Permit);
        let mut without_right = case.clone();
        without_right.request.access_right = false;
        let mut without_ground = case;
        without_ground.request.ground = Ground::Unspecified.into();
        for without in [without_right, without_ground] {
            for verdict in detailed(&without) {
                assert_eq!(verdict.effect(), Effect::Deny, "seed {seed}: {verdict:?}");
            }
        }
        if permitted {
            relevant.count();
        }
    }
}

/// "Denials do not apply" across sectors (004), in the register's own use, in an
/// outsourced service (002) and where the law gives the right (003). Exceptions: an
/// extensive refusal (000), and a denied prescription.
#[test]
fn a_denial_changes_nothing_where_denials_do_not_apply() {
    let mut relevant = RelevantCases::default();
    for seed in 0..cases(CASES) {
        let (before, after) = case_and_denial(seed);
        let scopes = after.declarations.iter().filter(|stored| stored.id == "another-denial").map(scope);
        let reaches_across = scopes
            .into_iter()
            .any(|scope| matches!(scope, Some(Scope::Extensive(_) | Scope::Prescription(_))));
        for (before, after) in detailed(&before).iter().zip(&detailed(&after)) {
            let rule = before.details().rule.as_str();
            let is_apart = rule == "own-register"
                || rule.ends_with("-outsourced")
                || rule == "sw-statutory-right"
                || rule == "xs-authority";
            if is_apart || (rule.starts_with("xs-") && !reaches_across) {
                assert_eq!(before, after, "seed {seed}");
                relevant.count();
            }
        }
    }
}

/// A batch is a convenience of the caller: the other records and their order do not affect
/// a verdict.
#[test]
fn the_order_and_the_split_of_a_batch_change_nothing() {
    let mut relevant = RelevantCases::default();
    for seed in 0..cases(CASES) {
        let case = case(seed);
        let together = detailed(&case);
        let mut reversed = case.clone();
        reversed.request.records.reverse();
        let mut of_reversed = detailed(&reversed);
        of_reversed.reverse();
        assert_eq!(together, of_reversed, "seed {seed}");
        let mut alone = case;
        let records = take(&mut alone.request.records);
        for (record, verdict) in records.iter().zip(&together) {
            alone.request.records = vec![record.clone()];
            assert_eq!(&detailed(&alone)[0], verdict, "seed {seed}");
        }
        if records.len() > 1 {
            relevant.count();
        }
    }
}

/// Declarations count from the instant of recording. Only among those recorded at the same
/// instant the order of revisions decides.
#[test]
fn the_order_in_which_declarations_are_read_changes_nothing() {
    let mut relevant = RelevantCases::default();
    for seed in 0..cases(CASES) {
        let mut case = case(seed);
        for (number, stored) in case.declarations.iter_mut().enumerate() {
            stored.id = format!("declaration {number}");
        }
        if two_are_withdrawn_at_one_instant(&case) {
            continue;
        }
        let mut other = case.clone();
        // Stable: declarations of one instant keep their order.
        match seed % 2 {
            0 => other.declarations.sort_by_key(recorded_at),
            _ => other.declarations.sort_by_key(|stored| std::cmp::Reverse(recorded_at(stored))),
        }
        if other.declarations != case.declarations {
            relevant.count();
        }
        let without_order = |mut verdict: Verdict| {
            if let Some(details) = &mut verdict.details {
                details.declarations.sort();
            }
            verdict
        };
        let of_case: Vec<_> = detailed(&case).into_iter().map(without_order).collect();
        let of_other: Vec<_> = detailed(&other).into_iter().map(without_order).collect();
        assert_eq!(of_case, of_other, "seed {seed}");
    }
}

/// Either of two such withdrawals may be the client's last word.
fn two_are_withdrawn_at_one_instant(case: &Case) -> bool {
    let withdrawn = case.declarations.iter().filter_map(|stored| stored.withdrawn_at.as_ref().map(instant));
    let instants: Vec<_> = withdrawn.collect();
    instants.iter().collect::<BTreeSet<_>>().len() < instants.len()
}

/// A caller without entitlement cannot distinguish a denial from a missing consent (002, §8).
#[test]
fn the_public_verdict_of_a_denial_is_that_of_a_missing_consent() {
    let mut relevant = RelevantCases::default();
    for seed in 0..cases(CASES) {
        let (_, denied) = case_and_denial(seed);
        let mut without = denied.clone();
        without.declarations.retain(|stored| matches!(content(stored), Content::Information(_)));
        let details = detailed(&denied);
        let public = verdicts(&denied, Disclosure::Public);
        let public_without = verdicts(&without, Disclosure::Public);
        for ((detailed, public), without) in details.iter().zip(&public).zip(&public_without) {
            if is_denial(detailed.details().detail()) && without.reason() == Reason::NotShareable {
                assert_eq!(public.encode_to_vec(), without.encode_to_vec(), "seed {seed}: {detailed:?}");
                relevant.count();
            }
        }
    }
}

/// An obligation that depended on denials would reveal them (§6). With a
/// permit `NECESSARY_DATA_ONLY` comes, and a permit may go.
#[test]
fn obligations_do_not_depend_on_denials() {
    let mut relevant = RelevantCases::default();
    for seed in 0..cases(CASES) {
        let (_, denied) = case_and_denial(seed);
        let mut without = denied.clone();
        without.declarations.retain(|stored| !matches!(content(stored), Content::Denial(_)));
        for (denied, without) in detailed(&denied).iter().zip(&detailed(&without)) {
            let of = |verdict: &Verdict| -> BTreeSet<i32> {
                let others = verdict.obligations().filter(|one| *one != Obligation::NecessaryDataOnly);
                others.map(i32::from).collect()
            };
            assert_eq!(of(denied), of(without), "seed {seed}: {denied:?}, without: {without:?}");
            if is_denial(denied.details().detail()) && !of(denied).is_empty() {
                relevant.count();
            }
        }
    }
}

/// Every change of an answer has a cause: on that day a rule, a register or an age starts
/// or ends, or at that instant the client declares something.
#[test]
fn an_answer_changes_only_at_a_date_or_a_declaration() {
    let mut relevant = RelevantCases::default();
    for seed in 0..cases(CASES) {
        let (case, days) = case_and_days(seed);
        let mut changes: Vec<DateTime<Utc>> = days.into_iter().map(midnight).collect();
        for stored in &case.declarations {
            changes.push(recorded_at(stored));
            changes.extend(stored.withdrawn_at.as_ref().map(instant));
        }
        let year = TimeDelta::days(366);
        let from = changes.iter().copied().filter(|change| *change <= case.at).max();
        let until = changes.iter().copied().filter(|change| *change > case.at).min();
        let (from, until) = (from.unwrap_or(case.at - year), until.unwrap_or(case.at + year));
        let before = detailed(&case);
        let mut rng = Rng::new(seed);
        let seconds = (until - from).num_seconds();
        let between = from + TimeDelta::seconds(rng.between(0, seconds.max(1) - 1));
        for at in [from, between, until - TimeDelta::nanoseconds(1)] {
            let then = detailed(&Case { at, ..case.clone() });
            assert_eq!(before, then, "seed {seed}: at {} and at {at}", case.at);
        }
        if seconds > 86_400 {
            relevant.count();
        }
    }
}

fn content(stored: &StoredDeclaration) -> &Content {
    stored.declaration.as_ref().unwrap().content.as_ref().unwrap()
}

fn scope(stored: &StoredDeclaration) -> Option<&Scope> {
    match content(stored) {
        Content::Denial(denial) => denial.scope.as_ref(),
        Content::Information(_) | Content::Consent(_) => None,
    }
}

pub(crate) fn recorded_at(stored: &StoredDeclaration) -> DateTime<Utc> {
    instant(stored.recorded_at.as_ref().unwrap())
}

fn is_denial(detail: Detail) -> bool {
    detail.as_str_name().starts_with("DETAIL_DENIAL_")
}
