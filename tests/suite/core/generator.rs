//! Generated cases, deterministic by their seed.
//!
//! Ids come from small pools, so that scopes match often; instants are just before and
//! after the dates that matter; declarations mostly affect the request, and are often
//! unusual. Every message is valid (OIDs, dates, required enums), except some records
//! that are invalid on purpose. [`coverage`] reports which rules and reasons occur.

mod allocations;
mod clients;
pub(crate) mod coverage;
mod declarations;
mod directory;
mod linked;
mod recordings;
mod records;
mod requests;
pub(crate) mod rng;
mod times;

use chrono::{DateTime, NaiveDate, Utc};
use lupa::wire::v1::{
    ClientId, DecideRequest, Directory, RecordDeclarationRequest, RegisterKind, StoredDeclaration,
    WithdrawDeclarationRequest,
};
use pbjson_types::Timestamp;

use crate::core::reference::Calendar;
pub(crate) use clients::births;
pub(crate) use linked::{Linked, linked};
use requests::{Ends, Theme};
use rng::Rng;
use times::Anchors;
pub(crate) use times::{midnight, timestamp};

/// The inputs of a decision.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) directory: Directory,
    pub(crate) calendar: Calendar,
    /// In revision order.
    pub(crate) declarations: Vec<StoredDeclaration>,
    /// With one to three records.
    pub(crate) request: DecideRequest,
    pub(crate) at: DateTime<Utc>,
}

/// The inputs of the admission of a recording or a withdrawal.
#[derive(Clone, Debug)]
pub(crate) struct RecordingCase {
    pub(crate) directory: Directory,
    pub(crate) calendar: Calendar,
    /// In revision order, all recorded at or before `at`.
    pub(crate) declarations: Vec<StoredDeclaration>,
    pub(crate) request: RecordingRequest,
    pub(crate) at: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub(crate) enum RecordingRequest {
    Record(RecordDeclarationRequest),
    Withdraw(WithdrawDeclarationRequest),
}

/// The setting that the parts of a case share.
struct Setting {
    theme: Theme,
    directory: Directory,
    calendar: Calendar,
    client: ClientId,
    /// The client's eighteenth birthday.
    adult_from: NaiveDate,
    anchors: Anchors,
    at: DateTime<Utc>,
}

pub(crate) fn case(seed: u64) -> Case {
    let mut rng = Rng::new(seed);
    let setting = setting(&mut rng);
    let ends = requests::ends(&mut rng, &setting);
    case_in(&mut rng, setting, &ends)
}

fn case_in(rng: &mut Rng, setting: Setting, ends: &Ends) -> Case {
    let request = requests::request(rng, &setting, ends);
    let declarations = declarations::declarations(rng, &setting, ends);
    Case { directory: setting.directory, calendar: setting.calendar, declarations, request, at: setting.at }
}

/// A case, and the same with one more denial among its declarations.
pub(crate) fn case_and_denial(seed: u64) -> (Case, Case) {
    let mut rng = Rng::new(seed);
    let setting = setting(&mut rng);
    let ends = requests::ends(&mut rng, &setting);
    let denial = declarations::another_denial(&mut rng, &setting, &ends);
    let mut case = case_in(&mut rng, setting, &ends);
    // A declaration without an id is identified by its position.
    for (number, stored) in case.declarations.iter_mut().enumerate() {
        stored.id = format!("declaration {number}");
    }
    let mut denied = case.clone();
    denied.declarations.insert(rng.below(case.declarations.len() + 1), denial);
    (case, denied)
}

/// A case, and the days on which a rule, a relation or an age starts or ends by the
/// calendar, the directory and the client's date of birth.
pub(crate) fn case_and_days(seed: u64) -> (Case, Vec<NaiveDate>) {
    // As in `case`: the same seed, the same setting.
    let setting = setting(&mut Rng::new(seed));
    (case(seed), setting.anchors.0)
}

pub(crate) fn recording_case(seed: u64) -> RecordingCase {
    let mut rng = Rng::new(seed);
    let setting = setting(&mut rng);
    let ends = requests::ends(&mut rng, &setting);
    let mut declarations = declarations::declarations(&mut rng, &setting, &ends);
    declarations.retain_mut(|stored| {
        let now = timestamp(setting.at);
        let is_past =
            |timestamp: &Timestamp| (timestamp.seconds, timestamp.nanos) <= (now.seconds, now.nanos);
        if !stored.withdrawn_at.as_ref().is_some_and(is_past) {
            stored.withdrawn_at = None;
            stored.withdrawn_by = None;
            stored.withdrawal_given_at = None;
        }
        stored.recorded_at.as_ref().is_some_and(is_past)
    });
    let request = if rng.chance(70) {
        RecordingRequest::Record(recordings::record(&mut rng, &setting, &ends, &declarations))
    } else {
        RecordingRequest::Withdraw(recordings::withdraw(&mut rng, &setting, &ends, &declarations))
    };
    RecordingCase {
        directory: setting.directory,
        calendar: setting.calendar,
        declarations,
        request,
        at: setting.at,
    }
}

fn setting(rng: &mut Rng) -> Setting {
    let theme = requests::theme(rng);
    let directory = directory::directory(rng);
    let calendar = times::calendar(rng);
    let (client, adult_from) = clients::client(rng);
    let anchors = Anchors::new(&calendar, &directory, adult_from);
    let at = DateTime::UNIX_EPOCH;
    let mut setting = Setting { theme, directory, calendar, client, adult_from, anchors, at };
    setting.at = requests::instant(rng, &setting);
    setting
}

impl Setting {
    /// The OIDs of the registers of these kinds, and of this controller if one is given.
    fn registers(&self, kinds: &[RegisterKind], controller: Option<&str>) -> Vec<String> {
        self.directory
            .registers
            .iter()
            .filter(|register| kinds.contains(&register.kind()))
            .filter(|register| controller.is_none_or(|oid| register.controller == oid))
            .map(|register| register.oid.clone())
            .collect()
    }

    /// Everyone that the controller of this register has merged into or will, in order.
    fn successors(&self, register: &str) -> Vec<String> {
        let mut chain = Vec::new();
        let mut next = self.controller(register);
        let successor = |oid: &str| {
            let mut organisations = self.directory.organisations.iter();
            organisations.find(|found| found.oid == oid).map(|found| found.successor.clone())
        };
        while let Some(oid) = successor(&next).filter(|oid| !oid.is_empty()) {
            chain.push(oid.clone());
            next = oid;
        }
        chain
    }

    fn kind(&self, register: &str) -> Option<RegisterKind> {
        let mut registers = self.directory.registers.iter();
        let found = registers.find(|found| found.oid == register)?;
        Some(found.kind())
    }

    /// For an unknown register, a known organisation.
    fn controller(&self, register: &str) -> String {
        let mut registers = self.directory.registers.iter();
        let found = registers.find(|found| found.oid == register);
        found.map_or(directory::organisation_oid(1), |found| found.controller.clone())
    }
}
