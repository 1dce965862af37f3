//! First finding wins. Total: there is an answer for every record.

use super::calendar::Calendar;
use super::day::{Day, Instant};
use super::declared::Declared;
use super::directory::{Directory, OrganisationKind, Party, Sector};
use super::gist::Gist;
use super::request::{Channel, Record, RecordField, Situation};
use super::rules::{Case, EVERYONE, Finding, Rule, RuleList, UNKNOWN_REGISTER, WITHIN_HEALTHCARE};
use super::verdict::{Obligation, Obligations, Reason, Verdict};

/// One client's question, with all that decides it. Made once a request;
/// answers record by record.
///
/// `'a` is the client's declarations.
#[derive(Debug)]
pub struct Question<'q, 'a> {
    situation: &'q Situation<'q>,
    directory: &'q Directory,
    calendar: &'q Calendar,
    today: Day,
    declared: Declared<'a>,
    /// None: the directory does not know it, or it can be nobody's on whose
    /// behalf data is read.
    requester: Option<Party<'q>>,
    must_provide_information: bool,
}

impl<'q, 'a> Question<'q, 'a> {
    /// Weighs the situation and all of the client's declarations, in revision
    /// order, at an instant.
    #[must_use]
    pub fn new(
        situation: &'q Situation<'q>,
        declarations: impl IntoIterator<Item = Gist<'a>>,
        directory: &'q Directory,
        calendar: &'q Calendar,
        now: Instant,
    ) -> Self {
        let today = Day::of(now);
        let declared = Declared::at(now, declarations, &situation.client, calendar);
        let known = directory.party(&situation.requester);
        let must_provide_information =
            declared.must_inform && known.is_none_or(|requester| must_inform_through(&requester, today));
        let requester = known.filter(|requester| requester.register.kind.sector().is_some());
        Self { situation, directory, calendar, today, declared, requester, must_provide_information }
    }

    /// The answer for one record.
    #[must_use]
    pub fn decide(&self, record: &Record<'_>) -> Verdict {
        let holder = self.directory.party(&record.register);
        if let Some(field) = record.invalid_field(holder.as_ref()) {
            return Verdict::invalid(field);
        }
        let Some(case) = self.case(record, holder) else {
            return self.verdict(&UNKNOWN_REGISTER, Finding::plain(Reason::UnknownRegister), None);
        };
        let list = case.list();
        let found = self
            .first(&EVERYONE, &case)
            .map(|found| (found, false))
            .or_else(|| self.first(list, &case).map(|found| (found, std::ptr::eq(list, &WITHIN_HEALTHCARE))));
        match found {
            Some(((rule, finding), is_of_healthcare)) => {
                self.verdict(rule, finding, is_of_healthcare.then_some(&case))
            }
            // Each list ends in a rule that always speaks; were one to be
            // shortened by mistake, this still denies.
            None => self.verdict(&UNKNOWN_REGISTER, Finding::plain(Reason::NotShareable), None),
        }
    }

    /// The answer for one record as it was read: one that cannot be read is invalid.
    #[must_use]
    pub fn decide_read(&self, read: Result<Record<'_>, RecordField>) -> Verdict {
        match read {
            Ok(record) => self.decide(&record),
            Err(field) => Verdict::invalid(field),
        }
    }

    /// The first finding of a list.
    fn first(&self, list: &RuleList, case: &Case<'_, '_>) -> Option<(&'static Rule, Finding)> {
        list.rules.iter().find_map(|rule| {
            let finding = self.is_in_force(rule).then(|| (rule.find)(case)).flatten()?;
            Some((*rule, finding))
        })
    }

    /// Whether a rule is in force on the day of the question.
    pub(super) fn is_in_force(&self, rule: &Rule) -> bool {
        rule.is_in_force(self.calendar, self.today)
    }

    /// The list of rules for a record after those for everyone; none if a
    /// register is not known.
    pub(super) fn list(&self, record: &Record<'_>) -> Option<&'static RuleList> {
        self.case(record, self.directory.party(&record.register)).map(|case| case.list())
    }

    /// The case for a record; none if a register is not known.
    fn case<'c>(&'c self, record: &'c Record<'c>, holder: Option<Party<'c>>) -> Option<Case<'c, 'a>> {
        Some(Case {
            situation: self.situation,
            record,
            requester: self.requester?,
            holder: holder?,
            declared: &self.declared,
            directory: self.directory,
            calendar: self.calendar,
            today: self.today,
        })
    }

    fn verdict(&self, rule: &'static Rule, finding: Finding, healthcare: Option<&Case<'_, '_>>) -> Verdict {
        let Finding { reason, detail, declarations, missing, obligation } = finding;
        let mut obligations = Obligations::none();
        if self.must_provide_information {
            obligations.push(Obligation::ProvideInformation);
        }
        if let Some(obligation) = obligation {
            obligations.push(obligation);
        }
        if let Some(case) = healthcare {
            if has_legacy_denial_to_check(case) {
                obligations.push(Obligation::CheckLegacyDenial);
            }
            if case.situation.channel == Channel::OutsideKanta {
                obligations.push(Obligation::CheckDenialsBeforeDisclosing);
            }
        }
        Verdict { reason, detail, rule: Some(rule), declarations, missing, obligations, invalid_field: None }
    }
}

/// Whether the duty to inform has begun for a register: in social welfare only
/// once it has joined Kanta and shares within the sector (000, 001).
pub(crate) fn must_inform_through(party: &Party<'_>, today: Day) -> bool {
    party.register.kind.sector() != Some(Sector::SocialWelfare) || party.register.shares_within_sector(today)
}

/// Whether a denial given to a former provider may concern the record (002:
/// old service-provider-specific denials).
fn has_legacy_denial_to_check(case: &Case<'_, '_>) -> bool {
    let is_former = |kind| kind == OrganisationKind::FormerPublic;
    match &case.record.original_controller {
        Some(original) => {
            case.directory.organisation(original).is_some_and(|original| is_former(original.kind))
        }
        None => {
            let holder = case.holder.controller;
            is_former(holder.kind)
                || (case.directory.has_succeeded_any(holder)
                    && case.record.recorded_on < holder.first_day(case.calendar))
        }
    }
}
