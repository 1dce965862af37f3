//! The account of a rule: what it examined and found for one record, as facts
//! for machines and in a sentence. Built for explanations only, never for a
//! decision.

use super::{Case, Rule, Sharing};
use crate::calendar::{Calendar, CalendarDate};
use crate::day::Day;
use crate::directory::{Organisation, Register};
use crate::request::{Channel, ClaimKind, Conditions};
use crate::words::Word;

/// What a rule examined and found for one record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// In the order in which the rule examined them.
    pub facts: Vec<Fact>,
    /// Clauses of one sentence.
    clauses: Vec<String>,
}

/// A fact that a rule examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The name of the fact, such as `holder.joined_kanta_on`; stable.
    pub key: &'static str,
    /// Its value.
    pub value: FactValue,
}

/// The value of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactValue {
    /// There is none.
    None,
    /// A name of the interface, an OID, an id or a number.
    Text(String),
    /// A day.
    Day(Day),
    /// Yes or no.
    Flag(bool),
    /// The declaration at a place among the client's.
    Declaration(u32),
}

/// An end of the sharing.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Requester,
    Holder,
}

impl Account {
    /// States that a rule is not in force, and when it is in force.
    pub(crate) fn not_in_force(rule: &Rule, calendar: &Calendar) -> Self {
        let day = |date: Option<CalendarDate>| date.and_then(|date| calendar.day(date));
        let (from, until) = (day(rule.in_force.from), day(rule.in_force.until));
        let account = Self::default().fact("rule.in_force_from", from).fact("rule.in_force_until", until);
        account.say(match (from, until) {
            (Some(from), Some(until)) => format!("this rule is in force from {from} until {until}"),
            (Some(from), None) => format!("this rule is in force from {from}"),
            (None, Some(until)) => format!("this rule was in force until {until}"),
            (None, None) => "this rule is in force".to_owned(),
        })
    }

    /// Adds a fact.
    pub(crate) fn fact(mut self, key: &'static str, value: impl Into<FactValue>) -> Self {
        self.facts.push(Fact { key, value: value.into() });
        self
    }

    /// Adds a clause.
    pub(crate) fn say(mut self, clause: impl Into<String>) -> Self {
        self.clauses.push(clause.into());
        self
    }

    /// Adds the channel.
    pub(crate) fn channel(self, sharing: &Sharing<'_, '_>) -> Self {
        self.fact("channel", sharing.situation.channel.word())
    }

    /// Adds whether a claim of a kind is made, and the conditions that it lacks.
    pub(crate) fn claim(self, sharing: &Sharing<'_, '_>, kind: ClaimKind, name: &str) -> Self {
        let made: Vec<&Conditions> = sharing
            .situation
            .claims
            .iter()
            .filter(|claim| claim.kind == kind)
            .map(|claim| &claim.missing)
            .collect();
        let lacking = made.iter().flat_map(|missing| missing.iter()).map(|one| one.name());
        let lacking = lacking.collect::<Vec<_>>().join(", ");
        let account = self.fact("claim.made", !made.is_empty());
        if made.is_empty() {
            account.say(format!("the request makes no claim of {name}"))
        } else if made.iter().any(|missing| missing.is_empty()) {
            account.say(format!("the request claims {name}, with every condition"))
        } else {
            account
                .fact("claim.missing", lacking.clone())
                .say(format!("the request claims {name} and lacks {lacking}"))
        }
    }

    /// Adds when a register joined Kanta.
    pub(crate) fn joined_kanta(self, end: End, register: &Register, today: Day) -> Self {
        let (key, whose) = match end {
            End::Requester => ("requester.joined_kanta_on", "requester's"),
            End::Holder => ("holder.joined_kanta_on", "holder's"),
        };
        let on = register.joined_kanta_on;
        let named = named_register(register);
        self.fact(key, on).say(reached(&format!("the {whose} register {named} joined Kanta"), on, today))
    }

    /// Adds the date from which a register is ready for something.
    pub(crate) fn ready(
        self,
        key: &'static str,
        what: &str,
        register: &Register,
        from: Option<Day>,
        today: Day,
    ) -> Self {
        let named = named_register(register);
        self.fact(key, from).say(reached(&format!("register {named} {what}"), from, today))
    }

    /// Adds a date of the calendar.
    pub(crate) fn date(self, key: &'static str, what: &str, from: Day, today: Day) -> Self {
        let has = if from <= today { "since" } else { "only from" };
        self.fact(key, from).say(format!("{what} {has} {from}"))
    }

    /// The clauses as one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let clauses = self.clauses.join("; ");
        let mut characters = clauses.chars();
        match characters.next() {
            None => String::new(),
            Some(first) => first.to_uppercase().chain(characters).chain(['.']).collect(),
        }
    }
}

/// The account of a rule that concerns only Kanta, for a record on another channel;
/// none for a record on the channel Kanta.
pub(super) fn outside_kanta(sharing: &Sharing<'_, '_>) -> Option<Account> {
    (sharing.situation.channel != Channel::Kanta).then(|| {
        let account = Account::default().channel(sharing);
        account.say("the record does not travel through Kanta, so the registers need not be ready for it")
    })
}

/// Adds when the registers of the holder's data file joined Kanta.
pub(super) fn holders_joined_kanta(account: Account, sharing: &Sharing<'_, '_>) -> Account {
    let account = account.joined_kanta(End::Holder, sharing.holder.register, sharing.today);
    files_of(sharing).fold(account, |account, one| {
        account.ready(
            "holder.file.joined_kanta_on",
            "of the same file joined Kanta",
            one,
            one.joined_kanta_on,
            sharing.today,
        )
    })
}

/// The registers that form one data file with the holder's, if it has merged.
pub(super) fn files_of<'c>(sharing: &Sharing<'c, '_>) -> impl Iterator<Item = &'c Register> {
    let holder = sharing.holder;
    let others = sharing.directory.registers_of(holder.controller);
    others.filter(move |one| holder.is_merged() && one.kind == holder.register.kind)
}

/// The data file in which the record is held.
pub(super) fn held_in(case: &Case<'_, '_>) -> Account {
    let holder = &case.sharing.holder;
    let account = Account::default()
        .fact("holder.register", holder.register.oid.to_string())
        .fact("holder.controller", holder.named_controller.oid.to_string());
    let held = format!(
        "the record is held in {} of {}",
        named_register(holder.register),
        named_organisation(holder.named_controller)
    );
    if holder.is_merged() {
        let successor = holder.controller;
        let since = successor.first_day(case.sharing.calendar);
        account
            .fact("holder.merged_into", successor.oid.to_string())
            .fact("holder.merged_on", since)
            .say(held)
            .say(format!("it has been part of the file of {} since {since}", named_organisation(successor)))
    } else {
        account.say(held)
    }
}

/// A register by its name and OID.
pub(crate) fn named_register(register: &Register) -> String {
    named(&register.name.fi, register.oid.as_str())
}

/// An organisation by its name and OID.
pub(crate) fn named_organisation(organisation: &Organisation) -> String {
    named(&organisation.name.fi, organisation.oid.as_str())
}

fn named(name: &str, oid: &str) -> String {
    if name.trim().is_empty() { oid.to_owned() } else { format!("{} ({oid})", name.trim()) }
}

fn reached(what: &str, on: Option<Day>, today: Day) -> String {
    match on {
        None => format!("the directory has no day on which {what}"),
        Some(on) if on <= today => format!("{what} on {on}"),
        Some(on) => format!("{what} only on {on}"),
    }
}

impl From<&str> for FactValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for FactValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for FactValue {
    fn from(count: usize) -> Self {
        Self::Text(count.to_string())
    }
}

impl From<Day> for FactValue {
    fn from(day: Day) -> Self {
        Self::Day(day)
    }
}

impl From<bool> for FactValue {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<T: Into<Self>> From<Option<T>> for FactValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}
