//! Valid requests to record and to withdraw.

use lupa::wire::v1::declaration::Content;
use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::recorded_by::System as Recorder;
use lupa::wire::v1::{
    Against, Declaration, Denial, MyKanta, Professional, RecordDeclarationRequest, RecordedBy, RegisterKind,
    Role, Sector, StoredDeclaration, WithdrawDeclarationRequest,
};

use super::Setting;
use super::declarations::{content, declarer, given_near};
use super::directory::UNKNOWN;
use super::requests::Ends;
use super::rng::Rng;
use super::times::timestamp;
use crate::core::reference::stored_id;

pub(super) fn record(
    rng: &mut Rng,
    setting: &Setting,
    ends: &Ends,
    declarations: &[StoredDeclaration],
) -> RecordDeclarationRequest {
    let mut content = content(rng, setting, ends);
    let denials: Vec<&Denial> = declarations.iter().filter_map(denial).collect();
    if !denials.is_empty() && rng.chance(12) {
        content = Content::Denial(rng.pick(&denials).clone());
    }
    if let Content::Denial(denial) = &mut content {
        let extensive = matches!(denial.scope, Some(Scope::Extensive(_)));
        if !extensive && denial.sector() == Sector::Both {
            denial.sector = Sector::Healthcare.into();
        }
        if extensive || denial.sector() == Sector::SocialWelfare {
            denial.against = Vec::new();
            denial.allows_emergency = false;
        }
        let once_each =
            [Against::OtherProviders, Against::OwnOtherRegisters, Against::UusimaaPublicHealthcare];
        denial.against =
            once_each.into_iter().map(i32::from).filter(|against| denial.against.contains(against)).collect();
    }
    let role = role(rng);
    RecordDeclarationRequest {
        client: Some(setting.client.clone()),
        declaration: Some(Declaration { content: Some(content) }),
        given_at: given_near(rng, setting.at).map(timestamp),
        declarer: declarer(role),
        recorded_by: Some(recorded_by(rng, setting, ends)),
        idempotency_key: "key-1".to_owned(),
        wait: 0,
    }
}

pub(super) fn withdraw(
    rng: &mut Rng,
    setting: &Setting,
    ends: &Ends,
    declarations: &[StoredDeclaration],
) -> WithdrawDeclarationRequest {
    let declaration_id = if declarations.is_empty() || rng.chance(5) {
        "never-stored".to_owned()
    } else {
        let revision = rng.below(declarations.len());
        stored_id(&declarations[revision], revision)
    };
    let role = role(rng);
    WithdrawDeclarationRequest {
        client: Some(setting.client.clone()),
        declaration_id,
        declarer: declarer(role),
        recorded_by: Some(recorded_by(rng, setting, ends)),
        given_at: given_near(rng, setting.at).map(timestamp),
        idempotency_key: "key-1".to_owned(),
        wait: 0,
    }
}

fn denial(stored: &StoredDeclaration) -> Option<&Denial> {
    match stored.declaration.as_ref() {
        Some(Declaration { content: Some(Content::Denial(denial)) }) => Some(denial),
        _ => None,
    }
}

/// Always set.
fn role(rng: &mut Rng) -> Role {
    rng.weighted(&[
        (72, Role::Client),
        (11, Role::Guardian),
        (12, Role::LegalRepresentative),
        (5, Role::AuthorisedPerson),
    ])
}

fn recorded_by(rng: &mut Rng, setting: &Setting, ends: &Ends) -> RecordedBy {
    if rng.chance(40) {
        return RecordedBy { system: Some(Recorder::MyKanta(MyKanta {})) };
    }
    let any = rng.pick(&setting.directory.registers).oid;
    let wellbeing = setting.registers(&[RegisterKind::WellbeingData], None);
    let register = rng.weighted(&[
        (50, ends.requester.clone()),
        (40, any),
        (2, UNKNOWN.to_owned()),
        (2, wellbeing[0].clone()),
    ]);
    let controller = match setting.controller(&register) {
        none if none.is_empty() => UNKNOWN.to_owned(),
        controller => controller,
    };
    let organisation = rng.weighted(&[
        (80, controller),
        (15, super::directory::organisation_oid(9)),
        (4, UNKNOWN.to_owned()),
    ]);
    RecordedBy {
        system: Some(Recorder::Professional(Professional {
            register,
            organisation,
            professional: "professional-1".to_owned(),
        })),
    }
}
