//! The ordered lists of rules and the catalogue. A rule says only what it
//! finds; that the first finding wins is said in `decide`.

mod account;
mod allocation;
mod consent;
mod cross_sector;
mod denial;
mod everyone;
mod healthcare;
mod outsourced;
mod social_welfare;
mod wellbeing;

use super::calendar::{Calendar, CalendarDate};
use super::day::{Day, within};
use super::declared::Declared;
use super::directory::{Directory, Holder, Party, Register, RegisterKind, Sector};
use super::inline_list::InlineList;
use super::request::{ClaimKind, Conditions, Record, Situation};
use super::verdict::{Deciding, Detail, Obligation, Reason};

pub use account::{Account, Fact, FactValue};
pub(crate) use allocation::not_offered;
pub(crate) use denial::covered_registers;
pub(crate) use everyone::UNKNOWN_REGISTER;

/// A rule: what it finds, and the data of the catalogue.
pub struct Rule {
    /// Stable: in the catalogue, in spans and in logs.
    pub id: &'static str,
    /// When it speaks, in a few words.
    pub title: &'static str,
    /// The pages that it is written from; `kanta: …` names a page of kanta.fi beyond the five.
    pub sources: &'static [&'static str],
    /// When it is in force.
    pub in_force: InForce,
    /// Further dates that it goes by.
    pub dates: &'static [CalendarDate],
    /// The reasons that it can give.
    pub reasons: &'static [Reason],
    /// What it finds.
    pub(crate) find: Find,
    /// What it looked at and found, for explanations.
    pub(crate) account: fn(&Case<'_, '_>) -> Account,
}

/// How a rule finds; none = it does not speak.
#[derive(Clone, Copy)]
pub(crate) enum Find {
    /// Without a look at the record: the same for every record of one register.
    BySharing(fn(&Sharing<'_, '_>) -> Option<Finding>),
    /// By the record too.
    ByRecord(FindByRecord),
}

/// What a rule finds that looks at the record.
pub(crate) type FindByRecord = fn(&Case<'_, '_>) -> Option<Finding>;

/// When a rule is in force.
#[derive(Clone, Copy, Debug)]
pub struct InForce {
    /// First day; none = it always was.
    pub from: Option<CalendarDate>,
    /// First day on which it no longer is; none, or a date that is not set = no end.
    pub until: Option<CalendarDate>,
}

/// Rules looked at together, in order.
#[derive(Debug)]
pub struct RuleList {
    /// For whom.
    pub name: &'static str,
    /// In order.
    pub rules: &'static [&'static Rule],
}

/// The rules for every record, before those of its list.
pub static EVERYONE: RuleList = RuleList { name: "everyone", rules: everyone::RULES };

/// Between two healthcare registers.
pub static WITHIN_HEALTHCARE: RuleList = RuleList { name: "within healthcare", rules: healthcare::RULES };

/// Between two social-welfare registers.
pub static WITHIN_SOCIAL_WELFARE: RuleList =
    RuleList { name: "within social welfare", rules: social_welfare::RULES };

/// Between healthcare and social welfare.
pub static ACROSS_SECTORS: RuleList = RuleList { name: "across sectors", rules: cross_sector::RULES };

/// From the citizen's own data.
pub static WELLBEING_DATA: RuleList = RuleList { name: "wellbeing data", rules: wellbeing::RULES };

/// Every list, in the order of the catalogue.
pub static CATALOGUE: [&RuleList; 5] =
    [&EVERYONE, &WITHIN_HEALTHCARE, &WITHIN_SOCIAL_WELFARE, &ACROSS_SECTORS, &WELLBEING_DATA];

/// Everything that a rule may look at, for one record.
pub(crate) struct Case<'c, 'a> {
    pub(crate) sharing: &'c Sharing<'c, 'a>,
    pub(crate) record: &'c Record<'c>,
}

/// Everything that is the same for all records of one register: one client's
/// data, from a holder to a requester, in one situation, at one instant.
pub(crate) struct Sharing<'c, 'a> {
    pub(crate) situation: &'c Situation<'c>,
    pub(crate) requester: Party<'c>,
    pub(crate) holder: &'c Holder<'c>,
    pub(crate) declared: &'c Declared<'a>,
    pub(crate) directory: &'c Directory,
    pub(crate) calendar: &'c Calendar,
    pub(crate) today: Day,
}

/// What a rule found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finding {
    pub(crate) reason: Reason,
    pub(crate) detail: Option<Detail>,
    pub(crate) declarations: Deciding,
    pub(crate) missing: Conditions,
    pub(crate) obligation: Option<Obligation>,
}

impl Finding {
    /// A reason that needs no more words.
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

    /// By the declarations at these places.
    pub(crate) fn by(mut self, places: impl Iterator<Item = u32>) -> Self {
        self.declarations = places.collect();
        self
    }
}

impl Sharing<'_, '_> {
    /// The list for these two, after the rules for everyone.
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

    /// Whether it is patient data: it is what registers of healthcare hold, and
    /// a record of another kind is invalid there.
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

impl InForce {
    /// It always was and has no end.
    pub(crate) const ALWAYS: Self = Self { from: None, until: None };
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_printed_by_its_id() {
        assert_eq!(format!("{UNKNOWN_REGISTER:?}"), UNKNOWN_REGISTER.id);
        assert!(!UNKNOWN_REGISTER.id.is_empty());
    }
}
