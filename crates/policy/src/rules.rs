//! The ordered rule lists and the catalogue of all rules. A rule only reports its
//! finding; the loop in which the first finding decides is in `decide`.
//!
//! # How to add a rule
//!
//! 1. Write `rules/<list>/<rule>.rs` in the shape of its neighbours: a static
//!    [`Rule`] with its id, title, sources, dates and reasons, and the functions
//!    `find` (the finding) and `account` (the explanation). A rule that reads the
//!    record is `Find::ByRecord`, any other `Find::BySharing`.
//! 2. Put it in the `RULES` of `rules/<list>.rs`. Its place is its precedence;
//!    the last rule of a list always decides.
//! 3. A new page is cited through `rules/sources.rs`. A new reason or detail goes
//!    to `verdict.rs`, to `proto/` and to `src/wire/verdict.rs`; a new date to
//!    `calendar.rs` and to the settings.
//!
//! These tests fail until the rest is done: `scenarios` (a scenario in
//! `tests/scenarios` for each rule, reason, detail and obligation), `coverage`
//! and `differential` (the rule in the independent evaluator `tests/suite/reference`
//! and in the generator), `exhaustive` (the same on small spaces), `matrix` (the
//! reviewed table of decisions in `tests/expected`) and `sources_page` (the page of
//! sources).

mod account;
mod allocation;
mod consent;
mod cross_sector;
mod denial;
mod everyone;
mod healthcare;
mod outsourced;
mod social_welfare;
pub mod sources;
mod wellbeing;

use super::calendar::{Calendar, CalendarDate};
use super::client_id::ClientId;
use super::day::{Day, within};
use super::declared::Declared;
use super::directory::{Directory, Holder, Organisation, Party, Register, RegisterKind, Sector};
use super::inline_list::InlineList;
use super::request::{ClaimKind, Conditions, Record, Situation};
use super::verdict::{Deciding, Detail, Obligation, Obligations, Reason};
use sources::RuleSource;

pub use account::{Account, Fact, FactValue};
pub(crate) use allocation::not_offered;
pub(crate) use denial::covered_registers;
pub(crate) use everyone::UNKNOWN_REGISTER;

/// A rule: its finding and explanation, and its entry of the catalogue.
pub struct Rule {
    /// Stable and unique: in the catalogue, in spans and in logs.
    pub id: &'static str,
    /// The situation in which it decides, in a few words.
    pub title: &'static str,
    /// The pages that it is written from.
    pub sources: &'static [&'static RuleSource],
    /// When it is in force.
    pub in_force: Period,
    /// Further dates that its finding depends on.
    pub dates: &'static [CalendarDate],
    /// The reasons that it can give.
    pub reasons: &'static [Reason],
    /// Its finding; none: the next rule is evaluated.
    pub(crate) find: Find,
    /// What it examined and found, for explanations.
    pub(crate) account: fn(&Case<'_, '_>) -> Account,
}

/// What the finding of a rule depends on.
#[derive(Clone, Copy)]
pub(crate) enum Find {
    /// Not on the record: the finding is the same for every record of one register.
    BySharing(fn(&Sharing<'_, '_>) -> Option<Finding>),
    /// On the record too.
    ByRecord(FindByRecord),
}

/// The finding of a rule that reads the record.
pub(crate) type FindByRecord = fn(&Case<'_, '_>) -> Option<Finding>;

/// When a rule is in force.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// First day; none = no start.
    pub from: Option<CalendarDate>,
    /// First day on which it is no longer in force; none, or a date that is not set = no end.
    pub until: Option<CalendarDate>,
}

/// Rules evaluated in order; the first with a finding decides.
#[derive(Debug)]
pub struct RuleList {
    /// The registers between which it applies.
    pub name: &'static str,
    /// In order of precedence.
    pub rules: &'static [&'static Rule],
    /// The obligations of every verdict of its rules.
    pub(crate) obligations: ListObligations,
}

/// Which obligations a list adds to its verdicts. An enum instead of a function
/// pointer, because it is evaluated for every record and so can be inlined.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ListObligations {
    None,
    Healthcare,
}

/// The rules for every record, before those of its list.
pub static EVERYONE: RuleList =
    RuleList { name: "everyone", rules: everyone::RULES, obligations: ListObligations::None };

/// Between two healthcare registers.
pub static WITHIN_HEALTHCARE: RuleList = RuleList {
    name: "within healthcare",
    rules: healthcare::RULES,
    obligations: ListObligations::Healthcare,
};

/// Between two social-welfare registers.
pub static WITHIN_SOCIAL_WELFARE: RuleList = RuleList {
    name: "within social welfare",
    rules: social_welfare::RULES,
    obligations: ListObligations::None,
};

/// Between healthcare and social welfare.
pub static ACROSS_SECTORS: RuleList =
    RuleList { name: "across sectors", rules: cross_sector::RULES, obligations: ListObligations::None };

/// From the citizen's own data.
pub static WELLBEING_DATA: RuleList =
    RuleList { name: "wellbeing data", rules: wellbeing::RULES, obligations: ListObligations::None };

/// Every list, in the order of the catalogue.
pub static CATALOGUE: [&RuleList; 5] =
    [&EVERYONE, &WITHIN_HEALTHCARE, &WITHIN_SOCIAL_WELFARE, &ACROSS_SECTORS, &WELLBEING_DATA];

/// Everything that a rule may read, for one record.
pub(crate) struct Case<'c, 'a> {
    pub(crate) sharing: &'c Sharing<'c, 'a>,
    pub(crate) record: &'c Record<'c>,
}

/// Everything that is the same for all records of one register: one client's
/// data, from a holder to a requester, in one situation, at one instant.
pub(crate) struct Sharing<'c, 'a> {
    pub(crate) situation: &'c Situation<'c>,
    /// The client's code in use now, by which the age is known.
    pub(crate) client: &'c ClientId,
    pub(crate) requester: Party<'c>,
    pub(crate) holder: &'c Holder<'c>,
    /// Whether the controller that the directory names for the holder succeeded
    /// a former provider.
    pub(crate) has_holder_succeeded: bool,
    pub(crate) declared: &'c Declared<'a>,
    pub(crate) directory: &'c Directory,
    pub(crate) calendar: &'c Calendar,
    pub(crate) today: Day,
}

/// The answer of a rule: it decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finding {
    pub(crate) reason: Reason,
    pub(crate) detail: Option<Detail>,
    pub(crate) declarations: Deciding,
    pub(crate) missing: Conditions,
    pub(crate) obligation: Option<Obligation>,
}

impl Finding {
    /// A reason without a detail.
    pub(crate) fn plain(reason: Reason) -> Self {
        Self {
            reason,
            detail: None,
            declarations: InlineList::none(),
            missing: InlineList::none(),
            obligation: None,
        }
    }

    /// A denial of access, with its detail.
    pub(crate) fn deny(reason: Reason, detail: Detail) -> Self {
        Self { detail: Some(detail), ..Self::plain(reason) }
    }

    /// A permit on an exception to consent: only what is necessary may be used (004).
    pub(crate) fn necessary_data_only(reason: Reason) -> Self {
        Self { obligation: Some(Obligation::NecessaryDataOnly), ..Self::plain(reason) }
    }

    /// Adds the declarations that decided, by their places.
    pub(crate) fn by(mut self, places: impl Iterator<Item = u32>) -> Self {
        self.declarations = places.collect();
        self
    }
}

impl ListObligations {
    /// Adds the obligations of the list to those of a verdict.
    #[inline]
    pub(crate) fn add_to(self, obligations: &mut Obligations, case: &Case<'_, '_>) {
        match self {
            Self::None => {}
            Self::Healthcare => healthcare::add_obligations(obligations, case),
        }
    }
}

impl<'c> Sharing<'c, '_> {
    /// The successors of the holder's named controller whose first day is reached.
    pub(crate) fn successors(&self) -> impl Iterator<Item = &'c Organisation> {
        self.directory.successors_by(self.holder.named_controller, self.calendar, self.today)
    }

    /// The list for these two registers, after the rules for everyone.
    pub(crate) fn list(&self) -> &'static RuleList {
        let holder = self.holder.register.kind;
        if holder == RegisterKind::WellbeingData {
            return &WELLBEING_DATA;
        }
        match (self.requester.register.kind.sector(), holder.sector()) {
            (Some(Sector::Healthcare), Some(Sector::Healthcare)) => &WITHIN_HEALTHCARE,
            (Some(Sector::SocialWelfare), Some(Sector::SocialWelfare)) => &WITHIN_SOCIAL_WELFARE,
            (_, _) => &ACROSS_SECTORS,
        }
    }

    /// Whether a claim of this kind is made with all of its conditions.
    pub(crate) fn has_complete_claim(&self, kind: ClaimKind) -> bool {
        self.situation.claims.iter().any(|claim| claim.kind == kind && claim.missing.is_empty())
    }

    /// Whether the data is patient data: registers of healthcare hold nothing
    /// else, because a record of another kind is invalid there.
    pub(crate) fn is_of_patient_data(&self) -> bool {
        self.holder.register.kind.sector() == Some(Sector::Healthcare)
    }

    /// Whether both ends are in healthcare.
    pub(crate) fn is_within_healthcare(&self) -> bool {
        self.requester.register.kind.sector() == Some(Sector::Healthcare) && self.is_of_patient_data()
    }

    /// Whether the data file in which the record is held is ready for something.
    #[inline]
    pub(crate) fn is_holder_ready(&self, is_ready: impl Fn(&Register) -> bool) -> bool {
        self.holder.is_ready(self.directory, is_ready)
    }

    /// Whether both ends are public healthcare in Uusimaa.
    pub(crate) fn is_within_uusimaa(&self) -> bool {
        self.requester.is_uusimaa_public_healthcare() && self.holder.is_uusimaa_public_healthcare()
    }
}

impl Rule {
    /// Whether it is in force on a day.
    #[must_use]
    pub fn is_in_force(&self, calendar: &Calendar, today: Day) -> bool {
        let day = |date: Option<CalendarDate>| date.and_then(|date| calendar.day(date));
        within(today, day(self.in_force.from), day(self.in_force.until))
    }
}

impl Period {
    /// Without a start and an end.
    pub(crate) const ALWAYS: Self = Self { from: None, until: None };
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_rule_is_printed_by_its_id() {
        assert_eq!(format!("{UNKNOWN_REGISTER:?}"), UNKNOWN_REGISTER.id);
        assert!(!UNKNOWN_REGISTER.id.is_empty());
    }

    #[test]
    fn ids_of_rules_are_unique() {
        let ids: Vec<&str> = CATALOGUE.iter().flat_map(|list| list.rules).map(|rule| rule.id).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{ids:?}");
    }
}
