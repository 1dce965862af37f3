//! Envoy's external authorization, `envoy.service.auth.v3.Authorization`: whether
//! an HTTP call may pass.
//!
//! ```text
//!  CheckRequest ─▶ Call ─▶ route: the source of each field ─▶ v1::DecideRequest
//!                                                                  │  as in Decide
//!  CheckResponse ◀── answer ◀── v1::Verdict … ◀── decide ◀─────────┘
//! ```
//!
//! A call that does not become one unambiguous request is denied, and so is a
//! call with a denied record: 403. A call that cannot be decided now is neither
//! permitted nor denied: 503. Both are answers to Envoy and not gRPC errors, so
//! that they do not depend on Envoy's `failure_mode_allow`.

mod answer;
mod call;
mod fault;
mod parts;
mod route;
mod source;
mod template;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use envoy_types::pb::envoy::service::auth::v3::authorization_server::Authorization;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use super::Core;
use super::caller::RequestCaller;
use super::decision_id::decision_id;
use super::status::Failure;
use super::tally::{DecisionContext, Tally};
use crate::decide::{ReadRecords, decide};
use crate::identity::Verb;
use crate::policy::World;
use crate::store::Point;
use crate::telemetry::attributes::Attribute;
use crate::telemetry::metrics::RpcStatus;
use crate::telemetry::rpc::Rpc;
use crate::telemetry::span::{ActiveSpan, TRACEPARENT};
use crate::wire::decision;
use crate::wire::v1::{DecideRequest, Effect, Obligation, Reason, Verdict};
use crate::wire::verdict::{Disclosure, to_verdict};
use answer::{Permit, Problem};
use call::Call;
use fault::CallFault;
use route::MatchedRoute;

pub use route::{RouteFault, Routes};

/// The service that Envoy calls.
#[derive(Clone)]
pub struct Sidecar {
    core: Core,
    routes: Arc<Routes>,
}

/// The decision on a call.
struct Decision {
    verdicts: Vec<Verdict>,
    id: Uuid,
    point: Point,
}

impl Sidecar {
    /// Answers from these parts, by these routes.
    #[must_use]
    pub fn new(core: Core, routes: Arc<Routes>) -> Self {
        Self { core, routes }
    }

    async fn check(&self, request: &CheckRequest, caller: &RequestCaller) -> Response<CheckResponse> {
        let matched = Call::of(request).and_then(|call| self.routes.question(&call));
        let MatchedRoute { question, permits_some } = match matched {
            Ok(matched) => matched,
            Err(fault) => return Core::about(0, self.denied_for(&fault)),
        };
        let answer = match self.decide(&question, caller).await {
            Ok(decision) => self.answer(&question, permits_some, &decision),
            Err(Failure::Invalid(invalid)) => self.denied_for(&CallFault::Invalid(invalid)),
            Err(failure) => {
                self.core.telemetry.metrics.refused(Rpc::CHECK, failure.reason());
                let error_id = failure.log();
                let detail = format!("{failure} (error {error_id})");
                if failure.code() == Code::Unavailable {
                    Problem::undecided(failure.reason(), &detail).into()
                } else {
                    self.denied_as(failure.reason(), &detail)
                }
            }
        };
        Core::about(question.records.len(), answer)
    }

    /// Denies a call that does not become a request.
    fn denied_for(&self, fault: &CallFault) -> CheckResponse {
        let code = fault.code();
        self.core.telemetry.metrics.refused(Rpc::CHECK, code);
        if let Some(span) = ActiveSpan::sampled() {
            span.set([Attribute::refusal(code)]);
        }
        self.denied_as(code, &fault.to_string())
    }

    /// Decides as `Decide` does for a caller with public access.
    async fn decide(&self, message: &DecideRequest, caller: &RequestCaller) -> Result<Decision, Failure> {
        self.core.check_size(message.records.len())?;
        let situation = decision::situation(message)?;
        let snapshot = self.core.snapshot(&message.at_least).await?;
        let organisation = decision::named_organisation(message);
        caller.check_requester(&situation.requester, organisation, snapshot.directory())?;
        let now = self.core.now(&snapshot, &situation.client)?;
        let declarations = snapshot.declarations(&situation.client);
        let world = World { directory: snapshot.directory(), calendar: &self.core.calendar, now };
        let question = declarations.question(world, &situation);
        let mut tally = Tally::of(&question);
        let mut verdicts = Vec::with_capacity(message.records.len());
        let Ok(()) = decide(&question, ReadRecords::from(message.records.as_slice()), |verdict| {
            tally.add(verdict);
            verdicts.push(to_verdict(verdict, Disclosure::Public, |_| None::<&str>));
        });
        let (id, point) = (decision_id(now), snapshot.point());
        let context = DecisionContext { id, channel: situation.channel, revision: point.revision };
        tally.record(&self.core, &context);
        Ok(Decision { verdicts, id, point })
    }

    fn answer(&self, question: &DecideRequest, permits_some: bool, decision: &Decision) -> CheckResponse {
        let Decision { verdicts, id, point } = decision;
        let decision_id = id.to_string();
        let pairs = question.records.iter().zip(verdicts);
        let (mut permitted, denied): (Vec<_>, Vec<_>) =
            pairs.partition(|(_, verdict)| verdict.effect() == Effect::Permit);
        // The service behind Envoy receives ids only, so an id is left out if any
        // record with it is denied, such as one of another register.
        let denied_ids: HashSet<_> = denied.iter().map(|(record, _)| record.id.as_str()).collect();
        permitted.retain(|(record, _)| !denied_ids.contains(record.id.as_str()));
        let passes = if permits_some { !permitted.is_empty() } else { denied.is_empty() };
        let Some((_, first)) = permitted.first().filter(|_| passes) else {
            let (reason, detail) = match denied.first() {
                Some((_, verdict)) => (verdict.reason(), in_words(verdict)),
                // A request without records was refused before.
                None => (Reason::InvalidRecord, Cow::Borrowed("")),
            };
            return Problem::denied(reason.as_str_name(), &detail, &decision_id).into();
        };
        let mut obligations: Vec<_> =
            permitted.iter().flat_map(|(_, verdict)| verdict.obligations()).collect();
        obligations.sort_unstable_by_key(|obligation| i32::from(*obligation));
        obligations.dedup();
        let ids = || permitted.iter().map(|(record, _)| record.id.as_str()).collect();
        Permit {
            decision_id: &decision_id,
            reason: first.reason().as_str_name(),
            obligations: obligations.iter().map(Obligation::as_str_name).collect(),
            token: self.core.tokens.of(*point).as_str(),
            // With `permits_some` it is sent for one record too: the service must
            // never take a missing list for all records.
            permitted: (permits_some || verdicts.len() > 1).then(ids),
        }
        .into()
    }

    fn denied_as(&self, reason: &str, detail: &str) -> CheckResponse {
        let decision_id = decision_id(self.core.clock.wall()).to_string();
        Problem::denied(reason, detail, &decision_id).into()
    }
}

#[tonic::async_trait]
impl Authorization for Sidecar {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let caller = RequestCaller::entitled(&request, Verb::Decide)?;
        let (metadata, check) = (request.metadata(), request.get_ref());
        // From Envoy if it traces, otherwise from its caller.
        let from_envoy = metadata.get(TRACEPARENT).and_then(|value| value.to_str().ok());
        let traceparent = from_envoy.or_else(|| call::header(check, TRACEPARENT));
        let Some(span) = self.core.telemetry.spans.start(Rpc::CHECK, traceparent) else {
            return Ok(self.check(check, &caller).await);
        };
        let answer = span.around(self.check(check, &caller)).await;
        span.end(RpcStatus::OK);
        Ok(answer)
    }
}

/// Why a record is denied, in public words.
fn in_words(verdict: &Verdict) -> Cow<'static, str> {
    Cow::Borrowed(match verdict.reason() {
        Reason::NotShareable => "the client's declarations do not allow this",
        Reason::NotOpen => "sharing of this kind is not open",
        Reason::RelationshipMissing => {
            "there is no care or client relationship, nor another justified ground"
        }
        Reason::AccessRightMissing => "the professional does not have the access right",
        Reason::UnknownRegister => "a register is not known",
        Reason::InvalidRecord => {
            return Cow::Owned(format!("`records.{}` is not valid: correct it", verdict.invalid_field));
        }
        // These permit.
        Reason::Unspecified
        | Reason::OwnRegister
        | Reason::Consent
        | Reason::UusimaaInformed
        | Reason::PrescriptionInformed
        | Reason::OutsourcedService
        | Reason::StatutoryRight
        | Reason::JointService
        | Reason::ClientUnableToDecide
        | Reason::LocalConsent => "",
    })
}
