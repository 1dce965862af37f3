//! Domain §2: what the directory says of organisations and registers.

use chrono::NaiveDate;
use lupa::wire::v1::{Directory, Organisation, OrganisationKind, Record, Register, RegisterKind};

use super::calendar::{date, iso_date, reached, within};
use super::world::{Question, World};

/// The two sectors, and what is in neither.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    Healthcare,
    SocialWelfare,
    Wellbeing,
}

pub(super) fn side(register: &Register) -> Side {
    match register.kind() {
        RegisterKind::PublicHealthcare
        | RegisterKind::PublicOccupational
        | RegisterKind::PrivateHealthcare
        | RegisterKind::PrivateOccupational => Side::Healthcare,
        RegisterKind::SocialWelfare => Side::SocialWelfare,
        RegisterKind::WellbeingData => Side::Wellbeing,
        RegisterKind::Unspecified => panic!("a register without a kind is refused"),
    }
}

pub(super) fn register<'a>(directory: &'a Directory, oid: &str) -> Option<&'a Register> {
    directory.registers.iter().find(|found| found.oid == oid)
}

pub(super) fn organisation<'a>(directory: &'a Directory, oid: &str) -> Option<&'a Organisation> {
    let mut organisations = directory.organisations.iter();
    organisations.find(|found| found.oid == oid)
}

pub(super) fn controller<'a>(directory: &'a Directory, register: &Register) -> &'a Organisation {
    organisation(directory, &register.controller).unwrap()
}

pub(super) fn has_kind(directory: &Directory, oid: &str, kinds: &[OrganisationKind]) -> bool {
    organisation(directory, oid).is_some_and(|found| kinds.contains(&found.kind()))
}

/// Everyone that the organisation has merged into, in order, to the end of the chain.
pub(super) fn successors<'a>(directory: &'a Directory, oid: &str) -> Vec<&'a Organisation> {
    let mut chain: Vec<&Organisation> = Vec::new();
    let mut next = organisation(directory, oid);
    while let Some(current) = next {
        next = organisation(directory, &current.successor);
        chain.extend(next);
        assert!(chain.len() <= directory.organisations.len(), "a successor cycle is refused");
    }
    chain
}

/// First day of operations; unset, the day the counties started.
pub(super) fn first_day(world: &World, organisation: &Organisation) -> NaiveDate {
    date(&organisation.operates_from).unwrap_or(world.calendar.counties_begin)
}

/// Those whom a former provider has merged into by a day, the nearest first, each
/// from its own first day: "a merger counts from the successor's day". Nobody for
/// who is no former provider.
pub(super) fn merged_into<'a>(world: &World<'a>, oid: &str, on: NaiveDate) -> Vec<&'a Organisation> {
    if !has_kind(world.directory, oid, &[OrganisationKind::FormerPublic]) {
        return Vec::new();
    }
    let chain = successors(world.directory, oid).into_iter();
    chain.filter(|successor| first_day(world, successor) <= on).collect()
}

/// "Its controller counts as the successor (the end of the chain whose first day
/// has come)". Of the holder alone: "the requester is never resolved so".
pub(super) fn holders_controller<'a>(question: &Question<'a>) -> &'a Organisation {
    let world = &question.world;
    let chain = merged_into(world, &question.holder.controller, world.today());
    chain.last().copied().unwrap_or_else(|| controller(world.directory, question.holder))
}

/// "It is one file with every register of the same kind of that successor." The
/// other registers that merged into those make it ready for nothing.
fn holders_file<'a>(question: &Question<'a>) -> Vec<&'a Register> {
    let world = &question.world;
    let chain = merged_into(world, &question.holder.controller, world.today());
    let successors = world.directory.registers.iter().filter(|register| {
        chain.last().is_some_and(|end| end.oid == register.controller)
            && register.kind() == question.holder.kind()
    });
    std::iter::once(question.holder).chain(successors).collect()
}

/// "It is ready for something if it or one of those registers is."
pub(super) fn is_holder_ready(question: &Question, ready: fn(&Register, NaiveDate) -> bool) -> bool {
    holders_file(question).into_iter().any(|register| ready(register, question.world.today()))
}

/// What is held in the register has become part of that other data file. "At any
/// link of a chain": also of one that has merged further.
pub(super) fn has_merged_into(world: &World, register: &Register, file: &Register) -> bool {
    register.kind() == file.kind()
        && merged_into(world, &register.controller, world.today())
            .iter()
            .any(|successor| successor.oid == file.controller)
}

/// As [`has_merged_into`], at the end of the chain: where it is part of today. A
/// permit asks for that, as the narrower reading.
pub(super) fn is_part_of(world: &World, register: &Register, file: &Register) -> bool {
    register.kind() == file.kind()
        && merged_into(world, &register.controller, world.today())
            .last()
            .is_some_and(|end| end.oid == file.controller)
}

/// "The holder's controller succeeded it (anywhere on the chain) and the record
/// is from before the merger."
pub(super) fn was_held_before_merger_by(question: &Question, former: &str) -> bool {
    let world = &question.world;
    let holder = controller(world.directory, question.holder);
    let recorded_on = iso_date(&question.record.recorded_on).unwrap();
    successors(world.directory, former).iter().any(|successor| successor.oid == holder.oid)
        && recorded_on < first_day(world, holder)
}

/// Both ends; the holder "is in Uusimaa if the successor is".
pub(super) fn are_both_uusimaa_public_healthcare(question: &Question) -> bool {
    let requesters = controller(question.world.directory, question.requester);
    is_uusimaa_public_healthcare(question.requester, requesters)
        && is_uusimaa_public_healthcare(question.holder, holders_controller(question))
}

fn is_uusimaa_public_healthcare(register: &Register, controller: &Organisation) -> bool {
    register.kind() == RegisterKind::PublicHealthcare
        && controller.uusimaa
        && matches!(
            controller.kind(),
            OrganisationKind::WellbeingServicesCounty
                | OrganisationKind::CityOfHelsinki
                | OrganisationKind::HusGroup
        )
}

pub(super) fn has_joined(register: &Register, today: NaiveDate) -> bool {
    reached(&register.joined_kanta_on, today)
}

/// "Ready for something = joined Kanta and that date reached."
pub(super) fn is_ready(register: &Register, from: &str, today: NaiveDate) -> bool {
    has_joined(register, today) && reached(from, today)
}

pub(super) fn shares_within_sector(register: &Register, today: NaiveDate) -> bool {
    is_ready(register, &register.shares_within_sector_from, today)
}

/// Unset: from the day it joined Kanta.
pub(super) fn stores_declarations(register: &Register, today: NaiveDate) -> bool {
    if register.stores_declarations_from.is_empty() {
        return has_joined(register, today);
    }
    is_ready(register, &register.stores_declarations_from, today)
}

/// "Judged on the day of the request, from the directory, only where notified
/// to the Code service." Connections exist between private providers only: both ends are private.
pub(super) fn operates_in_connection_with(world: &World, provider: &str, main: &str) -> bool {
    let private = [OrganisationKind::Private];
    has_kind(world.directory, provider, &private)
        && has_kind(world.directory, main, &private)
        && organisation(world.directory, provider).unwrap().main_responsibility.iter().any(|connection| {
            connection.provider == main
                && connection.notified
                && within(world.today(), &connection.valid_from, &connection.valid_until)
        })
}

/// The record was generated in an outsourced service that the directory knows,
/// and the two registers are its two parties, by the controllers that the
/// directory names. "A register that the organiser's register merged into stands
/// for it", which no other register does that merged into the same.
pub(super) fn is_between_parties_of_outsourcing(question: &Question) -> bool {
    let directory = question.world.directory;
    let Record { outsourcing: Some(outsourced), recorded_on, .. } = question.record else {
        return false;
    };
    if outsourced.organiser == outsourced.producer {
        return false;
    }
    let recorded_on = iso_date(recorded_on).unwrap();
    directory.outsourcing.iter().any(|relation| {
        let Some(organisers) = register(directory, &relation.organiser_register) else {
            return false;
        };
        let is_organisers = |register: &Register| {
            register.oid == organisers.oid || is_part_of(&question.world, organisers, register)
        };
        let is_producers = |register: &Register| register.controller == relation.producer;
        within(recorded_on, &relation.valid_from, &relation.valid_until)
            && organisers.controller == outsourced.organiser
            && relation.producer == outsourced.producer
            && (is_organisers(question.requester) && is_producers(question.holder)
                || is_producers(question.requester) && is_organisers(question.holder))
    })
}
