//! Fixtures for tests: a small directory, declarations and requests.

use chrono::DateTime;
use smallvec::SmallVec;

use crate::client_id::{ClientId, IdentityCode};
use crate::day::{Day, Instant};
use crate::declaration::{
    Allocation, Consent, ConsentKind, Content, Declaration, Declarer, Denial, DenialSector, Information,
    Label, RecordedBy, Role, Scope, Withdrawal,
};
use crate::directory::{Directory, Name, Organisation, OrganisationKind, Register, RegisterKind};
use crate::oid::{Oid, OpaqueId};
use crate::request::{Channel, Ground, Record, RecordKind, Situation};
use crate::verdict::RuleId;

pub const ADULT: &str = "010181-900C";
/// Born on 2 May 2016.
pub const MINOR: &str = "020516C903K";

pub const COUNTY: &str = "1.2.246.10.99999999.8.0";
pub const COUNTY_HEALTHCARE: &str = "1.2.246.10.99999999.8.1";
pub const COUNTY_OCCUPATIONAL: &str = "1.2.246.10.99999999.8.2";
pub const COUNTY_SOCIAL_WELFARE: &str = "1.2.246.10.99999999.8.3";
pub const PRIVATE: &str = "1.2.246.10.99999999.101.0";
pub const FORMER: &str = "1.2.246.10.99999999.201.0";
pub const UNKNOWN: &str = "1.2.246.10.99999999.999.0";

pub fn client(code: &str) -> ClientId {
    ClientId::National(IdentityCode::parse(code).expect("an identity code"))
}

/// A client with an identifier of another system.
pub fn other_client(extension: &str) -> ClientId {
    let extension = OpaqueId::parse(extension).expect("an id").into_owned();
    ClientId::Other { root: oid("1.2.246.10.1"), extension }
}

pub fn oid(text: &'static str) -> Oid<'static> {
    Oid::parse(text).expect("an OID")
}

pub fn id(text: &'static str) -> OpaqueId<'static> {
    OpaqueId::parse(text).expect("an id")
}

pub fn rule_id(text: &'static str) -> RuleId {
    RuleId::new(text)
}

/// Noon in Helsinki on a day.
pub fn noon(day: &str) -> Instant {
    DateTime::parse_from_rfc3339(&format!("{day}T10:00:00Z")).expect("an instant").to_utc()
}

/// A county with three registers, a private provider with a name and a former
/// provider.
pub fn directory(private_name: &str) -> Directory {
    let organisations = organisations(private_name);
    Directory::build(organisations, registers(), Vec::new()).expect("a directory without faults")
}

/// The organisations of [`directory`].
pub fn organisations(private_name: &str) -> Vec<Organisation> {
    let organisation = |oid_of: &'static str, name, kind| Organisation {
        oid: oid(oid_of),
        name,
        kind,
        uusimaa: false,
        operates_from: None,
        successor: (kind == OrganisationKind::FormerPublic).then(|| oid(COUNTY)),
        main_responsibility: Vec::new(),
        carries_former_denials: false,
    };
    let county =
        name("Mallilan hyvinvointialue", "Mallila välfärdsområde", "Mallila wellbeing services county");
    vec![
        organisation(COUNTY, county, OrganisationKind::WellbeingServicesCounty),
        organisation(PRIVATE, private_name.into(), OrganisationKind::Private),
        organisation(FORMER, name("Mallilan kaupunki", "Mallila stad", ""), OrganisationKind::FormerPublic),
    ]
}

/// The registers of [`directory`].
pub fn registers() -> Vec<Register> {
    let healthcare =
        name("Terveydenhuollon rekisteri", "Hälso- och sjukvårdens register", "Healthcare register");
    let occupational = name(
        "Työterveyshuollon rekisteri",
        "Företagshälsovårdens register",
        "Occupational healthcare register",
    );
    let social_welfare = name("Sosiaalihuollon rekisteri", "", "");
    vec![
        register(COUNTY_HEALTHCARE, healthcare, COUNTY, RegisterKind::PublicHealthcare),
        register(COUNTY_OCCUPATIONAL, occupational, COUNTY, RegisterKind::PublicOccupational),
        register(COUNTY_SOCIAL_WELFARE, social_welfare, COUNTY, RegisterKind::SocialWelfare),
    ]
}

pub fn register(oid_of: &'static str, name: Name, controller: &'static str, kind: RegisterKind) -> Register {
    Register {
        oid: oid(oid_of),
        name,
        controller: oid(controller),
        kind,
        joined_kanta_on: None,
        shares_within_sector_from: None,
        retrieves_across_sectors_from: None,
        retrieves_prescriptions_from: None,
        stores_declarations_from: None,
    }
}

/// A name in Finnish, Swedish and English; empty = as in Finnish.
pub fn name(fi: &str, sv: &str, en: &str) -> Name {
    Name { fi: fi.into(), sv: sv.into(), en: en.into() }
}

/// Declared by the client in MyKanta on a day.
pub fn declared(name: &'static str, day: &str, content: Content) -> Declaration {
    Declaration {
        id: id(name),
        content,
        given_at: noon(day),
        recorded_at: noon(day),
        withdrawal: None,
        declarer: Some(by(Role::Client)),
        recorded_by: Some(RecordedBy::MyKanta),
        label: None,
    }
}

pub fn by(role: Role) -> Declarer {
    Declarer { role, name: "".into(), id: "".into() }
}

pub fn information(name: &'static str, day: &str) -> Declaration {
    declared(name, day, Content::Information(Information { version: "1.1".into(), way: None }))
}

pub fn consent(name: &'static str, day: &str, kind: ConsentKind<'static>) -> Declaration {
    declared(name, day, Content::Consent(Consent { kind, allocation: None }))
}

pub fn allocated(
    name: &'static str,
    day: &str,
    kind: ConsentKind<'static>,
    allocation: Allocation,
) -> Declaration {
    declared(name, day, Content::Consent(Consent { kind, allocation: Some(allocation) }))
}

/// An allocation without limits.
pub fn unlimited() -> Allocation {
    Allocation {
        recipients: Vec::new(),
        data: Vec::new(),
        service_tasks: Vec::new(),
        recorded_from: None,
        recorded_to: None,
    }
}

/// A denial against all requesters, in an emergency too.
pub fn denial(name: &'static str, day: &str, sector: DenialSector, scope: Scope) -> Declaration {
    let denial = Denial { sector, scope, against: SmallVec::new(), allows_emergency: false };
    declared(name, day, Content::Denial(denial))
}

/// A denial with a label.
pub fn labelled(label: &str, denial: Declaration) -> Declaration {
    Declaration { label: Some(Label::parse(label).expect("a label")), ..denial }
}

pub fn given_by(role: Option<Role>, declaration: Declaration) -> Declaration {
    Declaration { declarer: role.map(by), ..declaration }
}

pub fn withdrawn(day: &str, role: Option<Role>, declaration: Declaration) -> Declaration {
    let withdrawal = Withdrawal { recorded_at: noon(day), given_at: noon(day), by: role.map(by) };
    Declaration { withdrawal: Some(withdrawal), ..declaration }
}

/// A request for an adult's data, outside Kanta.
pub fn situation(requester: &'static str) -> Situation<'static> {
    Situation {
        client: client(ADULT),
        requester: oid(requester),
        channel: Channel::OutsideKanta,
        access_right: true,
        ground: Some(Ground::CareRelationship),
        claims: SmallVec::new(),
    }
}

/// A document of a register.
pub fn record(register: &'static str, kind: RecordKind) -> Record<'static> {
    Record {
        id: id("document-1"),
        register: oid(register),
        service_event: Some(id("event-1")),
        recorded_on: Day::of(noon("2024-01-02")),
        kind,
        service_tasks: Vec::new(),
        original_controller: None,
        outsourcing: None,
    }
}
