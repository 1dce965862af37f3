//! The state of the client's consent of one kind: a permit of the rules on
//! consent, and the detail if there is no basis.

mod account;

use super::{Case, Finding, Sharing, allocation};
use crate::declaration::ConsentKind;
use crate::declared::LatestConsent;
use crate::request::{Channel, ClaimKind, Conditions};
use crate::verdict::{Detail, Reason};

pub(super) use account::{account, account_of_information, account_of_no_basis};

/// A permit by the client's consent of a kind, if the consent is effective. For
/// the kinds that cannot be allocated, which cover every record of their direction.
pub(super) fn permit(sharing: &Sharing<'_, '_>, kind: &ConsentKind<'_>, reason: Reason) -> Option<Finding> {
    standing(sharing, kind).ok().map(|latest| permitted_by(latest, reason))
}

/// A permit by the client's consent of a kind, if the consent is effective and
/// covers the record and the requester.
pub(super) fn permit_covered(case: &Case<'_, '_>, kind: &ConsentKind<'_>, reason: Reason) -> Option<Finding> {
    covering(case, kind).ok().map(|latest| permitted_by(latest, reason))
}

/// A denial of access because nothing gives a basis. The detail is the first that
/// applies: a claim that lacks a condition, no information, the state of the consent.
pub(super) fn no_basis(
    sharing: &Sharing<'_, '_>,
    open_claims: &[ClaimKind],
    consent: impl FnOnce() -> Finding,
) -> Finding {
    let missing = missing_conditions(sharing, open_claims);
    if !missing.is_empty() {
        return Finding { missing, ..Finding::deny(Reason::NotShareable, Detail::ClaimIncomplete) };
    }
    if !sharing.declared.is_informed {
        return Finding::deny(Reason::NotShareable, Detail::InformationMissing);
    }
    consent()
}

/// A denial of access with the state of the consent of a kind that cannot be allocated.
pub(super) fn not_standing(sharing: &Sharing<'_, '_>, kind: &ConsentKind<'_>) -> Finding {
    lacking(sharing, kind, standing(sharing, kind).err())
}

/// A denial of access with the state of the consent of a kind, or with the first
/// dimension that does not cover the case.
pub(super) fn not_covered(case: &Case<'_, '_>, kind: &ConsentKind<'_>) -> Finding {
    lacking(case.sharing, kind, covering(case, kind).err())
}

fn permitted_by(latest: &LatestConsent<'_>, reason: Reason) -> Finding {
    Finding::plain(reason).by(std::iter::once(latest.place()))
}

fn lacking(sharing: &Sharing<'_, '_>, kind: &ConsentKind<'_>, lacks: Option<Detail>) -> Finding {
    let latest = sharing.declared.consents.latest(kind);
    Finding::deny(Reason::NotShareable, lacks.unwrap_or(Detail::ConsentMissing))
        .by(latest.map(LatestConsent::place).into_iter())
}

/// The client's latest consent of a kind, if it covers the case; otherwise the
/// reason why not.
fn covering<'c, 'a>(case: &'c Case<'_, 'a>, kind: &ConsentKind<'_>) -> Result<&'c LatestConsent<'a>, Detail> {
    let latest = standing(case.sharing, kind)?;
    match allocation::miss(case, latest) {
        Some(detail) => Err(detail),
        None => Ok(latest),
    }
}

/// The client's latest consent of a kind, if it is effective on this channel and
/// its allocation, if any, is offered; otherwise the reason why not.
fn standing<'c, 'a>(
    sharing: &'c Sharing<'_, 'a>,
    kind: &ConsentKind<'_>,
) -> Result<&'c LatestConsent<'a>, Detail> {
    let latest = sharing.declared.consents.latest(kind).ok_or(Detail::ConsentMissing)?;
    if latest.is_withdrawn() {
        return Err(Detail::ConsentWithdrawn);
    }
    if latest.is_before_information {
        return Err(Detail::ConsentBeforeInformation);
    }
    if latest.is_for_kanta_only(sharing.calendar) && sharing.situation.channel != Channel::Kanta {
        return Err(Detail::ConsentKantaOnly);
    }
    match allocation::voided(sharing, latest) {
        Some(detail) => Err(detail),
        None => Ok(latest),
    }
}

/// The conditions that the claims open to the requester lack.
fn missing_conditions(sharing: &Sharing<'_, '_>, open: &[ClaimKind]) -> Conditions {
    let mut missing = Conditions::none();
    for condition in sharing
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
