//! Domain §3, claims: for each claim of a type, whether it is complete.

use lupa::wire::v1::claim::Kind;
use lupa::wire::v1::{Cause, DecideRequest, Purpose};

pub(super) fn statutory_right(request: &DecideRequest) -> Vec<bool> {
    each(request, |claim| match claim {
        Kind::StatutoryRight(right) => Some(!right.provision.is_empty()),
        Kind::SocialWelfareAuthority(_)
        | Kind::JointService(_)
        | Kind::ClientUnableToDecide(_)
        | Kind::Emergency(_) => None,
    })
}

pub(super) fn social_welfare_authority(request: &DecideRequest) -> Vec<bool> {
    each(request, |claim| match claim {
        Kind::SocialWelfareAuthority(authority) => {
            Some(authority.purpose() != Purpose::Unspecified && authority.data_necessary)
        }
        Kind::StatutoryRight(_)
        | Kind::JointService(_)
        | Kind::ClientUnableToDecide(_)
        | Kind::Emergency(_) => None,
    })
}

pub(super) fn joint_service(request: &DecideRequest) -> Vec<bool> {
    each(request, |claim| match claim {
        Kind::JointService(service) => Some(
            service.delivered_jointly
                && service.at_joint_service_point
                && service.professional_participates
                && service.data_necessary,
        ),
        Kind::StatutoryRight(_)
        | Kind::SocialWelfareAuthority(_)
        | Kind::ClientUnableToDecide(_)
        | Kind::Emergency(_) => None,
    })
}

/// "A condition that must be absent is told explicitly: unset is not false."
pub(super) fn client_unable_to_decide(request: &DecideRequest) -> Vec<bool> {
    each(request, |claim| match claim {
        Kind::ClientUnableToDecide(unable) => Some(
            unable.cause() != Cause::Unspecified
                && unable.has_legal_representative == Some(false)
                && unable.data_essential,
        ),
        Kind::StatutoryRight(_)
        | Kind::SocialWelfareAuthority(_)
        | Kind::JointService(_)
        | Kind::Emergency(_) => None,
    })
}

pub(super) fn emergency(request: &DecideRequest) -> Vec<bool> {
    each(request, |claim| match claim {
        Kind::Emergency(emergency) => Some(emergency.client_cannot_be_asked),
        Kind::StatutoryRight(_)
        | Kind::SocialWelfareAuthority(_)
        | Kind::JointService(_)
        | Kind::ClientUnableToDecide(_) => None,
    })
}

fn each(request: &DecideRequest, complete: fn(&Kind) -> Option<bool>) -> Vec<bool> {
    let claims = request.claims.iter();
    claims.filter_map(|claim| complete(claim.kind.as_ref().unwrap())).collect()
}
