//! The state of the client's consent of one kind, for the rules that look at
//! consents and for the words when there is no basis.

use super::{Case, Finding, allocation};
use crate::policy::day::Day;
use crate::policy::declaration::ConsentKind;
use crate::policy::declared::LatestConsent;
use crate::policy::request::{Channel, ClaimKind, Conditions};
use crate::policy::verdict::{Detail, Reason};

/// A permit by the client's consent of a kind, if that consent is effective
/// and covers the record, the requester and the channel.
pub(super) fn permit(case: &Case<'_, '_>, kind: &ConsentKind<'_>, reason: Reason) -> Option<Finding> {
    let latest = covering(case, kind).ok()?;
    Some(Finding::plain(reason).by(std::iter::once(latest.place)))
}

/// A denial of access for want of a basis. The first that holds is told: a
/// claim that lacks a condition, no information, the state of the consent.
pub(super) fn no_basis(
    case: &Case<'_, '_>,
    open_claims: &[ClaimKind],
    kind: Option<&ConsentKind<'_>>,
) -> Finding {
    let missing = missing_conditions(case, open_claims);
    if !missing.is_empty() {
        return Finding { missing, ..Finding::deny(Reason::NotShareable, Detail::ClaimIncomplete) };
    }
    if !case.declared.is_informed {
        return Finding::deny(Reason::NotShareable, Detail::InformationMissing);
    }
    match kind {
        Some(kind) => not_covered(case, kind),
        None => Finding::deny(Reason::NotShareable, Detail::ConsentMissing),
    }
}

/// A denial of access with the state of the consent of a kind.
pub(super) fn not_covered(case: &Case<'_, '_>, kind: &ConsentKind<'_>) -> Finding {
    let detail = covering(case, kind).err().unwrap_or(Detail::ConsentMissing);
    let latest = case.declared.latest_consent(kind);
    Finding::deny(Reason::NotShareable, detail).by(latest.map(|latest| latest.place).into_iter())
}

/// The client's latest consent of a kind, if it covers the case; else what it lacks.
fn covering<'c, 'a>(case: &'c Case<'_, 'a>, kind: &ConsentKind<'_>) -> Result<&'c LatestConsent<'a>, Detail> {
    let latest = case.declared.latest_consent(kind).ok_or(Detail::ConsentMissing)?;
    if latest.is_withdrawn {
        return Err(Detail::ConsentWithdrawn);
    }
    if latest.is_before_information {
        return Err(Detail::ConsentBeforeInformation);
    }
    if latest.is_for_kanta_only(case.calendar) && case.situation.channel != Channel::Kanta {
        return Err(Detail::ConsentKantaOnly);
    }
    match allocation::miss(case, latest) {
        Some(detail) => Err(detail),
        None => Ok(latest),
    }
}

/// The conditions that the claims open to the requester lack.
fn missing_conditions(case: &Case<'_, '_>, open: &[ClaimKind]) -> Conditions {
    let mut missing = Conditions::none();
    for condition in case
        .situation
        .claims
        .iter()
        .filter(|claim| open.contains(&claim.kind))
        .flat_map(|claim| claim.missing.iter())
    {
        if !missing.contains(&condition) {
            missing.push(condition);
        }
    }
    missing
}

/// Whether a consent was recorded before the Act came into force, since when
/// it covers no prescriptions (000: the verbal consent ended).
pub(super) fn is_older_than_act(case: &Case<'_, '_>, latest: &LatestConsent<'_>) -> bool {
    case.today >= case.calendar.act_in_force && Day::of(latest.recorded_at) < case.calendar.act_in_force
}
