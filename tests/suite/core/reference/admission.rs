//! Domain §4 and §7: what may be recorded and withdrawn, by whom.
//!
//! The checks stand in the order of the codes in api.md; the first that fails is returned.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use lupa::wire::v1::declaration::Content;
use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::recorded_by::System as Recorder;
use lupa::wire::v1::{
    Consent, ConsentKind, Denial, Directory, Notice, OrganisationKind, RecordDeclarationRequest, RecordedBy,
    Register, RegisterKind, Role, Sector, StoredDeclaration, WithdrawDeclarationRequest,
};
use pbjson_types::Timestamp;

use super::calendar::{Calendar, day, instant};
use super::consents;
use super::consents::{acts, allocation_not_offered, giving, last_act};
use super::declarers::{
    Standing, may_give_consent, may_set_denial, may_withdraw_consent, may_withdraw_denial, standing,
};
use super::denials::{carries_conditions, has_ended, in_force};
use super::directory::{Side, has_kind, merged_into, organisation, register, side, stores_declarations};
use super::information::{concerns, must_inform, version, was_informed_before, was_valid};
use super::world::{Place, Recorded, World, content};

/// How far ahead a recorder's clock may be.
const CLOCK_AHEAD: TimeDelta = TimeDelta::seconds(5);

/// The notices, or the code of the refusal, of a request that can be read.
pub(crate) fn admit(
    directory: &Directory,
    calendar: &Calendar,
    declarations: &[StoredDeclaration],
    request: &RecordDeclarationRequest,
    at: DateTime<Utc>,
) -> Result<Vec<Notice>, &'static str> {
    let world = World { directory, calendar, declarations, client: request.client.as_ref().unwrap(), at };
    let recorded_by = request.recorded_by.as_ref().unwrap();
    let role = request.declarer.as_ref().unwrap().role();
    let declaration = request.declaration.as_ref().unwrap();
    let declaration = declaration.content.as_ref().unwrap();

    let given_on = given_on(request.given_at.as_ref(), at)?;
    let register = admit_recorder(&world, recorded_by, declaration)?;
    require(may_declare(&world, declaration, recorded_by, role, given_on), "DECLARER_NOT_ALLOWED")?;
    match declaration {
        Content::Information(information) => {
            let (_, version) =
                version(calendar, &information.version).ok_or("INFORMATION_VERSION_UNKNOWN")?;
            require(
                version.valid_from.is_none_or(|from| from <= given_on),
                "INFORMATION_VERSION_NOT_RELEASED",
            )?;
            require(was_valid(version, given_on), "INFORMATION_VERSION_ENDED")?;
        }
        Content::Consent(consent) => admit_consent(&world, consent, given_on)?,
        Content::Denial(denial) => admit_denial(&world, denial, given_on)?,
    }

    let received = match declaration {
        Content::Information(information) => Some(information.version.as_str()),
        Content::Consent(_) | Content::Denial(_) => None,
    };
    let mut notices = notices(&world, given_on, register, received);
    notices.extend(match declaration {
        Content::Information(_) => None,
        Content::Consent(consent) => what_becomes(&world, consent, given_on),
        Content::Denial(denial) => is_denied_already(&world, denial).then_some(Notice::AlreadyDenied),
    });
    Ok(notices)
}

/// As [`admit`], to end a declaration.
pub(crate) fn admit_withdrawal(
    directory: &Directory,
    calendar: &Calendar,
    declarations: &[StoredDeclaration],
    request: &WithdrawDeclarationRequest,
    at: DateTime<Utc>,
) -> Result<Vec<Notice>, &'static str> {
    let world = World { directory, calendar, declarations, client: request.client.as_ref().unwrap(), at };
    let recorded = world
        .recorded()
        .into_iter()
        .find(|recorded| stored_id(recorded.stored, recorded.place.revision) == request.declaration_id)
        .ok_or("NOT_FOUND")?;
    let declaration = content(recorded.stored);
    let role = request.declarer.as_ref().unwrap().role();

    let given_on = given_on(request.given_at.as_ref(), at)?;
    require(recorded.given_on() <= given_on, "WITHDRAWAL_BEFORE_DECLARATION")?;
    let recorded_by = request.recorded_by.as_ref().unwrap();
    let register = admit_recorder(&world, recorded_by, declaration)?;
    require(may_withdraw(&world, &recorded, role, recorded_by), "DECLARER_NOT_ALLOWED")?;
    let has_ended = match declaration {
        Content::Information(_) => return Err("INFORMATION_CANNOT_BE_WITHDRAWN"),
        Content::Consent(consent) => is_over(&world, &recorded, consent),
        // A withdrawal that ends nothing has ended nothing.
        Content::Denial(_) => has_ended(&world, &recorded),
    };
    require(!has_ended, "ALREADY_WITHDRAWN")?;
    let mut notices = notices(&world, given_on, register, None);
    let still_denied = match declaration {
        Content::Denial(denial) => is_denied_still(&world, &recorded, denial),
        Content::Information(_) | Content::Consent(_) => false,
    };
    notices.extend(still_denied.then_some(Notice::StillDenied));
    Ok(notices)
}

/// "A recorder's clock may be ahead by a little": then it is the instant of recording.
fn given_on(given_at: Option<&Timestamp>, at: DateTime<Utc>) -> Result<NaiveDate, &'static str> {
    let given_at = given_at.map_or(at, instant);
    require(given_at <= at + CLOCK_AHEAD, "GIVEN_IN_FUTURE")?;
    Ok(day(given_at.min(at)))
}

/// "Judged on the day the withdrawal is recorded", of late entries too.
fn may_withdraw(world: &World, recorded: &Recorded, role: Role, recorded_by: &RecordedBy) -> bool {
    let on = world.today();
    match content(recorded.stored) {
        Content::Information(_) => role == Role::Client,
        Content::Consent(_) => may_withdraw_consent(world.client, recorded, role, on),
        Content::Denial(_) => {
            // For a minor "through a professional".
            let in_the_way =
                matches!(standing(world.client, role, on), Standing::ForMinor) && is_my_kanta(recorded_by);
            may_withdraw_denial(world.client, recorded, role, on) && !in_the_way
        }
    }
}

fn is_my_kanta(recorded_by: &RecordedBy) -> bool {
    matches!(recorded_by.system, Some(Recorder::MyKanta(_)))
}

/// Unset, an id is `declaration-N`, its place in the list from 1.
pub(crate) fn stored_id(stored: &StoredDeclaration, revision: usize) -> String {
    if stored.id.is_empty() {
        return format!("declaration-{}", revision + 1);
    }
    stored.id.clone()
}

fn require(holds: bool, code: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(code) }
}

/// The professional's register; `None`: MyKanta.
fn admit_recorder<'a>(
    world: &World<'a>,
    recorded_by: &RecordedBy,
    declaration: &Content,
) -> Result<Option<&'a Register>, &'static str> {
    let professional = match recorded_by.system.as_ref().unwrap() {
        Recorder::MyKanta(_) => return Ok(None),
        Recorder::Professional(professional) => professional,
    };
    let register = register(world.directory, &professional.register).ok_or("RECORDER_UNKNOWN")?;
    organisation(world.directory, &professional.organisation).ok_or("RECORDER_UNKNOWN")?;
    // A register of wellbeing data is in no sector, and nothing is recorded for it.
    let sectors = sectors(declaration);
    require(sectors.contains(&side(register)), "RECORDER_SECTOR_NOT_ALLOWED")?;
    require(stores_declarations(register, world.today()), "RECORDER_NOT_READY")?;
    Ok(Some(register))
}

/// Whose professionals may record it.
fn sectors(declaration: &Content) -> Vec<Side> {
    let either = vec![Side::Healthcare, Side::SocialWelfare];
    match declaration {
        Content::Information(_) => either,
        Content::Consent(consent) => match consent.kind() {
            ConsentKind::Healthcare | ConsentKind::VerbalPrescription => vec![Side::Healthcare],
            ConsentKind::SocialWelfare => vec![Side::SocialWelfare],
            ConsentKind::PatientDataToSocialWelfare
            | ConsentKind::ClientDataToHealthcare
            | ConsentKind::WellbeingData
            | ConsentKind::LocalCrossSector => either,
            ConsentKind::Unspecified => panic!("such a consent is refused"),
        },
        Content::Denial(denial) => match denial.sector() {
            Sector::Healthcare => vec![Side::Healthcare],
            Sector::SocialWelfare => vec![Side::SocialWelfare],
            Sector::Both => either,
            Sector::Unspecified => panic!("such a denial is refused"),
        },
    }
}

fn may_declare(
    world: &World,
    declaration: &Content,
    recorded_by: &RecordedBy,
    role: Role,
    given_on: NaiveDate,
) -> bool {
    match declaration {
        // "Another person authorised in MyKanta": there, and not with a professional.
        Content::Information(_) => match standing(world.client, role, given_on) {
            Standing::Client | Standing::ForMinor | Standing::ForAdult => true,
            Standing::Authorised => is_my_kanta(recorded_by),
            Standing::Nobody => false,
        },
        Content::Consent(consent) => may_give_consent(world.client, consent.kind(), role, given_on),
        Content::Denial(denial) => {
            may_set_denial(world.client, denial, role, is_my_kanta(recorded_by), given_on)
        }
    }
}

fn admit_consent(world: &World, consent: &Consent, given_on: NaiveDate) -> Result<(), &'static str> {
    // Imported history only, so that it is not recorded before the Act either.
    let has_ended = consent.kind() == ConsentKind::VerbalPrescription;
    let now = Place { recorded_at: world.at, revision: world.declarations.len() };
    require(has_ended || was_informed_before(world, now, given_on), "INFORMATION_REQUIRED")?;
    require(!has_ended, "CONSENT_KIND_ENDED")?;
    require(allocation_not_offered(world.directory, consent).is_none(), "CONSENT_ALLOCATION_NOT_ALLOWED")
}

fn admit_denial(world: &World, denial: &Denial, given_on: NaiveDate) -> Result<(), &'static str> {
    let directory = world.directory;
    let register_kind = |oid: &str| register(directory, oid).map(Register::kind);
    let is_listed = match (denial.sector(), denial.scope.as_ref().unwrap()) {
        (
            Sector::Healthcare,
            Scope::AllPatientData(_) | Scope::ServiceEvent(_) | Scope::Prescription(_),
        ) => true,
        // A former provider's is a public one's too, until it has merged.
        (Sector::Healthcare, Scope::Register(oid)) => {
            matches!(
                register_kind(oid),
                Some(
                    RegisterKind::PublicHealthcare
                        | RegisterKind::PublicOccupational
                        | RegisterKind::PrivateOccupational
                )
            ) && !had_merged(world, oid, given_on)
        }
        // "Imported history" may be recorded late, of a former provider of the directory.
        (Sector::Healthcare, Scope::FormerProvider(oid)) => {
            has_kind(directory, oid, &[OrganisationKind::FormerPublic])
                && given_on < world.calendar.counties_begin
        }
        (Sector::SocialWelfare, Scope::Register(oid)) => {
            register_kind(oid) == Some(RegisterKind::SocialWelfare) && !had_merged(world, oid, given_on)
        }
        (
            Sector::SocialWelfare,
            Scope::ServiceTransaction(_) | Scope::Document(_) | Scope::ServiceTask(_),
        )
        // Healthcare's own is all patient data.
        | (Sector::Both | Sector::SocialWelfare, Scope::Extensive(_)) => true,
        _ => false,
    };
    require(is_listed, "DENIAL_SCOPE_NOT_ALLOWED")?;
    let extensive = matches!(denial.scope, Some(Scope::Extensive(_)));
    // "Until its setting has a date", and that day has come.
    let open = world.calendar.extensive_refusal_from.is_some_and(|from| from <= world.today());
    require(!extensive || open, "EXTENSIVE_REFUSAL_NOT_OPEN")
}

/// "Of that kind and controller" for local consents, of that kind for others.
fn controller(consent: &Consent) -> Option<&str> {
    (consent.kind() == ConsentKind::LocalCrossSector).then_some(consent.controller.as_str())
}

/// A merged register's data file is the successor's from its first day on.
fn had_merged(world: &World, oid: &str, given_on: NaiveDate) -> bool {
    register(world.directory, oid)
        .is_some_and(|register| !merged_into(world, &register.controller, given_on).is_empty())
}

/// Superseded, or in the place of one that was in force, "effective or not".
fn what_becomes(world: &World, consent: &Consent, given_on: NaiveDate) -> Option<Notice> {
    let revision = world.declarations.len();
    let giving = consents::Standing { given_on, recorded_at: world.at, is_withdrawal: false, revision };
    let last = last_act(world, consent.kind(), controller(consent))?.standing;
    if last > giving {
        Some(Notice::Superseded)
    } else {
        (!last.is_withdrawal).then_some(Notice::ConsentReplaced)
    }
}

/// "Withdrawn, replaced or superseded": there is a later act. So is one given by
/// someone not entitled, once the client has spoken after it.
fn is_over(world: &World, recorded: &Recorded, consent: &Consent) -> bool {
    let giving = giving(recorded);
    acts(world, consent.kind(), controller(consent)).iter().any(|act| act.standing > giving)
}

/// "An equal one (sector, scope, against, emergency allowance) is in force."
fn is_denied_already(world: &World, denial: &Denial) -> bool {
    in_force(world).into_iter().any(|(_, other)| {
        other.sector() == denial.sector()
            && other.scope == denial.scope
            && conditions(other) == conditions(denial)
    })
}

/// Whom it is against and whether it allows an emergency, where it carries that.
fn conditions(denial: &Denial) -> (BTreeSet<i32>, bool) {
    if !carries_conditions(denial) {
        return (BTreeSet::new(), false);
    }
    (denial.against.iter().copied().collect(), denial.allows_emergency)
}

/// "Another denial of the same scope, of the same sector or of both, is in force."
fn is_denied_still(world: &World, withdrawn: &Recorded, denial: &Denial) -> bool {
    in_force(world).into_iter().any(|(recorded, other)| {
        recorded.place != withdrawn.place
            && other.scope == denial.scope
            && (other.sector() == denial.sector() || other.sector() == Sector::Both)
    })
}

fn notices(
    world: &World,
    given_on: NaiveDate,
    register: Option<&Register>,
    received: Option<&str>,
) -> Vec<Notice> {
    let mut notices = Vec::new();
    if given_on < world.today() {
        notices.push(Notice::LateEntry);
    }
    if must_inform(world, received) && concerns(world, register) {
        notices.push(Notice::ProvideInformation);
    }
    notices
}
