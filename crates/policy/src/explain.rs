//! The same walk as `decide`, keeping every step with what it found, and the
//! days on which the answer will change.

use super::calendar::{Calendar, CalendarDate};
use super::day::{Day, Instant};
use super::decide::Question;
use super::declaration::ClientDeclarations;
use super::directory::{Directory, Party, Register};
use super::facts::Facts;
use super::oid::Oid;
use super::request::{Record, Situation};
use super::rules::{Account, EVERYONE, Rule, UNKNOWN_REGISTER};
use super::verdict::{Effect, Verdict};

/// Maximum number of future answers in an explanation.
const NEXT_MAX: usize = 8;

/// What was looked at for one record, in order, and the answer.
#[derive(Debug)]
pub struct Explanation {
    /// As [`Question::decide`] answers.
    pub verdict: Verdict,
    /// Each rule of the lists that apply; none for an invalid record.
    pub steps: Vec<Step>,
}

/// What became of one rule.
#[derive(Clone, Debug)]
pub struct Step {
    /// The rule.
    pub rule: &'static Rule,
    /// Whether it decided.
    pub outcome: Outcome,
    /// What it found; nothing where it was not reached or is not in force.
    pub account: Account,
}

/// Whether a rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is not in force on the day.
    NotInForce,
    /// It found nothing that decides.
    Passed,
    /// It decided.
    Decided(Effect),
    /// An earlier one decided.
    NotReached,
}

/// An answer that will be given from a day on, with what is known now.
#[derive(Clone, Copy, Debug)]
pub struct NextAnswer {
    /// The first day.
    pub from: Day,
    /// The answer.
    pub verdict: Verdict,
}

impl Question<'_, '_> {
    /// The answer for one record with every rule that was looked at.
    #[must_use]
    pub fn explain(&self, record: &Record<'_>) -> Explanation {
        let verdict = self.decide(record);
        let Some(decided) = verdict.rule else {
            return Explanation { verdict, steps: Vec::new() };
        };
        let list = self.list(record);
        let rules = EVERYONE.rules.iter().chain(list.map(|list| list.rules).unwrap_or_default());
        let mut has_decided = false;
        let steps = rules
            .map(|rule| {
                let outcome = if has_decided {
                    Outcome::NotReached
                } else if std::ptr::eq(*rule, decided) {
                    has_decided = true;
                    Outcome::Decided(verdict.effect())
                } else if self.is_in_force(rule) {
                    Outcome::Passed
                } else {
                    Outcome::NotInForce
                };
                let account = match outcome {
                    Outcome::Passed | Outcome::Decided(_) => self.account(rule, record),
                    Outcome::NotInForce => Account::not_in_force(rule, self.calendar()),
                    Outcome::NotReached => Account::default().say("an earlier rule decided"),
                };
                Step { rule, outcome, account }
            })
            .collect();
        debug_assert!(has_decided || std::ptr::eq(decided, &UNKNOWN_REGISTER), "a rule of the lists decides");
        Explanation { verdict, steps }
    }
}

/// The days on which the answer for a record changes, the next one first: of
/// all dates that decide, those on which another rule or reason answers.
#[must_use]
pub fn next_answers(
    situation: &Situation<'_>,
    declarations: &ClientDeclarations,
    directory: &Directory,
    calendar: &Calendar,
    now: Instant,
    record: &Record<'_>,
) -> Vec<NextAnswer> {
    let answer_at = |instant| {
        Question::new(situation, Facts::all(declarations), directory, calendar, instant).decide(record)
    };
    let mut last = answer_at(now);
    let today = Day::of(now);
    let mut days = dates_of(situation, directory, calendar, &record.register);
    days.retain(|day| *day > today);
    days.sort_unstable();
    days.dedup();
    let mut next = Vec::new();
    for from in days {
        let verdict = answer_at(from.start());
        if is_another(&last, &verdict) {
            next.push(NextAnswer { from, verdict });
            last = verdict;
        }
        if next.len() == NEXT_MAX {
            break;
        }
    }
    next
}

fn is_another(before: &Verdict, after: &Verdict) -> bool {
    let rule = |verdict: &Verdict| verdict.rule.map(|rule| rule.id);
    (rule(before), before.reason, before.detail) != (rule(after), after.reason, after.detail)
}

/// Every date by which the rules may answer otherwise for a register's records.
fn dates_of(
    situation: &Situation<'_>,
    directory: &Directory,
    calendar: &Calendar,
    holder: &Oid<'_>,
) -> Vec<Day> {
    let mut days: Vec<Day> = CalendarDate::ALL.into_iter().filter_map(|date| calendar.day(date)).collect();
    days.extend(situation.client.comes_of_age_on());
    if let Some(Party { register, controller }) = directory.party(&situation.requester) {
        days.extend(dates_of_register(register));
        let connections = controller.main_responsibility.iter();
        days.extend(connections.flat_map(|connection| [connection.from, connection.until]).flatten());
    }
    if let Some(Party { register, controller }) = directory.party(holder) {
        days.extend(dates_of_register(register));
        for successor in directory.successors(controller) {
            days.push(successor.first_day(calendar));
            days.extend(directory.registers_of(successor).flat_map(dates_of_register));
        }
    }
    // A register merges into that of a successor, which may be either end of an
    // outsourced service, or the one that a denial names.
    days.extend(directory.organisations().iter().filter_map(|organisation| organisation.operates_from));
    days
}

fn dates_of_register(register: &Register) -> impl Iterator<Item = Day> + use<> {
    let Register {
        oid: _,
        name: _,
        controller: _,
        kind: _,
        joined_kanta_on,
        shares_within_sector_from,
        retrieves_across_sectors_from,
        retrieves_prescriptions_from,
        stores_declarations_from: _,
    } = register;
    [
        *joined_kanta_on,
        *shares_within_sector_from,
        *retrieves_across_sectors_from,
        *retrieves_prescriptions_from,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests;
