//! Envoy asks whether a call may pass: `envoy.service.auth.v3.Authorization`.
//!
//! ```text
//!  CheckRequest ─▶ call ─▶ route: which part comes from where ─▶ v1::DecideRequest
//!                                                                     │  as in Decide
//!  CheckResponse ◀── answer ◀── v1::Verdict … ◀── Question ◀──────────┘
//! ```
//!
//! A call that asks no question, or not certainly one, is denied, and so is one
//! with a record that is denied: 403. What cannot be decided now is neither a
//! permit nor a denial: 503. Both are answers to Envoy, not errors, so that they
//! do not depend on how Envoy is set up for errors.

mod answer;
mod call;
mod parts;
mod route;
mod source;
mod template;
mod unclear;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use envoy_types::pb::envoy::service::auth::v3::authorization_server::Authorization;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use super::Core;
use super::decision_id::decision_id;
use super::status::Failure;
use super::tally::{self, Tally};
use crate::policy::Question;
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
use route::Asked;
use unclear::Unclear;

pub use route::{OtherQuery, PartOptions, RouteFault, RouteOptions, Routes};
pub use source::PartSource;

/// The service that Envoy asks.
#[derive(Clone)]
pub struct Sidecar {
    core: Core,
    routes: Arc<Routes>,
}

/// What is decided about a call.
struct Decided {
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

    async fn check(&self, request: &CheckRequest) -> Response<CheckResponse> {
        let asked = Call::of(request).and_then(|call| self.routes.question(&call));
        let Asked { question, permits_some } = match asked {
            Ok(asked) => asked,
            Err(unclear) => return Core::about(0, self.unclear(&unclear)),
        };
        let answer = match self.decide(&question).await {
            Ok(decided) => self.answer(&question, permits_some, &decided),
            Err(Failure::Invalid(invalid)) => self.unclear(&Unclear::Invalid(invalid)),
            Err(failure) => {
                self.core.telemetry.metrics.refused(Rpc::CHECK, failure.reason());
                let error_id = failure.log();
                let told = format!("{failure} (error {error_id})");
                if failure.code() == Code::Unavailable {
                    Problem::undecided(failure.reason(), &told).into()
                } else {
                    self.denied_as(failure.reason(), &told)
                }
            }
        };
        Core::about(question.records.len(), answer)
    }

    /// Denies a call that asks no question, or not certainly one.
    fn unclear(&self, unclear: &Unclear) -> CheckResponse {
        let code = unclear.code();
        self.core.telemetry.metrics.refused(Rpc::CHECK, code);
        if let Some(span) = ActiveSpan::sampled() {
            span.set([Attribute::refusal(code)]);
        }
        self.denied_as(code, &unclear.to_string())
    }

    /// As `Decide` decides for a caller that is told the public reasons.
    async fn decide(&self, question: &DecideRequest) -> Result<Decided, Failure> {
        self.core.check_size(question.records.len())?;
        let situation = decision::situation(question)?;
        let snapshot = self.core.snapshot(&question.at_least).await?;
        let now = self.core.now(&snapshot)?;
        let declarations = snapshot.declarations(&situation.client);
        let asked =
            Question::new(&situation, declarations.facts(), snapshot.directory(), &self.core.calendar, now);
        let mut tally = Tally::of(&asked);
        let verdicts = question.records.iter().map(|record| {
            let verdict = asked.decide_read(decision::record(record));
            tally.add(&verdict);
            to_verdict(&verdict, Disclosure::Public, |_| None::<&str>)
        });
        let verdicts = verdicts.collect();
        let (id, point) = (decision_id(now), snapshot.point());
        tally.tell(&self.core, &tally::Decided { id, channel: situation.channel, revision: point.revision });
        Ok(Decided { verdicts, id, point })
    }

    fn answer(&self, question: &DecideRequest, permits_some: bool, decided: &Decided) -> CheckResponse {
        let Decided { verdicts, id, point } = decided;
        let decision_id = id.to_string();
        let pairs = question.records.iter().zip(verdicts);
        let (mut permitted, denied): (Vec<_>, Vec<_>) =
            pairs.partition(|(_, verdict)| verdict.effect() == Effect::Permit);
        // The service is told ids only: one of which any record is denied, such
        // as that of another register, is not told.
        let denied_ids: HashSet<_> = denied.iter().map(|(record, _)| record.id.as_str()).collect();
        permitted.retain(|(record, _)| !denied_ids.contains(record.id.as_str()));
        let passes = if permits_some { !permitted.is_empty() } else { denied.is_empty() };
        let Some((_, first)) = permitted.first().filter(|_| passes) else {
            let (reason, detail) = match denied.first() {
                Some((_, verdict)) => (verdict.reason(), in_words(verdict)),
                // There are no records: refused before.
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
            // Told of one record too: a service never takes a missing list for all.
            permitted: (permits_some || verdicts.len() > 1).then(ids),
        }
        .into()
    }

    fn denied_as(&self, reason: &str, detail: &str) -> CheckResponse {
        let decision_id = decision_id((self.core.clock)()).to_string();
        Problem::denied(reason, detail, &decision_id).into()
    }
}

#[tonic::async_trait]
impl Authorization for Sidecar {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let (metadata, check) = (request.metadata(), request.get_ref());
        // Told by Envoy if it traces, or else by whoever called it.
        let of_envoy = metadata.get(TRACEPARENT).and_then(|value| value.to_str().ok());
        let traceparent = of_envoy.or_else(|| call::header(check, TRACEPARENT));
        let Some(span) = self.core.telemetry.spans.start(Rpc::CHECK, traceparent) else {
            return Ok(self.check(check).await);
        };
        let answer = span.around(self.check(check)).await;
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
            return Cow::Owned(format!("`records.{}` cannot be read: correct it", verdict.invalid_field));
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
