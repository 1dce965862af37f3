//! Strategies for any declaration and any directory that the core's types allow.

use lupa::policy::client_id::{ClientId, IdentityCode};
use lupa::policy::day::{Day, Instant};
use lupa::policy::declaration::*;
use lupa::policy::directory::{
    Directory, MainResponsibility, Name, Organisation, OrganisationKind, Outsourcing, Register, RegisterKind,
};
use lupa::policy::oid::{Oid, OpaqueId};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

pub(super) fn client() -> impl Strategy<Value = ClientId> {
    prop_oneof![
        select(&["010181-900C", "010190-901R", "010190Y901R"][..])
            .prop_map(|code| ClientId::National(IdentityCode::parse(code).unwrap())),
        (oid(), opaque_id()).prop_map(|(root, extension)| ClientId::Other { root, extension }),
    ]
}

pub(super) fn oid() -> impl Strategy<Value = Oid<'static>> {
    "[0-2]\\.[1-9][0-9]{0,3}(\\.(0|[1-9][0-9]{0,8})){0,4}".prop_map(|text| Oid::parse(text).unwrap())
}

pub(super) fn opaque_id() -> impl Strategy<Value = OpaqueId<'static>> {
    "[!-~]([ -~]{0,126}[!-~])?".prop_map(|text| OpaqueId::parse(text).unwrap())
}

/// With microseconds, the precision of the store.
pub(super) fn instant() -> impl Strategy<Value = Instant> {
    (-62_135_596_800_000_000_i64..253_402_300_799_999_999)
        .prop_map(|micros| Instant::from_timestamp_micros(micros).unwrap())
}

fn day() -> impl Strategy<Value = Day> {
    (1_i32..9_999, 1_u32..=12, 1_u32..=28)
        .prop_map(|(year, month, day)| Day::from_ymd(year, month, day).unwrap())
}

fn text() -> impl Strategy<Value = Box<str>> {
    any::<String>().prop_map(String::into_boxed_str)
}

pub(super) fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        (text(), option::of(select(&[Way::MyKanta, Way::Professional][..])))
            .prop_map(|(version, way)| Content::Information(Information { version, way })),
        (consent_kind(), option::of(allocation()))
            .prop_map(|(kind, allocation)| Content::Consent(Consent { kind, allocation })),
        denial().prop_map(Content::Denial),
        select(&[Kind::Information, Kind::Consent, Kind::Denial][..]).prop_map(Content::Unreadable),
    ]
}

fn consent_kind() -> impl Strategy<Value = ConsentKind<'static>> {
    prop_oneof![
        Just(ConsentKind::Healthcare),
        Just(ConsentKind::SocialWelfare),
        Just(ConsentKind::PatientDataToSocialWelfare),
        Just(ConsentKind::ClientDataToHealthcare),
        Just(ConsentKind::WellbeingData),
        oid().prop_map(|controller| ConsentKind::LocalCrossSector { controller }),
        Just(ConsentKind::VerbalPrescription),
    ]
}

fn allocation() -> impl Strategy<Value = Allocation> {
    let recipient = prop_oneof![Just(Recipient::AllPublic), oid().prop_map(Recipient::Organisation)];
    let data = select(
        &[
            DataKind::PatientSummary,
            DataKind::ServiceEventEntry,
            DataKind::StatementOrCertificate,
            DataKind::Prescription,
        ][..],
    );
    (vec(recipient, 0..3), vec(data, 0..4), vec(opaque_id(), 0..3), option::of(day()), option::of(day()))
        .prop_map(|(recipients, data, service_tasks, recorded_from, recorded_to)| Allocation {
            recipients,
            data,
            service_tasks,
            recorded_from,
            recorded_to,
        })
}

fn denial() -> impl Strategy<Value = Denial> {
    let sector = select(&[DenialSector::Healthcare, DenialSector::SocialWelfare, DenialSector::Both][..]);
    let scope = prop_oneof![
        Just(Scope::AllPatientData),
        opaque_id().prop_map(Scope::ServiceEvent),
        oid().prop_map(Scope::Register),
        opaque_id().prop_map(Scope::Prescription),
        oid().prop_map(Scope::FormerProvider),
        opaque_id().prop_map(Scope::ServiceTransaction),
        opaque_id().prop_map(Scope::Document),
        opaque_id().prop_map(Scope::ServiceTask),
        Just(Scope::Extensive),
    ];
    let against =
        select(&[Against::OtherProviders, Against::OwnOtherRegisters, Against::UusimaaPublicHealthcare][..]);
    (sector, scope, vec(against, 0..4), any::<bool>()).prop_map(
        |(sector, scope, against, allows_emergency)| Denial {
            sector,
            scope,
            against: against.into(),
            allows_emergency,
        },
    )
}

pub(super) fn declarer() -> impl Strategy<Value = Declarer> {
    let role = select(&[Role::Client, Role::Guardian, Role::LegalRepresentative, Role::AuthorisedPerson][..]);
    (role, text(), text()).prop_map(|(role, name, id)| Declarer { role, name, id })
}

pub(super) fn recorded_by() -> impl Strategy<Value = RecordedBy> {
    prop_oneof![
        Just(RecordedBy::MyKanta),
        (oid(), oid(), text()).prop_map(|(register, organisation, professional)| {
            RecordedBy::Professional(Professional { register, organisation, professional })
        }),
    ]
}

/// Imported history; the test makes its id unique.
pub(super) fn declaration() -> impl Strategy<Value = Declaration> {
    let withdrawal = (instant(), instant(), option::of(declarer()))
        .prop_map(|(given_at, recorded_at, by)| Withdrawal { given_at, recorded_at, by });
    (
        opaque_id(),
        content(),
        instant(),
        instant(),
        option::of(withdrawal),
        option::of(declarer()),
        option::of(recorded_by()),
    )
        .prop_map(|(id, content, given_at, recorded_at, withdrawal, declarer, recorded_by)| {
            Declaration { id, content, given_at, recorded_at, withdrawal, declarer, recorded_by, label: None }
        })
}

/// A few organisations, each with a register, and outsourcing among them.
pub(super) fn directory() -> impl Strategy<Value = Directory> {
    (vec((organisation(), register()), 0..4), vec(outsourcing(), 0..3)).prop_map(|(parties, outsourcing)| {
        let (mut organisations, mut registers) = (Vec::new(), Vec::new());
        for (place, (mut organisation, mut register)) in parties.into_iter().enumerate() {
            organisation.oid = Oid::parse(format!("1.2.{place}")).unwrap();
            // Only into earlier ones, so that there is no cycle.
            let earlier = organisations.last().map(|earlier: &Organisation| earlier.oid.clone());
            organisation.successor = organisation.successor.and(earlier);
            register.oid = Oid::parse(format!("1.3.{place}")).unwrap();
            register.controller = organisation.oid.clone();
            organisations.push(organisation);
            registers.push(register);
        }
        Directory::build(organisations, registers, outsourcing).unwrap()
    })
}

fn organisation() -> impl Strategy<Value = Organisation> {
    let kind = select(
        &[
            OrganisationKind::WellbeingServicesCounty,
            OrganisationKind::CityOfHelsinki,
            OrganisationKind::HusGroup,
            OrganisationKind::StateHealthcare,
            OrganisationKind::DefenceForcesHealthcare,
            OrganisationKind::StateSocialWelfare,
            OrganisationKind::Private,
            OrganisationKind::FormerPublic,
            OrganisationKind::KantaServices,
        ][..],
    );
    let connection = (oid(), any::<bool>(), option::of(day()), option::of(day()))
        .prop_map(|(provider, notified, from, until)| MainResponsibility { provider, notified, from, until });
    // Outside the directory, so that there is no cycle.
    let successor = option::of(Just(Oid::parse("2.5.1").unwrap()));
    let flags = (any::<bool>(), any::<bool>());
    (name(), kind, flags, option::of(day()), successor, vec(connection, 0..3)).prop_map(
        |(name, kind, (uusimaa, carries), operates_from, successor, main_responsibility)| Organisation {
            oid: Oid::parse("1.2").unwrap(),
            name,
            kind,
            uusimaa,
            operates_from,
            successor,
            main_responsibility,
            carries_former_denials: carries,
        },
    )
}

fn name() -> impl Strategy<Value = Name> {
    (text(), text(), text()).prop_map(|(fi, sv, en)| Name { fi, sv, en })
}

fn register() -> impl Strategy<Value = Register> {
    let kind = select(
        &[
            RegisterKind::PublicHealthcare,
            RegisterKind::PublicOccupational,
            RegisterKind::PrivateHealthcare,
            RegisterKind::PrivateOccupational,
            RegisterKind::SocialWelfare,
            RegisterKind::WellbeingData,
        ][..],
    );
    let date = || option::of(day());
    (name(), kind, date(), date(), date(), date(), date()).prop_map(
        |(name, kind, joined, shares, across, prescriptions, stores)| Register {
            oid: Oid::parse("1.3").unwrap(),
            name,
            controller: Oid::parse("1.2").unwrap(),
            kind,
            joined_kanta_on: joined,
            shares_within_sector_from: shares,
            retrieves_across_sectors_from: across,
            retrieves_prescriptions_from: prescriptions,
            stores_declarations_from: stores,
        },
    )
}

fn outsourcing() -> impl Strategy<Value = Outsourcing> {
    (oid(), oid(), option::of(day()), option::of(day())).prop_map(
        |(organiser_register, producer, from, until)| Outsourcing {
            organiser_register,
            producer,
            from,
            until,
        },
    )
}
