//! The trace of a decision: every rule of the lists that apply, with what it
//! examined and found, and the days on which the answer will change.

use super::calendar::{Calendar, CalendarDate};
use super::client_id::ClientId;
use super::day::{Day, Instant};
use super::decide::{Question, World};
use super::declaration::ClientDeclarations;
use super::directory::{Directory, Party, Register};
use super::facts::Facts;
use super::oid::Oid;
use super::request::{Record, Situation};
use super::rules::{Account, EVERYONE, Rule, UNKNOWN_REGISTER};
use super::verdict::{Effect, RuleId, Verdict};

/// Maximum number of future answers in an explanation.
const NEXT_MAX: usize = 8;

/// The answer for one record with the rules that led to it.
#[derive(Debug)]
pub struct Explanation {
    /// The verdict of [`Question::decide`].
    pub verdict: Verdict,
    /// Each rule of the lists that apply, in order; empty for an invalid record.
    pub steps: Vec<Step>,
}

/// One rule of an explanation.
#[derive(Clone, Debug)]
pub struct Step {
    /// The rule.
    pub rule: &'static Rule,
    /// Whether it decided.
    pub outcome: Outcome,
    /// What it examined and found; a rule that was not reached or is not in
    /// force says only that.
    pub account: Account,
}

/// Whether a rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is not in force on the day.
    NotInForce,
    /// It had no finding.
    Passed,
    /// It decided.
    Decided(Effect),
    /// An earlier one decided.
    NotReached,
}

/// An answer that will be given from a day on, if no declaration and no entry of
/// the directory changes.
#[derive(Clone, Copy, Debug)]
pub struct NextAnswer {
    /// The first day.
    pub from: Day,
    /// The answer.
    pub verdict: Verdict,
}

impl Question<'_, '_> {
    /// Decides one record and reports every rule of the lists that apply.
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
                } else if RuleId::new(rule.id) == decided {
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
        debug_assert!(has_decided || decided.as_str() == UNKNOWN_REGISTER.id, "a rule of the lists decides");
        Explanation { verdict, steps }
    }
}

/// The days on which the answer for a record changes, the next one first: the
/// days on which another rule, reason or detail is returned. `current` is the
/// client's code in use now. The answers so far are returned once `is_stopped`
/// says that nobody waits for them: there may be as many days as organisations.
#[must_use]
#[expect(clippy::too_many_arguments, reason = "they are the inputs of a decision, and the flag")]
pub fn next_answers(
    situation: &Situation<'_>,
    current: &ClientId,
    declarations: &ClientDeclarations,
    directory: &Directory,
    calendar: &Calendar,
    now: Instant,
    record: &Record<'_>,
    is_stopped: impl Fn() -> bool,
) -> Vec<NextAnswer> {
    let answer_at = |now| {
        let world = World { directory, calendar, now };
        world.question_of_person(situation, current, Facts::all(declarations)).decide(record)
    };
    let mut last = answer_at(now);
    let today = Day::of(now);
    let mut days = dates_of(situation, current, directory, calendar, &record.register);
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
        if next.len() == NEXT_MAX || is_stopped() {
            break;
        }
    }
    next
}

fn is_another(before: &Verdict, after: &Verdict) -> bool {
    (before.rule, before.reason, before.detail) != (after.rule, after.reason, after.detail)
}

/// Every date on which the answer for a register's records may change.
fn dates_of(
    situation: &Situation<'_>,
    current: &ClientId,
    directory: &Directory,
    calendar: &Calendar,
    holder: &Oid<'_>,
) -> Vec<Day> {
    let mut days: Vec<Day> = CalendarDate::ALL.into_iter().filter_map(|date| calendar.day(date)).collect();
    days.extend(current.comes_of_age_on());
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
    // From its successor's first day a register is part of the successor's data
    // file, which may be an end of an outsourced service or be named by a denial.
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
