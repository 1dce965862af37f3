//! First finding wins. Total: there is an answer for every record.

mod residual;

use std::cell::RefCell;

use super::calendar::Calendar;
use super::day::{Day, Instant};
use super::declared::Declared;
use super::directory::{Directory, Holder, OrganisationKind, Party, RegisterKind, Sector};
use super::facts::Facts;
use super::oid::Oid;
use super::request::{Channel, Record, RecordField, Situation};
use super::rules::{Account, Case, Finding, Rule, RuleList, Sharing, WITHIN_HEALTHCARE};
use super::verdict::{Obligation, Obligations, Verdict};
use residual::{Found, Remembered, Residual};

/// One client's question, with all that decides it. Made once a request;
/// answers record by record.
///
/// `'a` is the client's declarations.
#[derive(Debug)]
pub struct Question<'q, 'a> {
    situation: &'q Situation<'q>,
    directory: &'q Directory,
    calendar: &'q Calendar,
    declared: Declared<'a>,
    /// None: the directory does not know it, or it can be nobody's on whose
    /// behalf data is read.
    requester: Option<Party<'q>>,
    must_provide_information: bool,
    remembered: RefCell<Remembered<'q>>,
}

impl<'q, 'a> Question<'q, 'a> {
    /// Weighs the situation and all of the client's declarations, in revision
    /// order, at an instant.
    #[must_use]
    pub fn new(
        situation: &'q Situation<'q>,
        declarations: impl IntoIterator<Item = Facts<'a>>,
        directory: &'q Directory,
        calendar: &'q Calendar,
        now: Instant,
    ) -> Self {
        let declared = Declared::at(now, declarations, &situation.client, calendar);
        let known = directory.party(&situation.requester);
        let must_provide_information = declared.must_inform
            && known.is_none_or(|requester| must_inform_through(&requester, declared.today));
        let requester = known.filter(|requester| requester.register.kind.sector().is_some());
        let remembered = RefCell::default();
        Self { situation, directory, calendar, declared, requester, must_provide_information, remembered }
    }

    /// The answer for one record.
    #[must_use]
    pub fn decide(&self, record: &Record<'_>) -> Verdict {
        let mut remembered = self.remembered.borrow_mut();
        let residual = remembered.of(&record.register, || self.residual(&record.register));
        if let Some(field) = record.invalid_field(residual.map(|residual| &residual.holder)) {
            return Verdict::invalid(field);
        }
        let known = residual.and_then(|residual| Some((residual, self.sharing(&residual.holder)?)));
        let Some((residual, sharing)) = known else {
            return self.verdict(Found::unknown_register(), None, None);
        };
        let case = Case { sharing: &sharing, record };
        let found = residual.first(&case);
        let is_of_healthcare = std::ptr::eq(found.list, &WITHIN_HEALTHCARE);
        let holder = residual.holder.register.kind;
        self.verdict(found, Some(holder), is_of_healthcare.then_some((&case, residual)))
    }

    /// The answer for one record as it was read: one that cannot be read is invalid.
    #[must_use]
    pub fn decide_read(&self, read: Result<Record<'_>, RecordField>) -> Verdict {
        match read {
            Ok(record) => self.decide(&record),
            Err(field) => Verdict::invalid(field),
        }
    }

    /// The kind of the requester's register; none if the directory does not
    /// know it, or it can be nobody's on whose behalf data is read.
    #[must_use]
    pub fn requester(&self) -> Option<RegisterKind> {
        self.requester.map(|requester| requester.register.kind)
    }

    /// Whether a rule is in force on the day of the question.
    pub(super) fn is_in_force(&self, rule: &Rule) -> bool {
        rule.is_in_force(self.calendar, self.declared.today)
    }

    /// The list of rules for a record after those for everyone; none if a
    /// register is not known.
    pub(super) fn list(&self, record: &Record<'_>) -> Option<&'static RuleList> {
        let holder = self.holder(&record.register)?;
        self.sharing(&holder).map(|sharing| sharing.list())
    }

    /// What a rule finds for a record, for an explanation.
    pub(super) fn account(&self, rule: &Rule, record: &Record<'_>) -> Account {
        let holder = self.holder(&record.register);
        let sharing = holder.as_ref().and_then(|holder| self.sharing(holder));
        match &sharing {
            Some(sharing) => (rule.account)(&Case { sharing, record }),
            None => self.account_of_unknown(record),
        }
    }

    /// Which of the two registers the directory does not know, or which can be
    /// nobody's on whose behalf data is read.
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
                account.say("the requester's register is none of healthcare or social welfare")
            }
            (Some(_), Some(_)) => account,
        };
        match self.directory.party(&record.register) {
            None => account.say("the directory does not know the register that holds the record"),
            Some(_) => account,
        }
    }

    /// The dates that the question goes by.
    pub(super) fn calendar(&self) -> &Calendar {
        self.calendar
    }

    /// What is left to ask for the records of a register, if it is known.
    fn residual(&self, register: &Oid<'_>) -> Option<Residual<'q>> {
        let holder = self.holder(register)?;
        Some(Residual::of(holder, self.sharing(&holder).as_ref()))
    }

    /// A register as the holder of records; none if it is not known.
    fn holder(&self, register: &Oid<'_>) -> Option<Holder<'q>> {
        self.directory.holder(register, self.calendar, self.declared.today)
    }

    /// Sharing from a holder; none if the requester is not known.
    fn sharing<'c>(&'c self, holder: &'c Holder<'c>) -> Option<Sharing<'c, 'a>> {
        Some(Sharing {
            situation: self.situation,
            requester: self.requester?,
            holder,
            declared: &self.declared,
            directory: self.directory,
            calendar: self.calendar,
            today: self.declared.today,
        })
    }

    fn verdict(
        &self,
        found: Found,
        holder: Option<RegisterKind>,
        healthcare: Option<(&Case<'_, '_>, &Residual<'_>)>,
    ) -> Verdict {
        let Found { rule, list: _, finding } = found;
        let Finding { reason, detail, declarations, missing, obligation } = finding;
        let mut obligations = Obligations::none();
        if self.must_provide_information {
            obligations.push(Obligation::ProvideInformation);
        }
        if let Some(obligation) = obligation {
            obligations.push(obligation);
        }
        if let Some((case, residual)) = healthcare {
            if has_legacy_denial_to_check(case, residual) {
                obligations.push(Obligation::CheckLegacyDenial);
            }
            if case.sharing.situation.channel == Channel::OutsideKanta {
                obligations.push(Obligation::CheckDenialsBeforeDisclosing);
            }
        }
        Verdict {
            reason,
            detail,
            rule: Some(rule),
            declarations,
            missing,
            obligations,
            invalid_field: None,
            holder,
        }
    }
}

/// Whether the duty to inform has begun for a register: in social welfare only
/// once it has joined Kanta and shares within the sector (000, 001).
pub(crate) fn must_inform_through(party: &Party<'_>, today: Day) -> bool {
    party.register.kind.sector() != Some(Sector::SocialWelfare) || party.register.shares_within_sector(today)
}

/// Whether a denial given to a former provider may concern the record (002:
/// old service-provider-specific denials).
fn has_legacy_denial_to_check(case: &Case<'_, '_>, residual: &Residual<'_>) -> bool {
    let Case { sharing, record } = case;
    let holder = sharing.holder.named_controller;
    let is_former = |kind| kind == OrganisationKind::FormerPublic;
    match &record.original_controller {
        // As it is for most: there is no need to look it up.
        Some(original) if *original == holder.oid => is_former(holder.kind),
        Some(original) => {
            sharing.directory.organisation(original).is_some_and(|original| is_former(original.kind))
        }
        None => {
            is_former(holder.kind)
                || (residual.has_succeeded_any && record.recorded_on < holder.first_day(sharing.calendar))
        }
    }
}

#[cfg(test)]
mod tests;
