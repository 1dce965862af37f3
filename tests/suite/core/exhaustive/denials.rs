//! Denials: each scope, matching and not, in each sector, against each set of
//! requesters, ended by each who may and may not, over each kind of record.

use lupa::wire::v1::claim::Kind;
use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::{
    Against, AllPatientData, ConsentKind, Emergency, Extensive, RecordKind, RegisterKind, Role, Sector,
};

use super::world::{
    DOCUMENT, EVENT, Named, TASK, case, claim, consent, denial, information, organisation, register,
    withdrawn,
};
use super::{exhaust, noon};

const OF_HEALTHCARE: [(Named, Named); 6] = [
    (("uusimaa", RegisterKind::PublicHealthcare), ("hus", RegisterKind::PublicHealthcare)),
    (("private", RegisterKind::PrivateHealthcare), ("county", RegisterKind::PublicHealthcare)),
    (("county", RegisterKind::PublicOccupational), ("county", RegisterKind::PublicHealthcare)),
    (("helsinki", RegisterKind::PublicHealthcare), ("former", RegisterKind::PublicHealthcare)),
    (("uusimaa", RegisterKind::PublicOccupational), ("uusimaa", RegisterKind::PublicHealthcare)),
    (("county", RegisterKind::PublicHealthcare), ("private", RegisterKind::PrivateOccupational)),
];

const OF_SOCIAL_WELFARE: [(Named, Named); 3] = [
    (("uusimaa", RegisterKind::SocialWelfare), ("county", RegisterKind::SocialWelfare)),
    (("private", RegisterKind::SocialWelfare), ("former", RegisterKind::SocialWelfare)),
    (("county", RegisterKind::SocialWelfare), ("state-social", RegisterKind::SocialWelfare)),
];

/// Every set of them.
const AGAINST: [&[Against]; 8] = {
    use Against::{OtherProviders as Others, OwnOtherRegisters as Own, UusimaaPublicHealthcare as Uusimaa};
    [
        &[],
        &[Others],
        &[Own],
        &[Uusimaa],
        &[Others, Own],
        &[Others, Uusimaa],
        &[Own, Uusimaa],
        &[Others, Own, Uusimaa],
    ]
};

/// Each scope: matching the request, and another one.
fn scopes(holder: Named) -> Vec<Scope> {
    let elsewhere = register(("hus", RegisterKind::PublicOccupational));
    let former = register(("former", RegisterKind::PublicHealthcare));
    let texts = |is_it: bool, text: &str| if is_it { text.to_owned() } else { "another".to_owned() };
    let mut scopes = vec![
        Scope::AllPatientData(AllPatientData {}),
        Scope::Extensive(Extensive {}),
        Scope::Register(register(holder)),
        Scope::Register(elsewhere),
        Scope::Register(former),
        Scope::FormerProvider(organisation("former")),
        Scope::FormerProvider(organisation("older")),
        Scope::FormerProvider(organisation("private")),
    ];
    for is_it in [true, false] {
        scopes.extend([
            Scope::ServiceEvent(texts(is_it, EVENT)),
            Scope::ServiceTransaction(texts(is_it, EVENT)),
            Scope::Document(texts(is_it, DOCUMENT)),
            Scope::Prescription(texts(is_it, DOCUMENT)),
            Scope::ServiceTask(texts(is_it, TASK)),
        ]);
    }
    scopes
}

#[test]
fn of_healthcare() {
    exhaust("denials in healthcare", 186_624, |choices| {
        let (requester, holder) = choices.of(&OF_HEALTHCARE);
        let kinds = [RecordKind::ServiceEventEntry, RecordKind::Prescription];
        let at = noon("2026-06-01");
        let mut case = case(requester, holder, choices.of(&kinds), at);
        // From before the counties started, and after; and the original controller.
        case.request.records[0].recorded_on = choices.of(&["2022-12-31", "2023-01-01"]).to_owned();
        case.request.records[0].original_controller =
            choices.of(&[String::new(), organisation("former"), organisation("county")]);
        let scope = choices.of(&scopes(holder));
        let sector = choices.of(&[Sector::Healthcare, Sector::SocialWelfare, Sector::Both]);
        let against = choices.of(&AGAINST);
        let denial = denial(sector, scope, against, choices.whether(), noon("2022-11-30"));
        // A denial that an emergency does not lift is not lifted without one.
        let emergency = Kind::Emergency(Emergency { client_cannot_be_asked: true });
        case.request.claims = vec![claim(emergency)];
        case.declarations = vec![
            information("1.1", noon("2022-11-29")),
            consent(ConsentKind::Healthcare, noon("2024-02-01")),
            ended(denial, choices.of(&ENDED)),
        ];
        case
    });
}

#[test]
fn of_social_welfare() {
    exhaust("denials in social welfare", 8_748, |choices| {
        let (requester, holder) = choices.of(&OF_SOCIAL_WELFARE);
        let mut case = case(requester, holder, RecordKind::ClientDocument, noon("2026-06-01"));
        case.request.records[0].recorded_on = choices.of(&["2022-12-31", "2023-01-01"]).to_owned();
        let tasks: &[&str] = choices.of(&[&[][..], &[TASK], &["0202", TASK]]);
        case.request.records[0].service_tasks = tasks.iter().map(|task| (*task).to_owned()).collect();
        let scope = choices.of(&scopes(holder));
        let sector = choices.of(&[Sector::Healthcare, Sector::SocialWelfare, Sector::Both]);
        let against = choices.of(&[&[][..], &[Against::OtherProviders], &[Against::OwnOtherRegisters]]);
        let denial = denial(sector, scope, against, true, noon("2022-11-30"));
        case.declarations = vec![
            information("1.1", noon("2022-11-29")),
            consent(ConsentKind::SocialWelfare, noon("2024-02-01")),
            ended(denial, choices.of(&ENDED)),
        ];
        case
    });
}

/// Not; by the client; by someone who may not, whom a role does not name.
const ENDED: [Option<Role>; 3] = [None, Some(Role::Client), Some(Role::Guardian)];

fn ended(denial: lupa::wire::v1::StoredDeclaration, by: Option<Role>) -> lupa::wire::v1::StoredDeclaration {
    match by {
        None => denial,
        Some(role) => withdrawn(denial, noon("2025-01-01"), role),
    }
}
