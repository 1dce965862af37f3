//! The answer of `Simulate`: what would be decided with other declarations, or in
//! another world. It runs beside the workers.

use std::sync::Arc;

use crate::decide::{Decider, ReadRecords};
use crate::index::Snapshot;
use crate::limits::Cancelled;
use crate::policy::World;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::Declaration;
use crate::policy::directory::Directory;
use crate::policy::facts::Facts;
use crate::policy::oid::Oid;
use crate::policy::request::Situation;
use crate::service::decision_id::decision_id;
use crate::service::{Core, History, Limits};
use crate::wire::declaration::stored_declarations;
use crate::wire::v1::{DecideRequest, DecideResponse, SimulateRequest, SimulateResponse};
use crate::wire::verdict::{Disclosure, id_among, to_verdict};
use crate::wire::violation::{InvalidRequest, Violations, instant, to_timestamp};
use crate::wire::{decision, directory};

/// Records that are decided before the simulation checks whether it is cancelled.
const SLICE_RECORDS: usize = 64;

/// A simulation that was read.
pub(super) struct Simulation {
    situation: Situation<'static>,
    message: DecideRequest,
    at: Option<Instant>,
    directory: Option<Directory>,
    declarations: Vec<Declaration>,
    ignore_stored: bool,
}

/// Checks the numbers of declarations and of entries of the directory.
pub(super) fn check_size(message: &SimulateRequest, limits: &Limits) -> Result<(), InvalidRequest> {
    let mut violations = Violations::default();
    let most = limits.simulated_declarations_max;
    if message.declarations.len() > most {
        violations.add(
            "declarations",
            format_args!(
                "more than {most} entries: leave some out, or have the operator raise `limits.simulated_declarations_max`"
            ),
        );
    }
    if let Some(given) = &message.directory {
        violations.include(directory::check_entries(given, limits.directory_entries_max));
    }
    violations.finish(Some(()))
}

impl Simulation {
    /// Reads a request, or reports every violation.
    pub(super) fn read(message: SimulateRequest) -> Result<Self, InvalidRequest> {
        let SimulateRequest { decide, at, directory, declarations, ignore_stored } = message;
        let message = decide.unwrap_or_default();
        let mut violations = Violations::default();
        let situation =
            violations.include(decision::situation(&message).map_err(|faults| faults.within("decide")));
        let given = violations.include(stored_declarations("declarations", &declarations));
        let at = violations.include(at.as_ref().map(|at| instant("at", at)).transpose());
        let directory = directory.as_ref().map(directory::directory).transpose();
        let directory = violations.include(directory.map_err(|faults| faults.within("directory")));
        let situation = situation.map(Situation::into_owned);
        let ((situation, declarations), (at, directory)) =
            violations.finish(situation.zip(given).zip(at.zip(directory)))?;
        Ok(Self { situation, message, at, directory, declarations, ignore_stored })
    }

    /// The client whose data is requested.
    pub(super) fn client(&self) -> &ClientId {
        &self.situation.client
    }

    /// The register on whose behalf data is read.
    pub(super) fn requester(&self) -> &Oid<'static> {
        &self.situation.requester
    }

    /// The organisation of the requester, as the caller names it; empty = not named.
    pub(super) fn organisation(&self) -> &str {
        decision::named_organisation(&self.message)
    }

    /// The consistency token; empty = none.
    pub(super) fn at_least(&self) -> &str {
        &self.message.at_least
    }

    /// Whether what is recorded of the client does not count.
    pub(super) fn ignores_stored(&self) -> bool {
        self.ignore_stored
    }

    /// The answer of `Decide`. `history` is what is recorded, if it counts.
    pub(super) fn answer(
        self,
        core: &Core,
        snapshot: &Snapshot,
        today: Instant,
        history: Option<History>,
        cancelled: &Cancelled,
    ) -> SimulateResponse {
        let Self { situation, message, at, directory, declarations: given, ignore_stored: _ } = self;
        let now = at.unwrap_or(today);
        let directory = directory.map_or_else(|| Arc::clone(snapshot.directory()), Arc::new);
        let (current, mut declarations) = match history {
            None => (situation.client.clone(), Vec::new()),
            Some(History { current, declarations, .. }) => (current, declarations),
        };
        declarations.extend(given);
        let world = World { directory: &directory, calendar: &core.calendar, now };
        let question = world.question_of_person(&situation, &current, Facts::all(&declarations));
        let mut verdicts = Vec::with_capacity(message.records.len());
        let mut decider = Decider::new(ReadRecords::from(message.records.as_slice()));
        loop {
            let Ok(is_more) = decider.decide_next(&question, SLICE_RECORDS, |verdict| {
                verdicts.push(to_verdict(verdict, Disclosure::Detailed, id_among(&declarations)));
            });
            if !is_more || cancelled.is_cancelled() {
                break;
            }
        }
        let decision = DecideResponse {
            verdicts,
            decision_id: decision_id(now).to_string(),
            token: core.tokens.write(snapshot.point()),
            decided_at: Some(to_timestamp(now)),
            catalogue_version: core.catalogue_version.text().to_string(),
            request_id: message.request_id,
        };
        SimulateResponse { decision: Some(decision), simulated: true }
    }
}
