//! Across sectors, in two spaces: `xs-not-open` comes before every basis, so
//! what is open is compared with each basis alone, and where it is open every
//! basis with every other.

use lupa::wire::v1::claim::Kind;
use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::{
    AllPatientData, Cause, Channel, Claim, ClientId, ClientUnableToDecide, ConsentKind, Extensive,
    JointService, Purpose, RecordKind, RegisterKind, Role, Sector, SocialWelfareAuthority,
};

use super::choices::Choices;
use super::world::{
    DOCUMENT, Named, case, claim, consent, denial, find, information, local_consent, withdrawn,
};
use super::{exhaust, noon};
use crate::core::generator::Case;

/// To social welfare and to healthcare, of the same controller and of two; to
/// each kind of requester that the law distinguishes.
const ENDS: [(Named, Named); 8] = [
    (("county", RegisterKind::SocialWelfare), ("county", RegisterKind::PublicHealthcare)),
    (("helsinki", RegisterKind::SocialWelfare), ("private", RegisterKind::PrivateHealthcare)),
    (("state-social", RegisterKind::SocialWelfare), ("hus", RegisterKind::PublicHealthcare)),
    (("private", RegisterKind::SocialWelfare), ("private", RegisterKind::PrivateOccupational)),
    (("county", RegisterKind::PublicHealthcare), ("county", RegisterKind::SocialWelfare)),
    (("county", RegisterKind::PublicOccupational), ("helsinki", RegisterKind::SocialWelfare)),
    (("private", RegisterKind::PrivateHealthcare), ("private", RegisterKind::SocialWelfare)),
    (("defence", RegisterKind::PublicHealthcare), ("state-social", RegisterKind::SocialWelfare)),
];

fn kinds(holder: Named) -> &'static [RecordKind] {
    match holder.1 {
        RegisterKind::SocialWelfare => &[RecordKind::ClientDocument],
        _ => &[RecordKind::ServiceEventEntry, RecordKind::Prescription],
    }
}

fn direction(holder: Named) -> ConsentKind {
    match holder.1 {
        RegisterKind::SocialWelfare => ConsentKind::ClientDataToHealthcare,
        _ => ConsentKind::PatientDataToSocialWelfare,
    }
}

fn authority(data_necessary: bool) -> Claim {
    let purpose = Purpose::OrganisingServices.into();
    claim(Kind::SocialWelfareAuthority(SocialWelfareAuthority { purpose, data_necessary }))
}

fn joint_service(data_necessary: bool) -> Claim {
    claim(Kind::JointService(JointService {
        delivered_jointly: true,
        at_joint_service_point: true,
        professional_participates: true,
        data_necessary,
    }))
}

fn unable(has_legal_representative: Option<bool>) -> Claim {
    let cause = Cause::MemoryDisorder.into();
    claim(Kind::ClientUnableToDecide(ClientUnableToDecide {
        cause,
        has_legal_representative,
        data_essential: true,
    }))
}

/// The capabilities that a system may lack.
#[derive(Clone, Copy)]
enum Lacks {
    Nothing,
    Joining,
    HoldersJoining,
    AcrossSectors,
    Prescriptions,
}

#[test]
fn open_sharing() {
    exhaust("across sectors: open", 5_400, |choices| {
        use Lacks::{AcrossSectors, HoldersJoining, Joining, Nothing, Prescriptions};
        let lacks = choices.of(&[Nothing, Joining, HoldersJoining, AcrossSectors, Prescriptions]);
        let (requester, holder) = choices.of(&ENDS);
        let day = choices.of(&["2027-02-28", "2027-03-01", "2027-03-02", "2027-10-31", "2027-11-01"]);
        let mut case = case(requester, holder, choices.of(kinds(holder)), noon(day));
        let requesters = find(&mut case.directory, requester);
        match lacks {
            Nothing => {}
            Joining => requesters.joined_kanta_on.clear(),
            AcrossSectors => "2027-03-02".clone_into(&mut requesters.retrieves_across_sectors_from),
            Prescriptions => requesters.retrieves_prescriptions_from.clear(),
            HoldersJoining => find(&mut case.directory, holder).joined_kanta_on.clear(),
        }
        let channels = [Channel::Kanta, Channel::UusimaaLocalDatabase, Channel::OutsideKanta];
        case.request.channel = choices.of(&channels).into();
        case.declarations.push(information("2.0", noon("2026-01-01")));
        let basis = choices.of(&["none", "authority", "joint", "unable", "local consent", "consent"]);
        match basis {
            "authority" => case.request.claims.push(authority(true)),
            "joint" => case.request.claims.push(joint_service(true)),
            "unable" => case.request.claims.push(unable(Some(false))),
            "local consent" => case.declarations.push(local_consent(holder.0, noon("2026-02-01"))),
            "consent" => case.declarations.push(consent(direction(holder), noon("2026-02-01"))),
            _ => {}
        }
        case
    });
}

#[test]
fn every_basis() {
    exhaust("across sectors: bases", 311_040, |choices| {
        let (requester, holder) = choices.of(&ENDS);
        let at = noon(choices.of(&["2027-02-28", "2027-11-01"]));
        let mut case = case(requester, holder, choices.of(kinds(holder)), at);
        case.request.channel = choices.of(&[Channel::Kanta, Channel::OutsideKanta]).into();
        case.request.claims = claims(choices);
        // Eighteen on 1 November 2027, or long before.
        let code = choices.of(&["010181-900C", "011109A9062"]);
        case.request.client = Some(ClientId { extension: code.to_owned(), root: String::new() });
        if choices.whether() {
            case.declarations.push(information("2.0", noon("2026-01-01")));
        }
        consents(choices, requester, holder, &mut case);
        let scope = choices.of(&[
            None,
            Some((Sector::Both, Scope::Extensive(Extensive {}))),
            Some((Sector::SocialWelfare, Scope::Extensive(Extensive {}))),
            Some((Sector::Healthcare, Scope::Prescription(DOCUMENT.to_owned()))),
            Some((Sector::Healthcare, Scope::AllPatientData(AllPatientData {}))),
        ]);
        if let Some((sector, scope)) = scope {
            case.declarations.push(denial(sector, scope, &[], true, noon("2026-01-03")));
        }
        case
    });
}

/// Each not made, incomplete and complete.
fn claims(choices: &mut Choices) -> Vec<Claim> {
    let each = [
        choices.of(&[None, Some(authority(false)), Some(authority(true))]),
        choices.of(&[None, Some(joint_service(false)), Some(joint_service(true))]),
        choices.of(&[None, Some(unable(None)), Some(unable(Some(false)))]),
    ];
    each.into_iter().flatten().collect()
}

/// The direction's own, and a local one of either end.
fn consents(choices: &mut Choices, requester: Named, holder: Named, case: &mut Case) {
    let day = noon("2026-02-01");
    match choices.of(&["none", "given", "withdrawn"]) {
        "given" => case.declarations.push(consent(direction(holder), day)),
        "withdrawn" => {
            case.declarations.push(withdrawn(consent(direction(holder), day), case.at, Role::Client));
        }
        _ => {}
    }
    match choices.of(&["none", "the holder's", "the requester's, withdrawn", "another's, withdrawn"]) {
        "the holder's" => case.declarations.push(local_consent(holder.0, day)),
        "the requester's, withdrawn" => {
            case.declarations.push(withdrawn(local_consent(requester.0, day), day, Role::Client));
        }
        "another's, withdrawn" => {
            case.declarations.push(withdrawn(local_consent("uusimaa", day), day, Role::Client));
        }
        _ => {}
    }
}
