//! Claims across sectors: legal grounds instead of consent, for necessary data
//! only (004).

use smallvec::SmallVec;

use super::super::account::named_organisation;
use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, sources};
use super::consent_of_direction;
use crate::declaration::ConsentKind;
use crate::directory::{Organisation, OrganisationKind};
use crate::request::ClaimKind;
use crate::verdict::Reason;
use crate::words::Word;

pub(super) static XS_AUTHORITY: Rule = Rule {
    id: "xs-authority",
    title: "A public social-welfare organiser's right to necessary patient data",
    sources: &[&sources::PAGE_004],
    in_force: Period::ALWAYS,
    dates: &[],
    reasons: &[Reason::StatutoryRight],
    find: Find::BySharing(find_authority),
    account: account_of_authority,
};

pub(super) static XS_JOINT_SERVICE: Rule = Rule {
    id: "xs-joint-service",
    title: "A joint service of social welfare and healthcare",
    sources: &[&sources::PAGE_004],
    in_force: Period::ALWAYS,
    dates: &[],
    reasons: &[Reason::JointService],
    find: Find::BySharing(find_joint_service),
    account: account_of_joint_service,
};

pub(super) static XS_UNABLE: Rule = Rule {
    id: "xs-unable",
    title: "An adult client who is unable to decide and has not withdrawn consent",
    sources: &[&sources::PAGE_004],
    in_force: Period::ALWAYS,
    dates: &[],
    reasons: &[Reason::ClientUnableToDecide],
    find: Find::BySharing(find_unable),
    account: account_of_unable,
};

/// The claims that are open to the requester in this direction. Other claims are ignored.
pub(super) fn open_claims(sharing: &Sharing<'_, '_>) -> SmallVec<[ClaimKind; 3]> {
    let mut open = SmallVec::new();
    open.push(ClaimKind::JointService);
    open.extend(is_authority(sharing).then_some(ClaimKind::SocialWelfareAuthority));
    open.extend(is_adult(sharing).then_some(ClaimKind::ClientUnableToDecide));
    open
}

fn find_authority(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    let is_right = is_authority(sharing) && sharing.has_complete_claim(ClaimKind::SocialWelfareAuthority);
    is_right.then(|| Finding::necessary_data_only(Reason::StatutoryRight))
}

fn find_joint_service(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    sharing
        .has_complete_claim(ClaimKind::JointService)
        .then(|| Finding::necessary_data_only(Reason::JointService))
}

fn find_unable(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    let is_unable = sharing.has_complete_claim(ClaimKind::ClientUnableToDecide)
        && is_adult(sharing)
        && !was_last_act_withdrawal(sharing);
    is_unable.then(|| Finding::necessary_data_only(Reason::ClientUnableToDecide))
}

/// Whether patient data is requested by a public social-welfare organiser: a county
/// or the City of Helsinki, but no private provider and no state unit.
fn is_authority(sharing: &Sharing<'_, '_>) -> bool {
    sharing.is_of_patient_data()
        && matches!(
            sharing.requester.controller.kind,
            OrganisationKind::WellbeingServicesCounty | OrganisationKind::CityOfHelsinki
        )
}

/// Whether the client is known to be an adult. A minor has a guardian.
fn is_adult(sharing: &Sharing<'_, '_>) -> bool {
    sharing.client.is_minor_on(sharing.today) == Some(false)
}

/// Whether the client's last act on a kind of consent that opens this direction,
/// its own or a local one of either end, was a withdrawal: then the client's will
/// is known, and to give one kind does not undo the withdrawal of another.
fn was_last_act_withdrawal<'c>(sharing: &Sharing<'c, '_>) -> bool {
    let Sharing { requester, holder, .. } = sharing;
    let local = |controller: &'c Organisation| {
        let controller = controller.oid.borrowed();
        ConsentKind::LocalCrossSector { controller }
    };
    let opening = [consent_of_direction(sharing), local(requester.controller), local(holder.controller)];
    sharing.declared.consents.was_last_withdrawn(&opening)
}

fn account_of_authority(case: &Case<'_, '_>) -> Account {
    let sharing = case.sharing;
    let account =
        Account::default().claim(sharing, ClaimKind::SocialWelfareAuthority, "a social-welfare authority");
    let kind = sharing.requester.controller.kind.word();
    let is_open = is_authority(sharing);
    let is = if is_open { "is" } else { "is not" };
    account.fact("requester.controller_kind", kind).fact("claim.open", is_open).say(format!(
        "that claim {is} open to a register of {} in this direction",
        named_organisation(sharing.requester.controller)
    ))
}

fn account_of_joint_service(case: &Case<'_, '_>) -> Account {
    Account::default().claim(case.sharing, ClaimKind::JointService, "a joint service")
}

fn account_of_unable(case: &Case<'_, '_>) -> Account {
    let sharing = case.sharing;
    let account = Account::default().claim(
        sharing,
        ClaimKind::ClientUnableToDecide,
        "a client who is unable to decide",
    );
    let is_minor = sharing.client.is_minor_on(sharing.today);
    let account = account.fact("client.is_minor", is_minor).say(match is_minor {
        Some(true) => "the client is a minor",
        Some(false) => "the client is an adult",
        None => "the client's age is not known",
    });
    let withdrew = was_last_act_withdrawal(sharing);
    let account = account.fact("consent.last_act_was_withdrawal", withdrew);
    if withdrew {
        account.say("the client's last act on a consent that opens this direction was to withdraw it")
    } else {
        account
    }
}
