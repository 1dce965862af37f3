//! Who may see which record, and why.

mod answer;
mod simulation;
mod slices;

use std::sync::Arc;

use prost::bytes::Bytes;
use tonic::{Request, Response, Status};

use crate::identity::Verb;
use crate::index::Snapshot;
use crate::limits::{Cancelled, WorkerTurn};
use crate::policy::World;
use crate::policy::day::Instant;
use crate::policy::declaration::{ClientDeclarations, Declaration, Kind};
use crate::policy::directory::Directory;
use crate::policy::explain::{Explanation, next_answers};
use crate::policy::facts::Facts;
use crate::policy::request::Situation;
use crate::policy::verdict::Verdict;
use crate::policy::viewing::{Sight, ViewingPurpose};
use crate::store::{Viewed, Viewing};
use crate::wire::answer::Answer;
use crate::wire::catalogue::to_rules;
use crate::wire::client::check_born;
use crate::wire::decide_call::DecideCall;
use crate::wire::decision;
use crate::wire::declaration::to_considered;
use crate::wire::explanation::{to_explained, to_next};
use crate::wire::v1::decision_service_server::DecisionService;
use crate::wire::v1::{
    ExplainRequest, ExplainResponse, ListRulesRequest, ListRulesResponse, Record, SimulateRequest,
    SimulateResponse,
};
use crate::wire::verdict::{Disclosure, id_among, to_verdict};
use crate::wire::violation::{InvalidRequest, Violations, to_timestamp};

use super::caller::RequestCaller;
use super::decision_id::decision_id;
use super::status::Failure;
use super::{Core, History};
use answer::CheckedCall;
use simulation::Simulation;
use slices::{ProvenTurn, SLICE_RECORDS};

/// Messages up to this size are read at once: within some ten microseconds.
const LARGE_BYTES: usize = 64 * 1024;

/// The decision service.
#[derive(Clone)]
pub struct Decisions {
    core: Core,
}

impl Decisions {
    /// Answers from these parts.
    #[must_use]
    pub fn new(core: Core) -> Self {
        Self { core }
    }

    /// Reads a request to `Decide`. A worker reads one large one at a time: all its
    /// records are counted.
    pub async fn read(&self, message: Bytes) -> Result<DecideCall, Status> {
        let is_large = message.len() > LARGE_BYTES;
        let turn = if is_large { Some(WorkerTurn::wait().await) } else { None };
        let read = DecideCall::read(message);
        drop(turn);
        Ok(read?)
    }

    /// Answers `Decide`.
    pub async fn decide(&self, call: &DecideCall, caller: &RequestCaller) -> Result<Answer, Status> {
        let DecideCall { situation, organisation, records, at_least, request_id } = call;
        let mut turn = None;
        let known = async {
            caller.require(Verb::Decide)?;
            self.core.check_size(records.count())?;
            let situation = situation.as_ref().map_err(InvalidRequest::clone)?;
            let mut snapshot = self.core.snapshot(at_least).await?;
            if records.count() > SLICE_RECORDS {
                turn = Some(ProvenTurn::wait(&self.core).await);
                snapshot = self.core.snapshot("").await?;
            }
            caller.check_requester(&situation.requester, organisation, snapshot.directory())?;
            let now = self.core.now(&snapshot, &situation.client)?;
            check_born(&situation.client, now)?;
            Ok::<_, Failure>((situation, snapshot, now))
        };
        let (situation, snapshot, now) = match known.await {
            Ok(known) => known,
            Err(failure) => {
                // That it is no message at all comes before what is wrong with it.
                records.check()?;
                return Err(failure.into());
            }
        };
        let disclosure = if caller.caller.details { Disclosure::Detailed } else { Disclosure::Public };
        let checked = CheckedCall { situation, records, request_id, disclosure };
        if let Some(answer) = checked.answer_at_once(&self.core, &snapshot, now) {
            return Ok(answer?);
        }
        let answer = checked.answer_in_slices(&self.core, &snapshot, now).await?;
        turn.map_or(Ok(()), |turn| turn.end(&self.core))?;
        Ok(answer)
    }

    async fn explain(
        &self,
        message: ExplainRequest,
        caller: &RequestCaller,
    ) -> Result<ExplainResponse, Failure> {
        let ExplainRequest { decide } = message;
        let decide = decide.ok_or_else(|| required("decide"))?;
        let mut violations = Violations::default();
        let situation =
            violations.include(decision::situation(&decide).map_err(|faults| faults.within("decide")));
        let record = if let [record] = decide.records.as_slice() { Some(record.clone()) } else { None };
        if decide.records.len() > 1 {
            violations.add("decide.records", "one record is explained at a time");
        }
        let (situation, record) = violations.finish(situation.map(Situation::into_owned).zip(record))?;
        let snapshot = self.core.snapshot(&decide.at_least).await?;
        let organisation = decision::named_organisation(&decide);
        caller.check_requester(&situation.requester, organisation, snapshot.directory())?;
        let now = self.core.now(&snapshot, &situation.client)?;
        check_born(&situation.client, now).map_err(|faults| faults.within("decide"))?;
        let client = situation.client.clone();
        let history = self.core.history(&client, &snapshot, caller.key).await?;
        let directory = Arc::clone(snapshot.directory());
        let inputs = Explained { situation, record, snapshot, history, now };
        let explain = move |core: &Core, cancelled: &Cancelled| Ok(inputs.explain(core, cancelled));
        let (response, shows_denials) = self.core.beside(explain).await?;
        if shows_denials {
            // An explanation shows the declarations considered: where there are denials
            // among them, they are viewed to investigate (002).
            let viewer = decision::asked_by(&decide, &directory);
            let (purpose, what) = (ViewingPurpose::Investigation, Viewed::Explanation);
            self.core.log_viewing(Viewing { client, viewer, purpose, what }, caller.key).await?;
        }
        Ok(response)
    }

    async fn simulate(
        &self,
        message: SimulateRequest,
        caller: &RequestCaller,
    ) -> Result<SimulateResponse, Failure> {
        let decide = message.decide.as_ref().ok_or_else(|| required("decide"))?;
        self.core.check_size(decide.records.len())?;
        simulation::check_size(&message, &self.core.limits)?;
        let simulation = self.core.beside(move |_, _| Ok(Simulation::read(message)?)).await?;
        let client = simulation.client().clone();
        let snapshot = self.core.snapshot(simulation.at_least()).await?;
        caller.check_requester(simulation.requester(), simulation.organisation(), snapshot.directory())?;
        let today = self.core.now(&snapshot, &client)?;
        check_born(&client, today).map_err(|faults| faults.within("decide"))?;
        let history = if simulation.ignores_stored() {
            None
        } else {
            Some(self.core.history(&client, &snapshot, caller.key).await?)
        };
        self.core
            .beside(move |core, cancelled| Ok(simulation.answer(core, &snapshot, today, history, cancelled)))
            .await
    }
}

/// The inputs of an explanation.
struct Explained {
    situation: Situation<'static>,
    record: Record,
    snapshot: Arc<Snapshot>,
    history: History,
    now: Instant,
}

impl Explained {
    /// The explanation, and whether it shows denials.
    fn explain(&self, core: &Core, cancelled: &Cancelled) -> (ExplainResponse, bool) {
        let Self { situation, record, snapshot, history, now } = self;
        let History { current, declarations, .. } = history;
        let (directory, calendar, now) = (snapshot.directory(), &*core.calendar, *now);
        let shown = shown_to(situation, declarations, directory, now);
        let shows_denials = shown.iter().any(|declaration| declaration.content.kind() == Kind::Denial);
        let world = World { directory, calendar, now };
        let question = world.question_of_person(situation, current, Facts::all(declarations));
        let read = decision::record(record);
        let Explanation { verdict, steps } = match &read {
            Ok(record) => question.explain(record),
            Err(field) => Explanation { verdict: Verdict::invalid(*field), steps: Vec::new() },
        };
        let is_stopped = || cancelled.is_cancelled();
        let next = read.map(|record| {
            next_answers(situation, current, declarations, directory, calendar, now, &record, is_stopped)
        });
        let response = ExplainResponse {
            verdict: Some(to_verdict(&verdict, Disclosure::Detailed, id_among(declarations))),
            rules: steps
                .iter()
                .filter_map(|step| to_explained(step, calendar, id_among(declarations)))
                .collect(),
            declarations: shown.into_iter().map(to_considered).collect(),
            token: core.tokens.write(snapshot.point()),
            decided_at: Some(to_timestamp(now)),
            catalogue_version: core.catalogue_version.text().to_string(),
            decision_id: decision_id(now).to_string(),
            next: next.unwrap_or_default().iter().map(to_next).collect(),
        };
        (response, shows_denials)
    }
}

#[tonic::async_trait]
impl DecisionService for Decisions {
    async fn explain(&self, request: Request<ExplainRequest>) -> Result<Response<ExplainResponse>, Status> {
        let caller = RequestCaller::entitled(&request, Verb::Explain)?;
        Ok(Response::new(self.explain(request.into_inner(), &caller).await?))
    }

    async fn simulate(
        &self,
        request: Request<SimulateRequest>,
    ) -> Result<Response<SimulateResponse>, Status> {
        let caller = RequestCaller::entitled(&request, Verb::Simulate)?;
        let asked = request.into_inner();
        let records = asked.decide.as_ref().map_or(0, |decide| decide.records.len());
        Ok(Core::about(records, self.simulate(asked, &caller).await?))
    }

    async fn list_rules(
        &self,
        request: Request<ListRulesRequest>,
    ) -> Result<Response<ListRulesResponse>, Status> {
        RequestCaller::entitled(&request, Verb::Decide)?;
        Ok(Response::new(ListRulesResponse {
            rules: to_rules(&self.core.calendar),
            catalogue_version: self.core.catalogue_version.text().to_string(),
        }))
    }
}

/// The declarations that an explanation shows: those recorded by an instant, of
/// the denials those that a professional of the requester's register may view.
fn shown_to<'d>(
    situation: &Situation<'_>,
    declarations: &'d ClientDeclarations,
    directory: &Directory,
    now: Instant,
) -> Vec<&'d Declaration> {
    let requester = directory.party(&situation.requester);
    let sight = requester.map_or(Sight::OfSector(None), |requester| Sight::of_party(&requester));
    let recorded = declarations.iter().filter(|declaration| declaration.recorded_at <= now);
    recorded.filter(|declaration| sight.includes(&declaration.content)).collect()
}

fn required(field: &str) -> Failure {
    Failure::Invalid(InvalidRequest::one(field, "required"))
}
