//! A small world: each kind of organisation and register, and one client.

use chrono::{DateTime, Utc};
use lupa::wire::v1::claim::Kind;
use lupa::wire::v1::declaration::Content;
use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::recorded_by::System as Recorder;
use lupa::wire::v1::{
    Against, Allocation, Channel, Claim, ClientId, Consent, ConsentKind, DecideRequest, Declaration,
    Declarer, Denial, Directory, Ground, Information, MainResponsibility, MyKanta, Organisation,
    OrganisationKind, Outsourcing, Record, RecordKind, RecordedBy, Register, RegisterKind, Requester, Role,
    Sector, StoredDeclaration, Way,
};

use crate::core::generator::{Case, timestamp};
use crate::core::reference::Calendar;

/// Long before everything.
const EARLY: &str = "2015-01-01";

/// The requested document, its register and its service event.
pub(super) const DOCUMENT: &str = "document";
pub(super) const EVENT: &str = "event";
pub(super) const TASK: &str = "0101";
pub(super) const RECORDED_ON: &str = "2020-05-05";

const ORGANISATIONS: [(&str, OrganisationKind, bool, &str); 13] = [
    ("county", OrganisationKind::WellbeingServicesCounty, false, ""),
    ("uusimaa", OrganisationKind::WellbeingServicesCounty, true, ""),
    ("helsinki", OrganisationKind::CityOfHelsinki, true, ""),
    ("hus", OrganisationKind::HusGroup, true, ""),
    ("state", OrganisationKind::StateHealthcare, false, ""),
    ("defence", OrganisationKind::DefenceForcesHealthcare, false, ""),
    ("state-social", OrganisationKind::StateSocialWelfare, false, ""),
    ("private", OrganisationKind::Private, false, ""),
    ("connected", OrganisationKind::Private, false, ""),
    ("elsewhere", OrganisationKind::Private, true, ""),
    ("former", OrganisationKind::FormerPublic, false, "county"),
    ("older", OrganisationKind::FormerPublic, false, "former"),
    ("kanta", OrganisationKind::KantaServices, false, ""),
];

const REGISTERS: [(&str, RegisterKind); 26] = [
    ("county", RegisterKind::PublicHealthcare),
    ("county", RegisterKind::PublicOccupational),
    ("county", RegisterKind::SocialWelfare),
    ("uusimaa", RegisterKind::PublicHealthcare),
    ("uusimaa", RegisterKind::PublicOccupational),
    ("uusimaa", RegisterKind::SocialWelfare),
    ("helsinki", RegisterKind::PublicHealthcare),
    ("helsinki", RegisterKind::SocialWelfare),
    ("hus", RegisterKind::PublicHealthcare),
    ("hus", RegisterKind::SocialWelfare),
    ("state", RegisterKind::PublicHealthcare),
    ("defence", RegisterKind::PublicHealthcare),
    ("state-social", RegisterKind::SocialWelfare),
    ("private", RegisterKind::PrivateHealthcare),
    ("private", RegisterKind::PrivateOccupational),
    ("private", RegisterKind::SocialWelfare),
    ("connected", RegisterKind::PrivateHealthcare),
    ("connected", RegisterKind::SocialWelfare),
    ("elsewhere", RegisterKind::PrivateHealthcare),
    ("elsewhere", RegisterKind::SocialWelfare),
    ("former", RegisterKind::PublicHealthcare),
    ("former", RegisterKind::PublicOccupational),
    ("former", RegisterKind::SocialWelfare),
    ("older", RegisterKind::PublicHealthcare),
    ("older", RegisterKind::SocialWelfare),
    ("kanta", RegisterKind::WellbeingData),
];

/// A register, by its controller's name and its kind.
pub(super) type Named = (&'static str, RegisterKind);

pub(super) fn organisation(name: &str) -> String {
    let place = ORGANISATIONS.iter().position(|(known, ..)| *known == name);
    place.map_or_else(|| "1.2.9.9".to_owned(), |place| format!("1.2.1.{place}"))
}

/// A register that is in no directory.
pub(super) fn register(named: Named) -> String {
    let place = REGISTERS.iter().position(|known| *known == named);
    place.map_or_else(|| "1.2.8.8".to_owned(), |place| format!("1.2.2.{place}"))
}

/// All registers are ready for everything. The connected organisation operates in
/// connection with the private one, as notified to the Code service; so does the one
/// elsewhere, but without a notification.
pub(super) fn directory() -> Directory {
    let connection = |notified| MainResponsibility {
        provider: organisation("private"),
        notified,
        valid_from: String::new(),
        valid_until: String::new(),
    };
    let organisations = ORGANISATIONS.map(|(name, kind, uusimaa, successor)| Organisation {
        oid: organisation(name),
        name: name.to_owned(),
        kind: kind.into(),
        uusimaa,
        operates_from: String::new(),
        carries_former_denials: false,
        name_sv: String::new(),
        name_en: String::new(),
        successor: if successor.is_empty() { String::new() } else { organisation(successor) },
        main_responsibility: match name {
            "connected" => vec![connection(true)],
            "elsewhere" => vec![connection(false)],
            _ => Vec::new(),
        },
    });
    let registers = REGISTERS.map(|(controller, kind)| Register {
        oid: register((controller, kind)),
        name: controller.to_owned(),
        controller: organisation(controller),
        kind: kind.into(),
        joined_kanta_on: EARLY.to_owned(),
        shares_within_sector_from: EARLY.to_owned(),
        retrieves_across_sectors_from: EARLY.to_owned(),
        retrieves_prescriptions_from: EARLY.to_owned(),
        stores_declarations_from: EARLY.to_owned(),
        name_sv: String::new(),
        name_en: String::new(),
    });
    Directory { organisations: organisations.into(), registers: registers.into(), outsourcing: Vec::new() }
}

pub(super) fn find(directory: &mut Directory, named: Named) -> &mut Register {
    let oid = register(named);
    directory.registers.iter_mut().find(|register| register.oid == oid).expect("a register of this world")
}

pub(super) fn find_organisation<'a>(directory: &'a mut Directory, name: &str) -> &'a mut Organisation {
    directory.organisations.iter_mut().find(|found| found.name == name).expect("one of this world")
}

pub(super) fn outsourcing(organiser: Named, producer: &str) -> Outsourcing {
    Outsourcing {
        organiser_register: register(organiser),
        producer: organisation(producer),
        valid_from: String::new(),
        valid_until: String::new(),
    }
}

/// A request about one record of an adult, through Kanta, with nothing further.
pub(super) fn case(requester: Named, holder: Named, kind: RecordKind, at: DateTime<Utc>) -> Case {
    let record = Record {
        id: DOCUMENT.to_owned(),
        register: register(holder),
        service_event: EVENT.to_owned(),
        recorded_on: RECORDED_ON.to_owned(),
        kind: kind.into(),
        ..Record::default()
    };
    let request = DecideRequest {
        client: Some(ClientId { extension: "010181-900C".to_owned(), root: String::new() }),
        requester: Some(Requester { register: register(requester), ..Requester::default() }),
        channel: Channel::Kanta.into(),
        access_right: true,
        ground: Ground::CareRelationship.into(),
        records: vec![record],
        ..DecideRequest::default()
    };
    Case { directory: directory(), calendar: Calendar::defaults(), declarations: Vec::new(), request, at }
}

/// By the client, at an instant.
pub(super) fn stored(content: Content, at: DateTime<Utc>) -> StoredDeclaration {
    StoredDeclaration {
        declaration: Some(Declaration { content: Some(content) }),
        recorded_at: Some(timestamp(at)),
        declarer: by(Role::Client),
        recorded_by: Some(RecordedBy { system: Some(Recorder::MyKanta(MyKanta {})) }),
        ..StoredDeclaration::default()
    }
}

pub(super) fn by(role: Role) -> Option<Declarer> {
    Some(Declarer { role: role.into(), ..Declarer::default() })
}

pub(super) fn withdrawn(stored: StoredDeclaration, at: DateTime<Utc>, role: Role) -> StoredDeclaration {
    StoredDeclaration { withdrawn_at: Some(timestamp(at)), withdrawn_by: by(role), ..stored }
}

pub(super) fn information(version: &str, at: DateTime<Utc>) -> StoredDeclaration {
    stored(Content::Information(Information { version: version.to_owned(), way: Way::MyKanta.into() }), at)
}

pub(super) fn consent(kind: ConsentKind, at: DateTime<Utc>) -> StoredDeclaration {
    allocated(kind, None, at)
}

pub(super) fn allocated(
    kind: ConsentKind,
    allocation: Option<Allocation>,
    at: DateTime<Utc>,
) -> StoredDeclaration {
    stored(Content::Consent(Consent { kind: kind.into(), allocation, controller: String::new() }), at)
}

pub(super) fn local_consent(controller: &str, at: DateTime<Utc>) -> StoredDeclaration {
    let kind = ConsentKind::LocalCrossSector.into();
    stored(Content::Consent(Consent { kind, allocation: None, controller: organisation(controller) }), at)
}

pub(super) fn denial(
    sector: Sector,
    scope: Scope,
    against: &[Against],
    allows_emergency: bool,
    at: DateTime<Utc>,
) -> StoredDeclaration {
    let against = against.iter().map(|against| i32::from(*against)).collect();
    stored(
        Content::Denial(Denial {
            sector: sector.into(),
            scope: Some(scope),
            against,
            allows_emergency,
            label: String::new(),
        }),
        at,
    )
}

pub(super) fn claim(kind: Kind) -> Claim {
    Claim { kind: Some(kind) }
}
