//! Scenario files: a policy tested by its users as data. Read by the same
//! conversion as the wire, so that there is one parser.

mod expectation;
mod file;

use std::sync::Arc;

use chrono::TimeDelta;

use crate::policy::Question;
use crate::policy::admit::{Admitted, Terms, admit, admit_withdrawal};
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

/// As the server's default.
const CLOCK_AHEAD_MAX: TimeDelta = TimeDelta::seconds(5);

/// What is so, what is asked, and what should come of it.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it shows.
    pub name: String,
    /// Where it begins in its file.
    pub line: Option<usize>,
    /// When it is asked.
    pub at: Instant,
    /// The directory, as given and as read.
    pub directory: Arc<(v1::Directory, Directory)>,
    /// The dates.
    pub calendar: Arc<Calendar>,
    /// What is stored, as given and as read.
    pub declarations: (Vec<v1::StoredDeclaration>, Vec<Declaration>),
    /// What is asked.
    pub request: Request,
    /// What should come of it.
    pub expectation: Expectation,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Request {
    /// A decision.
    Decide(v1::DecideRequest),
    /// To record a declaration.
    Record(v1::RecordDeclarationRequest),
    /// To withdraw one.
    Withdraw(v1::WithdrawDeclarationRequest),
    /// To list them.
    List(v1::ListDeclarationsRequest),
    /// To print them.
    Print(v1::PrintDeclarationsRequest),
    /// What is not even a message, where that is expected.
    Unreadable,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// One verdict a record.
    Decided(Vec<v1::Verdict>),
    /// Recorded or shown.
    Accepted {
        /// What the professional should know.
        notices: Vec<v1::Notice>,
        /// The ids of what was shown.
        declarations: Vec<String>,
    },
    /// Refused, with the code.
    Refused(String),
}

impl Outcome {
    /// What the request says cannot be read.
    #[must_use]
    pub fn invalid() -> Self {
        Self::Refused("INVALID_ARGUMENT".to_owned())
    }

    /// Shown.
    fn shown<'a>(declarations: impl IntoIterator<Item = &'a Declaration>) -> Self {
        let declarations = declarations.into_iter().map(|declaration| declaration.id.as_str().to_owned());
        Self::Accepted { notices: Vec::new(), declarations: declarations.collect() }
    }
}

impl From<Result<Admitted, Refusal>> for Outcome {
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

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        let is_not_found = refusal == Refusal::DeclarationUnknown;
        Self::Refused(if is_not_found { "NOT_FOUND" } else { refusal.code() }.to_owned())
    }
}

impl From<InvalidRequest> for Outcome {
    fn from(_: InvalidRequest) -> Self {
        Self::invalid()
    }
}

impl Scenario {
    /// Asks the core.
    #[must_use]
    pub fn ask_core(&self) -> Outcome {
        self.answer().unwrap_or_else(|refused| refused)
    }

    fn answer(&self) -> Result<Outcome, Outcome> {
        let directory = &self.directory.1;
        let (calendar, now) = (&*self.calendar, self.at);
        let terms = Terms { directory, calendar, clock_ahead_max: CLOCK_AHEAD_MAX };
        Ok(match &self.request {
            Request::Decide(message) => Outcome::Decided(self.decide(message)?),
            Request::Record(message) => {
                let (submission, _) = submission(message)?;
                check_born(&submission.client, now)?;
                let declarations = self.stored();
                admit(&submission, &declarations, terms, now).into()
            }
            Request::Withdraw(message) => {
                let (submission, _) = withdrawal(message)?;
                check_born(&submission.client, now)?;
                let declarations = self.stored();
                admit_withdrawal(&submission, &declarations, terms, now).into()
            }
            Request::List(message) => {
                let Listing { client, selection, view, page_size: _ } = listing(message)?;
                let showing = Showing { client: &client, directory, calendar, now };
                let selected = select(&selection, &view, &self.declarations.1, showing)?;
                Outcome::shown(selected.iter().map(|shown| shown.declaration))
            }
            Request::Print(message) => {
                let order = print_order(message)?;
                let printed = printout(&order.submission, &self.declarations.1, directory, calendar, now)?;
                Outcome::shown(printed.entries.iter().map(|entry| entry.declaration))
            }
            Request::Unreadable => Outcome::invalid(),
        })
    }

    fn decide(&self, message: &v1::DecideRequest) -> Result<Vec<v1::Verdict>, InvalidRequest> {
        let situation = decision::situation(message)?;
        let question = Question::new(
            &situation,
            Facts::all(&self.declarations.1),
            &self.directory.1,
            &self.calendar,
            self.at,
        );
        let verdicts = message.records.iter().map(|record| {
            let verdict = question.decide_read(decision::record(record));
            to_verdict(&verdict, Disclosure::Detailed, id_among(&self.declarations.1))
        });
        Ok(verdicts.collect())
    }

    /// What is stored by the time it is asked: a store has nothing of the future.
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

    /// The rules walked for one record, by id, for whoever looks for the fault.
    #[must_use]
    pub fn rules_walked(&self, record: usize) -> Vec<&'static str> {
        let Request::Decide(message) = &self.request else {
            return Vec::new();
        };
        let Ok(situation) = decision::situation(message) else {
            return Vec::new();
        };
        let question = Question::new(
            &situation,
            Facts::all(&self.declarations.1),
            &self.directory.1,
            &self.calendar,
            self.at,
        );
        let Some(Ok(record)) = message.records.get(record).map(decision::record) else {
            return Vec::new();
        };
        let Explanation { verdict, steps } = question.explain(&record);
        let decided = verdict.rule.map(RuleId::as_str);
        let walked = steps.iter().map(|step| step.rule.id);
        let mut has_decided = false;
        walked.take_while(|id| !std::mem::replace(&mut has_decided, Some(*id) == decided)).collect()
    }

    /// Whose declarations are stored, if that can be read.
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
