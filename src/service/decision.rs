//! Who may see which record, and why.

mod answer;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::decide::decide;
use crate::identity::Entitlement;
use crate::index::Snapshot;
use crate::policy::day::Instant;
use crate::policy::declaration::{ClientDeclarations, Declaration, Kind};
use crate::policy::directory::Directory;
use crate::policy::explain::{Explanation, next_answers};
use crate::policy::facts::Facts;
use crate::policy::request::Situation;
use crate::policy::verdict::Verdict;
use crate::policy::viewing::{Sight, ViewingPurpose};
use crate::policy::{Question, World};
use crate::store::{Viewed, Viewing};
use crate::wire::answer::Answer;
use crate::wire::catalogue::to_rules;
use crate::wire::client::check_born;
use crate::wire::codec::DecideCall;
use crate::wire::declaration::{stored_declarations, to_considered};
use crate::wire::explanation::{to_explained, to_next};
use crate::wire::v1::decision_service_server::DecisionService;
use crate::wire::v1::{
    DecideRequest, DecideResponse, ExplainRequest, ExplainResponse, ListRulesRequest, ListRulesResponse,
    SimulateRequest, SimulateResponse,
};
use crate::wire::verdict::{Disclosure, id_among, to_verdict};
use crate::wire::violation::{InvalidRequest, Violations, instant, to_timestamp};
use crate::wire::{decision, directory};

use super::decision_id::decision_id;
use super::status::Failure;
use super::{Core, History};
use answer::CheckedCall;

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

    async fn decide(&self, call: &DecideCall, caller: Entitlement) -> Result<Answer, Status> {
        let DecideCall { situation, records, at_least, request_id } = call;
        let known = async {
            self.core.check_size(records.count())?;
            let situation = situation.as_ref().map_err(InvalidRequest::clone)?;
            let snapshot = self.core.snapshot(at_least).await?;
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
        let disclosure = match caller {
            Entitlement::Public => Disclosure::Public,
            Entitlement::Full => Disclosure::Detailed,
        };
        let checked = CheckedCall { situation, records, request_id, disclosure };
        Ok(checked.answer(&self.core, &snapshot, now)?)
    }

    async fn explain(&self, message: &ExplainRequest) -> Result<ExplainResponse, Failure> {
        let ExplainRequest { decide } = message;
        let decide = decide.as_ref().ok_or_else(|| required("decide"))?;
        let mut violations = Violations::default();
        let situation =
            violations.include(decision::situation(decide).map_err(|faults| faults.within("decide")));
        let record = if let [record] = decide.records.as_slice() { Some(record) } else { None };
        if decide.records.len() > 1 {
            violations.add("decide.records", "one record is explained at a time");
        }
        let (situation, record) = violations.finish(situation.zip(record))?;
        let snapshot = self.core.snapshot(&decide.at_least).await?;
        let now = self.core.now(&snapshot, &situation.client)?;
        check_born(&situation.client, now).map_err(|faults| faults.within("decide"))?;
        let History { current, declarations, .. } = self.core.history(&situation.client, &snapshot).await?;
        let shown = shown_to(&situation, &declarations, snapshot.directory(), now);
        self.log_viewing(decide, &situation, &shown, snapshot.directory()).await?;
        let world = World { directory: snapshot.directory(), calendar: &self.core.calendar, now };
        let question = world.question_of_person(&situation, &current, Facts::all(&declarations));
        let read = decision::record(record);
        let Explanation { verdict, steps } = match &read {
            Ok(record) => question.explain(record),
            Err(field) => Explanation { verdict: Verdict::invalid(*field), steps: Vec::new() },
        };
        let calendar = &self.core.calendar;
        let next = read.map(|record| {
            next_answers(&situation, &current, &declarations, snapshot.directory(), calendar, now, &record)
        });
        Ok(ExplainResponse {
            verdict: Some(to_verdict(&verdict, Disclosure::Detailed, id_among(&declarations))),
            rules: steps
                .iter()
                .filter_map(|step| to_explained(step, calendar, id_among(&declarations)))
                .collect(),
            declarations: shown.into_iter().map(to_considered).collect(),
            token: self.core.tokens.write(snapshot.point()),
            decided_at: Some(to_timestamp(now)),
            catalogue_version: self.core.catalogue_version.text().to_string(),
            decision_id: decision_id(now).to_string(),
            next: next.unwrap_or_default().iter().map(to_next).collect(),
        })
    }

    async fn simulate(&self, message: &SimulateRequest) -> Result<SimulateResponse, Failure> {
        let SimulateRequest { decide, at, directory, declarations, ignore_stored } = message;
        let decide = decide.as_ref().ok_or_else(|| required("decide"))?;
        self.core.check_size(decide.records.len())?;
        let mut violations = Violations::default();
        let situation =
            violations.include(decision::situation(decide).map_err(|faults| faults.within("decide")));
        let given = violations.include(stored_declarations("declarations", declarations));
        let at = violations.include(at.as_ref().map(|at| instant("at", at)).transpose());
        let directory = directory.as_ref().map(directory::directory).transpose();
        let directory = violations.include(directory.map_err(|faults| faults.within("directory")));
        let ((situation, given), (at, directory)) =
            violations.finish(situation.zip(given).zip(at.zip(directory)))?;
        let snapshot = self.core.snapshot(&decide.at_least).await?;
        let today = self.core.now(&snapshot, &situation.client)?;
        check_born(&situation.client, today).map_err(|faults| faults.within("decide"))?;
        let now = at.unwrap_or(today);
        let directory = directory.map_or_else(|| Arc::clone(snapshot.directory()), Arc::new);
        let (current, mut declarations) = if *ignore_stored {
            (situation.client.clone(), Vec::new())
        } else {
            let History { current, declarations, .. } =
                self.core.history(&situation.client, &snapshot).await?;
            (current, declarations)
        };
        declarations.extend(given);
        let world = World { directory: &directory, calendar: &self.core.calendar, now };
        let question = world.question_of_person(&situation, &current, Facts::all(&declarations));
        let decision = self.simulated(decide, &question, &declarations, now, &snapshot);
        Ok(SimulateResponse { decision: Some(decision), simulated: true })
    }

    /// The answer of `Decide` for other declarations or in another world, as a message.
    fn simulated(
        &self,
        message: &DecideRequest,
        question: &Question<'_, '_>,
        declarations: &ClientDeclarations,
        now: Instant,
        snapshot: &Snapshot,
    ) -> DecideResponse {
        let mut verdicts = Vec::with_capacity(message.records.len());
        let Ok(()) = decide(question, message.records.as_slice(), |verdict| {
            verdicts.push(to_verdict(verdict, Disclosure::Detailed, id_among(declarations)));
        });
        DecideResponse {
            verdicts,
            decision_id: decision_id(now).to_string(),
            token: self.core.tokens.write(snapshot.point()),
            decided_at: Some(to_timestamp(now)),
            catalogue_version: self.core.catalogue_version.text().to_string(),
            request_id: message.request_id.clone(),
        }
    }

    /// An explanation shows the declarations considered: where there are
    /// denials among them, they are viewed to investigate (002).
    async fn log_viewing(
        &self,
        message: &DecideRequest,
        situation: &Situation<'_>,
        shown: &[&Declaration],
        directory: &Directory,
    ) -> Result<(), Failure> {
        if !shown.iter().any(|declaration| declaration.content.kind() == Kind::Denial) {
            return Ok(());
        }
        let viewing = Viewing {
            client: situation.client.clone(),
            viewer: decision::asked_by(message, directory),
            purpose: ViewingPurpose::Investigation,
            what: Viewed::Explanation,
        };
        self.core.log_viewing(viewing).await
    }
}

#[tonic::async_trait]
impl DecisionService for Decisions {
    async fn decide(&self, request: Request<DecideCall>) -> Result<Response<Answer>, Status> {
        let caller = self.core.entitlement(request.remote_addr());
        let call = request.get_ref();
        Ok(Core::about(call.records.count(), self.decide(call, caller).await?))
    }

    async fn explain(&self, request: Request<ExplainRequest>) -> Result<Response<ExplainResponse>, Status> {
        self.core.require_full(request.remote_addr())?;
        Ok(Response::new(self.explain(request.get_ref()).await?))
    }

    async fn simulate(
        &self,
        request: Request<SimulateRequest>,
    ) -> Result<Response<SimulateResponse>, Status> {
        self.core.require_full(request.remote_addr())?;
        let asked = request.get_ref();
        let records = asked.decide.as_ref().map_or(0, |decide| decide.records.len());
        Ok(Core::about(records, self.simulate(asked).await?))
    }

    async fn list_rules(&self, _: Request<ListRulesRequest>) -> Result<Response<ListRulesResponse>, Status> {
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
