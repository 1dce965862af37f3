//! The decision: of the rules that apply, the first with a finding decides.
//! There is an answer for every record.
//!
//! ```text
//! situation, declarations ─ World::question ─▶ Declared    once a request
//! register of a record ──── Residual::of ──▶ Residual    once a register, cached
//! record ────────────── Residual::decide ──▶ RuleMatch ─▶ Verdict
//! ```

mod residual;

use std::cell::RefCell;

use super::calendar::Calendar;
use super::client_id::ClientId;
use super::day::Instant;
use super::declared::Declared;
use super::directory::{Directory, Holder, Party, RegisterKind};
use super::facts::Facts;
use super::information::must_inform_through;
use super::oid::Oid;
use super::request::{Record, RecordField, Situation};
use super::rules::{Account, Case, Finding, Rule, RuleList, Sharing};
use super::verdict::{Obligation, Obligations, RuleId, Verdict};
use residual::{Residual, ResidualCache, RuleMatch};

/// The inputs of a decision that are the same for every request at one instant.
#[derive(Clone, Copy, Debug)]
pub struct World<'w> {
    /// Organisations and registers.
    pub directory: &'w Directory,
    /// The dates on which rules change.
    pub calendar: &'w Calendar,
    /// The instant of the decision.
    pub now: Instant,
}

impl<'w> World<'w> {
    /// Evaluates a situation and all of the client's declarations, in revision order.
    #[must_use]
    pub fn question<'a>(
        self,
        situation: &'w Situation<'w>,
        declarations: impl IntoIterator<Item = Facts<'a>>,
    ) -> Question<'w, 'a> {
        self.question_of_person(situation, &situation.client, declarations)
    }

    /// As [`Self::question`], for a person under several codes: `current` is the one
    /// in use now, by which the age is known, and the declarations are those under
    /// all of them.
    #[must_use]
    pub fn question_of_person<'a>(
        self,
        situation: &'w Situation<'w>,
        current: &'w ClientId,
        declarations: impl IntoIterator<Item = Facts<'a>>,
    ) -> Question<'w, 'a> {
        let Self { directory, calendar, now } = self;
        let mut declared = Declared::at(now, declarations, current, calendar);
        declared.denials.index(directory);
        let known = directory.party(&situation.requester);
        let must_provide_information = declared.must_inform
            && known.is_none_or(|requester| must_inform_through(&requester, declared.today));
        let requester = known.filter(|requester| requester.register.kind.sector().is_some());
        let residuals = RefCell::default();
        Question {
            situation,
            client: current,
            directory,
            calendar,
            declared,
            requester,
            must_provide_information,
            residuals,
        }
    }
}

/// A request about one client: the situation and the client's declarations, in
/// a [`World`]. Built once a request; decides record by record.
///
/// `'a` is the lifetime of the client's declarations.
#[derive(Debug)]
pub struct Question<'q, 'a> {
    situation: &'q Situation<'q>,
    /// The client's code in use now.
    client: &'q ClientId,
    directory: &'q Directory,
    calendar: &'q Calendar,
    declared: Declared<'a>,
    /// None: the directory does not know the register, or it is a register of
    /// neither sector, on whose behalf no data is read.
    requester: Option<Party<'q>>,
    must_provide_information: bool,
    residuals: RefCell<ResidualCache<'q>>,
}

impl<'q, 'a> Question<'q, 'a> {
    /// Decides one record.
    #[must_use]
    pub fn decide(&self, record: &Record<'_>) -> Verdict {
        let mut residuals = self.residuals.borrow_mut();
        let residual = residuals.get_or_insert_with(&record.register, || self.residual(&record.register));
        if let Some(field) = record.invalid_field(residual.map(|residual| &residual.holder)) {
            return Verdict::invalid(field);
        }
        let known = residual.and_then(|residual| {
            let sharing = self.sharing(&residual.holder, residual.has_holder_succeeded)?;
            Some((residual, sharing))
        });
        let Some((residual, sharing)) = known else {
            return self.verdict(&RuleMatch::unknown_register(), None, None);
        };
        let case = Case { sharing: &sharing, record };
        self.verdict(&residual.decide(&case), Some(&case), Some(residual.holder.register.kind))
    }

    /// Decides one record as it was read: a record with an unreadable field is invalid.
    #[inline]
    #[must_use]
    pub fn decide_read(&self, read: Result<Record<'_>, RecordField>) -> Verdict {
        match read {
            Ok(record) => self.decide(&record),
            Err(field) => Verdict::invalid(field),
        }
    }

    /// The kind of the requester's register; none if the directory does not
    /// know the register, or it is a register of neither sector.
    #[inline]
    #[must_use]
    pub fn requester(&self) -> Option<RegisterKind> {
        self.requester.map(|requester| requester.register.kind)
    }

    /// Whether a rule is in force on the day of the question.
    pub(super) fn is_in_force(&self, rule: &Rule) -> bool {
        rule.is_in_force(self.calendar, self.declared.today)
    }

    /// The rule list that applies to a record after the rules for everyone;
    /// none if a register is not known.
    pub(super) fn list(&self, record: &Record<'_>) -> Option<&'static RuleList> {
        let holder = self.holder(&record.register)?;
        self.sharing(&holder, self.has_succeeded(&holder)).map(|sharing| sharing.list())
    }

    /// What a rule examined and found for a record, for an explanation.
    pub(super) fn account(&self, rule: &Rule, record: &Record<'_>) -> Account {
        let holder = self.holder(&record.register);
        let sharing = holder.as_ref().and_then(|holder| self.sharing(holder, self.has_succeeded(holder)));
        match &sharing {
            Some(sharing) => (rule.account)(&Case { sharing, record }),
            None => self.account_of_unknown(record),
        }
    }

    /// Which of the two registers the directory does not know, or that the
    /// requester's is a register of neither sector.
    fn account_of_unknown(&self, record: &Record<'_>) -> Account {
        let known = self.directory.party(&self.situation.requester);
        let account = Account::default()
            .fact("requester.register", self.situation.requester.to_string())
            .fact("requester.known", known.is_some())
            .fact("holder.register", record.register.to_string())
            .fact("holder.known", self.directory.party(&record.register).is_some());
        let account = match (known, self.requester) {
            (None, _) => account.say("the directory does not know the requester's register"),
            (Some(_), None) => {
                account.say("the requester's register is neither of healthcare nor of social welfare")
            }
            (Some(_), Some(_)) => account,
        };
        match self.directory.party(&record.register) {
            None => account.say("the directory does not know the register that holds the record"),
            Some(_) => account,
        }
    }

    /// The calendar of the question.
    pub(super) fn calendar(&self) -> &Calendar {
        self.calendar
    }

    /// Evaluates the rules as far as a register alone decides them; none if the
    /// directory does not know the register.
    fn residual(&self, register: &Oid<'_>) -> Option<Residual<'q>> {
        let holder = self.holder(register)?;
        let has_holder_succeeded = self.has_succeeded(&holder);
        Some(Residual::of(holder, self.sharing(&holder, has_holder_succeeded).as_ref()))
    }

    /// A register as the holder of records; none if the directory does not know it.
    fn holder(&self, register: &Oid<'_>) -> Option<Holder<'q>> {
        self.directory.holder(register, self.calendar, self.declared.today)
    }

    fn has_succeeded(&self, holder: &Holder<'_>) -> bool {
        self.directory.has_succeeded_any(holder.named_controller)
    }

    /// Sharing from a holder; none if the requester is not known.
    fn sharing<'c>(&'c self, holder: &'c Holder<'c>, has_holder_succeeded: bool) -> Option<Sharing<'c, 'a>> {
        Some(Sharing {
            situation: self.situation,
            client: self.client,
            requester: self.requester?,
            holder,
            has_holder_succeeded,
            declared: &self.declared,
            directory: self.directory,
            calendar: self.calendar,
            today: self.declared.today,
        })
    }

    fn verdict(
        &self,
        decided: &RuleMatch,
        case: Option<&Case<'_, '_>>,
        holder: Option<RegisterKind>,
    ) -> Verdict {
        let RuleMatch { rule, finding, obligations: of_list } = *decided;
        let Finding { reason, detail, declarations, missing, obligation } = finding;
        let mut obligations = Obligations::none();
        if self.must_provide_information {
            obligations.push(Obligation::ProvideInformation);
        }
        if let Some(obligation) = obligation {
            obligations.push(obligation);
        }
        if let Some(case) = case {
            of_list.add_to(&mut obligations, case);
        }
        Verdict {
            reason,
            detail,
            rule: Some(RuleId::new(rule.id)),
            declarations,
            missing,
            obligations,
            invalid_field: None,
            holder,
        }
    }
}

#[cfg(test)]
mod tests;
