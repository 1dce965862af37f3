//! Scenario files: tests of the policy as data. A file is read through the same
//! conversion as a request on the wire, so that there is one parser.

mod expectation;
mod file;

use std::sync::Arc;

use chrono::TimeDelta;

use crate::decide::{ReadRecords, decide};
use crate::policy::World;
use crate::policy::admit::{Admitted, PersonRecords, Terms, admit, admit_withdrawal};
use crate::policy::calendar::Calendar;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::Declaration;
use crate::policy::directory::Directory;
use crate::policy::explain::Explanation;
use crate::policy::facts::Facts;
use crate::policy::printout::printout;
use crate::policy::refusal::Refusal;
use crate::policy::verdict::RuleId;
use crate::policy::viewing::{Showing, select};
use crate::wire::client::check_born;
use crate::wire::declaration::{Listing, listing, print_order, submission, to_notice, withdrawal};
use crate::wire::verdict::{Disclosure, id_among, to_verdict};
use crate::wire::violation::InvalidRequest;
use crate::wire::{decision, v1};

pub use expectation::{Expectation, ExpectedAcceptance, ExpectedVerdict};
pub use file::read;

/// The default of the server.
const CLOCK_AHEAD_MAX: TimeDelta = TimeDelta::seconds(5);

/// A scenario: the facts, a request, and the expected outcome.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What the scenario shows.
    pub name: String,
    /// The line on which it starts in its file.
    pub line: Option<usize>,
    /// The time of the request.
    pub at: Instant,
    /// The directory, as the message in the file and as converted.
    pub directory: Arc<(v1::Directory, Directory)>,
    /// The calendar.
    pub calendar: Arc<Calendar>,
    /// The stored declarations, as the messages in the file and as converted.
    pub declarations: (Vec<v1::StoredDeclaration>, Vec<Declaration>),
    /// The request.
    pub request: Request,
    /// The expected outcome.
    pub expectation: Expectation,
}

/// The request of a scenario.
#[derive(Clone, Debug)]
pub enum Request {
    /// Decide.
    Decide(v1::DecideRequest),
    /// Record a declaration.
    Record(v1::RecordDeclarationRequest),
    /// Withdraw a declaration.
    Withdraw(v1::WithdrawDeclarationRequest),
    /// List declarations.
    List(v1::ListDeclarationsRequest),
    /// Print declarations.
    Print(v1::PrintDeclarationsRequest),
    /// Not a valid message, which the scenario expects.
    Unreadable,
}

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum ScenarioOutcome {
    /// One verdict for each record.
    Decided(Vec<v1::Verdict>),
    /// The request was accepted: declarations were recorded or shown.
    Accepted {
        /// Notices for the professional.
        notices: Vec<v1::Notice>,
        /// The ids of the declarations that were shown.
        declarations: Vec<String>,
    },
    /// The request was rejected with this code.
    Refused(String),
}

impl ScenarioOutcome {
    /// The outcome of an invalid request.
    #[must_use]
    pub fn invalid() -> Self {
        Self::Refused("INVALID_ARGUMENT".to_owned())
    }

    /// The outcome of a request that shows declarations.
    fn shown<'a>(declarations: impl IntoIterator<Item = &'a Declaration>) -> Self {
        let declarations = declarations.into_iter().map(|declaration| declaration.id.as_str().to_owned());
        Self::Accepted { notices: Vec::new(), declarations: declarations.collect() }
    }
}

impl From<Result<Admitted, Refusal>> for ScenarioOutcome {
    fn from(admitted: Result<Admitted, Refusal>) -> Self {
        match admitted {
            Ok(Admitted { notices, replaced: _ }) => Self::Accepted {
                notices: notices.into_iter().map(to_notice).collect(),
                declarations: Vec::new(),
            },
            Err(refusal) => refusal.into(),
        }
    }
}

impl From<Refusal> for ScenarioOutcome {
    fn from(refusal: Refusal) -> Self {
        let is_not_found = refusal == Refusal::DeclarationUnknown;
        Self::Refused(if is_not_found { "NOT_FOUND" } else { refusal.code() }.to_owned())
    }
}

impl From<InvalidRequest> for ScenarioOutcome {
    fn from(_: InvalidRequest) -> Self {
        Self::invalid()
    }
}

impl Scenario {
    /// The outcome of the request, computed by the core.
    #[must_use]
    pub fn ask_core(&self) -> ScenarioOutcome {
        self.answer().unwrap_or_else(|refused| refused)
    }

    fn answer(&self) -> Result<ScenarioOutcome, ScenarioOutcome> {
        let directory = &self.directory.1;
        let (calendar, now) = (&*self.calendar, self.at);
        let terms =
            Terms { directory, calendar, clock_ahead_max: CLOCK_AHEAD_MAX, declarations_max: usize::MAX };
        Ok(match &self.request {
            Request::Decide(message) => ScenarioOutcome::Decided(self.decide(message)?),
            Request::Record(message) => {
                let (submission, _) = submission(message)?;
                check_born(&submission.client, now)?;
                let declarations = self.stored();
                admit(&submission, PersonRecords::of_one(&submission.client, &declarations), terms, now)
                    .into()
            }
            Request::Withdraw(message) => {
                let (submission, _) = withdrawal(message)?;
                check_born(&submission.client, now)?;
                let declarations = self.stored();
                let person = PersonRecords::of_one(&submission.client, &declarations);
                admit_withdrawal(&submission, person, terms, now).into()
            }
            Request::List(message) => {
                let Listing { client, selection, view, page_size: _ } = listing(message)?;
                let showing = Showing { client: &client, directory, calendar, now };
                let selected = select(&selection, &view, &self.declarations.1, showing)?;
                ScenarioOutcome::shown(selected.iter().map(|shown| shown.declaration))
            }
            Request::Print(message) => {
                let order = print_order(message)?;
                let printed = printout(&order.submission, &self.declarations.1, directory, calendar, now)?;
                ScenarioOutcome::shown(printed.entries.iter().map(|entry| entry.declaration))
            }
            Request::Unreadable => ScenarioOutcome::invalid(),
        })
    }

    fn decide(&self, message: &v1::DecideRequest) -> Result<Vec<v1::Verdict>, InvalidRequest> {
        let situation = decision::situation(message)?;
        let question = self.world().question(&situation, Facts::all(&self.declarations.1));
        let mut verdicts = Vec::with_capacity(message.records.len());
        let Ok(()) = decide(&question, ReadRecords::from(message.records.as_slice()), |verdict| {
            verdicts.push(to_verdict(verdict, Disclosure::Detailed, id_among(&self.declarations.1)));
        });
        Ok(verdicts)
    }

    fn world(&self) -> World<'_> {
        World { directory: &self.directory.1, calendar: &self.calendar, now: self.at }
    }

    /// The declarations recorded up to the time of the request, as a store has none of the future.
    fn stored(&self) -> Vec<Declaration> {
        let recorded = self.declarations.1.iter().filter(|declaration| declaration.recorded_at <= self.at);
        recorded
            .map(|declaration| {
                let mut stored = declaration.clone();
                stored.withdrawal = stored.withdrawal.filter(|withdrawal| withdrawal.recorded_at <= self.at);
                stored
            })
            .collect()
    }

    /// The ids of the rules that were evaluated for one record, to find the cause of a difference.
    #[must_use]
    pub fn rules_walked(&self, record: usize) -> Vec<&'static str> {
        let Request::Decide(message) = &self.request else {
            return Vec::new();
        };
        let Ok(situation) = decision::situation(message) else {
            return Vec::new();
        };
        let question = self.world().question(&situation, Facts::all(&self.declarations.1));
        let Some(Ok(record)) = message.records.get(record).map(decision::record) else {
            return Vec::new();
        };
        let Explanation { verdict, steps } = question.explain(&record);
        let decided = verdict.rule.map(RuleId::as_str);
        let walked = steps.iter().map(|step| step.rule.id);
        let mut has_decided = false;
        walked.take_while(|id| !std::mem::replace(&mut has_decided, Some(*id) == decided)).collect()
    }

    /// The client of the request, if it is valid.
    #[must_use]
    pub fn client(&self) -> Option<ClientId> {
        let client = match &self.request {
            Request::Decide(message) => &message.client,
            Request::Record(message) => &message.client,
            Request::Withdraw(message) => &message.client,
            Request::List(message) => &message.client,
            Request::Print(message) => &message.client,
            Request::Unreadable => return None,
        };
        crate::wire::client::client_of(client.as_ref()).ok()
    }
}
