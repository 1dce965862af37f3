//! Domain §4 and §7: what may be recorded and withdrawn, by whom.
//!
//! The checks stand in the order of the codes in api.md; the first that fails is told.

use chrono::DateTime;
use chrono::NaiveDate;
use chrono::Utc;
use lupa::wire::v1::Consent;
use lupa::wire::v1::ConsentKind;
use lupa::wire::v1::Denial;
use lupa::wire::v1::Directory;
use lupa::wire::v1::Notice;
use lupa::wire::v1::OrganisationKind;
use lupa::wire::v1::RecordRequest;
use lupa::wire::v1::RecordedBy;
use lupa::wire::v1::Register;
use lupa::wire::v1::RegisterKind;
use lupa::wire::v1::Role;
use lupa::wire::v1::Sector;
use lupa::wire::v1::StoredDeclaration;
use lupa::wire::v1::WithdrawRequest;
use lupa::wire::v1::declaration::Declaration as Content;
use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::recorded_by::RecordedBy as Recorder;

use super::calendar::Calendar;
use super::calendar::day;
use super::calendar::instant;
use super::consents::allocation_not_offered;
use super::consents::latest;
use super::consents::of_kind;
use super::declarers::Standing;
use super::declarers::may_give_consent;
use super::declarers::may_set_denial;
use super::declarers::may_withdraw_denial;
use super::declarers::standing;
use super::directory::Side;
use super::directory::has_kind;
use super::directory::organisation;
use super::directory::register;
use super::directory::side;
use super::directory::stores_declarations;
use super::information::concerns;
use super::information::must_inform;
use super::information::version;
use super::information::was_informed_before;
use super::world::Place;
use super::world::Recorded;
use super::world::World;
use super::world::content;

/// The notices, or the code of the refusal, of a request that can be read.
pub(crate) fn admit(
    directory: &Directory,
    calendar: &Calendar,
    declarations: &[StoredDeclaration],
    request: &RecordRequest,
    at: DateTime<Utc>,
) -> Result<Vec<Notice>, &'static str> {
    let world = World { directory, calendar, declarations, client: request.client.as_ref().unwrap(), at };
    let recorded_by = request.recorded_by.as_ref().unwrap();
    let role = request.declarer.as_ref().unwrap().role();
    let declaration = request.declaration.as_ref().unwrap();
    let declaration = declaration.declaration.as_ref().unwrap();

    let given_at = request.given_at.as_ref().map_or(at, instant);
    require(given_at <= at, "GIVEN_IN_FUTURE")?;
    let given_on = day(given_at);
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
        }
        Content::Consent(consent) => admit_consent(&world, consent)?,
        Content::Denial(denial) => admit_denial(&world, denial, given_on)?,
    }

    let received = match declaration {
        Content::Information(information) => Some(information.version.as_str()),
        Content::Consent(_) | Content::Denial(_) => None,
    };
    let replaces = match declaration {
        Content::Consent(consent) => replaces(&world, consent),
        Content::Information(_) | Content::Denial(_) => false,
    };
    let mut notices = notices(&world, given_on, register, received);
    notices.extend(replaces.then_some(Notice::ConsentReplaced));
    Ok(notices)
}

/// As [`admit`], to end a declaration.
pub(crate) fn admit_withdrawal(
    directory: &Directory,
    calendar: &Calendar,
    declarations: &[StoredDeclaration],
    request: &WithdrawRequest,
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

    let given_at = request.given_at.as_ref().map_or(at, instant);
    require(given_at <= at, "GIVEN_IN_FUTURE")?;
    let given_on = day(given_at);
    let register = admit_recorder(&world, request.recorded_by.as_ref().unwrap(), declaration)?;
    // On the day it is given (§7), and on the day it is recorded: by that one it is judged once stored (§4).
    for on in [given_on, world.today()] {
        let may_withdraw = match declaration {
            Content::Information(_) => role == Role::Client,
            Content::Consent(_) => may_give_consent(world.client, role, on),
            Content::Denial(_) => may_withdraw_denial(world.client, &recorded, role, on),
        };
        require(may_withdraw, "DECLARER_NOT_ALLOWED")?;
    }
    let has_ended = match declaration {
        Content::Information(_) => return Err("INFORMATION_CANNOT_BE_WITHDRAWN"),
        Content::Consent(consent) => {
            recorded.withdrawn_at(at).is_some() || is_replaced(&world, &recorded, consent)
        }
        // One by someone not entitled has ended nothing.
        Content::Denial(_) => recorded.withdrawn_at(at).is_some_and(|withdrawn_at| {
            let on = day(withdrawn_at);
            may_withdraw_denial(world.client, &recorded, recorded.withdrawer(), on)
        }),
    };
    require(!has_ended, "ALREADY_WITHDRAWN")?;
    Ok(notices(&world, given_on, register, None))
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
    let professional = match recorded_by.recorded_by.as_ref().unwrap() {
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
            Standing::Authorised => {
                matches!(recorded_by.recorded_by, Some(Recorder::MyKanta(_)))
            }
            Standing::Nobody => false,
        },
        Content::Consent(_) => may_give_consent(world.client, role, given_on),
        Content::Denial(denial) => may_set_denial(world.client, denial, role, given_on),
    }
}

fn admit_consent(world: &World, consent: &Consent) -> Result<(), &'static str> {
    // Imported history only, so that it is not recorded before the Act either.
    let has_ended = consent.kind() == ConsentKind::VerbalPrescription;
    let now = Place { recorded_at: world.at, revision: world.declarations.len() };
    require(has_ended || was_informed_before(world, now), "INFORMATION_REQUIRED")?;
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
        // A former provider's is a public one's too: to accept it restricts.
        (Sector::Healthcare, Scope::Register(oid)) => matches!(
            register_kind(oid),
            Some(
                RegisterKind::PublicHealthcare
                    | RegisterKind::PublicOccupational
                    | RegisterKind::PrivateOccupational
            )
        ),
        // "Imported history" may be recorded late, of a former provider of the directory.
        (Sector::Healthcare, Scope::FormerProvider(oid)) => {
            has_kind(directory, oid, &[OrganisationKind::FormerPublic])
                && given_on < world.calendar.counties_begin
        }
        (Sector::SocialWelfare, Scope::Register(oid)) => {
            register_kind(oid) == Some(RegisterKind::SocialWelfare)
        }
        (
            Sector::SocialWelfare,
            Scope::ServiceTransaction(_) | Scope::Document(_) | Scope::ServiceTask(_),
        )
        // An extensive denial is listed for both sectors and not for one of them.
        | (Sector::Both, Scope::Extensive(_)) => true,
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

/// A consent of the client's was there to be replaced.
fn replaces(world: &World, consent: &Consent) -> bool {
    latest(world, consent.kind(), controller(consent))
        .is_some_and(|earlier| earlier.withdrawn_at(world.at).is_none())
}

/// Even one given by someone not entitled is over once the client has given another.
fn is_replaced(world: &World, recorded: &Recorded, consent: &Consent) -> bool {
    of_kind(world, consent.kind(), controller(consent)).iter().any(|later| later.place > recorded.place)
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
