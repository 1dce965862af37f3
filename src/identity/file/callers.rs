//! The `[[callers]]` tables.

use std::collections::HashSet;

use toml::Spanned;
use toml::de::DeValue;

use super::entry::TableEntry;
use super::references::Known;
use super::{CallerEntry, LocalPeer, TokenReference};
use crate::config::nearest;
use crate::identity::caller::{OrganisationScope, RegisterScope};
use crate::identity::verb::{Verb, Verbs};
use crate::policy::oid::Oid;

/// Maximum length of a subject, in characters.
const SUBJECT_CHARACTERS_MAX: usize = 256;

impl CallerEntry {
    pub(super) const KEYS: &'static [&'static str] = &[
        "name",
        "authority",
        "dns",
        "uri",
        "token",
        "local",
        "organisations",
        "registers",
        "verbs",
        "details",
        "idempotency_space",
    ];

    pub(super) fn read(entry: &TableEntry<'_>, name: &str, known: &Known<'_>) -> Option<Self> {
        let certificate = known.certificate(entry);
        let token = token(entry, known);
        let local = local(entry);
        let has_identity =
            ["authority", "dns", "uri", "token", "local"].iter().any(|key| entry.value(key).is_some());
        if !has_identity {
            entry.missing("authority", "… with dns or uri, or token = { … }, or local = { … }");
        }
        let verbs = verbs(entry);
        let organisations = organisations(entry);
        let registers = registers(entry);
        if registers == Some(RegisterScope::ByController) && entry.value("organisations").is_none() {
            entry.fault("registers", "\"by-controller\" needs organisations: list them");
        }
        let details = entry.flag("details").unwrap_or(false);
        let space = entry.text("idempotency_space");
        if space.is_some_and(|space| !super::is_name(space)) {
            entry.fault("idempotency_space", "write 1 to 64 of a-z, 0-9 and -");
        }
        Some(Self {
            name: name.to_owned(),
            certificate,
            token,
            local,
            verbs: verbs?,
            organisations: organisations?,
            registers: registers?,
            details,
            idempotency_space: space.unwrap_or(name).to_owned(),
        })
    }
}

fn token(entry: &TableEntry<'_>, known: &Known<'_>) -> Option<TokenReference> {
    let token = entry.table("token", &["issuer", "subject", "require_bound"])?;
    if token.value("issuer").is_none() {
        token.missing("issuer", "\"county-idp\"");
    }
    let issuer = known.issuer(&token, "issuer");
    let subject = token.required_text("subject", "\"emr\"");
    if let Some(subject) = subject {
        if subject.contains('*') {
            token.fault("subject", "it has a wildcard; names are compared as a whole");
        } else if subject.len() > SUBJECT_CHARACTERS_MAX || subject.contains(char::is_control) {
            token.fault("subject", "write at most 256 characters without control characters");
        }
    }
    let require_bound = token.flag("require_bound").unwrap_or(true);
    Some(TokenReference { issuer: issuer?, subject: subject?.to_owned(), require_bound })
}

/// One peer, or a list of them.
fn local(entry: &TableEntry<'_>) -> Vec<LocalPeer> {
    let Some(value) = entry.value("local") else { return Vec::new() };
    match entry.list("local") {
        Some(items) => items.iter().filter_map(|item| peer(entry, item)).collect(),
        None => peer(entry, value).into_iter().collect(),
    }
}

fn peer<'d>(entry: &TableEntry<'d>, value: &'d Spanned<DeValue<'d>>) -> Option<LocalPeer> {
    let expected = "write { uid = … }, { gid = … } or \"loopback\"";
    if value.get_ref().as_str() == Some("loopback") {
        return Some(LocalPeer::Loopback);
    }
    if value.get_ref().as_table().is_none() {
        entry.fault("local", expected);
        return None;
    }
    let table = entry.nested(value, "local", &["uid", "gid"])?;
    match (table.value("uid"), table.value("gid")) {
        (Some(_), None) => table.number("uid", 0, u32::MAX).map(LocalPeer::Uid),
        (None, Some(_)) => table.number("gid", 0, u32::MAX).map(LocalPeer::Gid),
        (None, None) | (Some(_), Some(_)) => {
            entry.fault("local", expected);
            None
        }
    }
}

fn verbs(entry: &TableEntry<'_>) -> Option<Verbs> {
    let example = "[\"decide\"]";
    if entry.value("verbs").is_none() {
        entry.missing("verbs", example);
        return None;
    }
    let Some(items) = entry.list("verbs").filter(|items| !items.is_empty()) else {
        entry.fault("verbs", &format!("write a list of verbs, such as {example}"));
        return None;
    };
    let mut found = Vec::with_capacity(items.len());
    for item in items {
        let word = item.get_ref().as_str().unwrap_or_default();
        match Verb::of_word(word) {
            Some(verb) if found.contains(&verb) => {
                entry.fault_at(item, "verbs", &format!("`{word}` is listed twice: remove one"));
            }
            Some(verb) => found.push(verb),
            None => {
                let words = Verb::ALL.map(Verb::word);
                let instead = match nearest(word, words) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the verbs are {}", words.join(", ")),
                };
                entry.fault_at(item, "verbs", &format!("no such verb; {instead}"));
            }
        }
    }
    Some(found.into_iter().collect())
}

fn organisations(entry: &TableEntry<'_>) -> Option<OrganisationScope> {
    let expected = "\"any\" or a list of OIDs";
    if entry.value("organisations").is_none() {
        entry.missing("organisations", expected);
        return None;
    }
    if let Some(items) = entry.list("organisations") {
        return oids(entry, "organisations", items).map(OrganisationScope::Listed);
    }
    entry.word("organisations", &[("any", ())]).map(|()| OrganisationScope::Any)
}

fn registers(entry: &TableEntry<'_>) -> Option<RegisterScope> {
    let expected = "\"any\", \"by-controller\" or a list of OIDs";
    if entry.value("registers").is_none() {
        entry.missing("registers", expected);
        return None;
    }
    if let Some(items) = entry.list("registers") {
        return oids(entry, "registers", items).map(RegisterScope::Listed);
    }
    let is_by_controller = entry.word("registers", &[("any", false), ("by-controller", true)])?;
    Some(if is_by_controller { RegisterScope::ByController } else { RegisterScope::Any })
}

/// The OIDs of a list. None: one has a fault, which is reported.
fn oids<'d>(
    entry: &TableEntry<'d>,
    key: &str,
    items: &'d [Spanned<DeValue<'d>>],
) -> Option<HashSet<Oid<'static>>> {
    if items.is_empty() {
        entry.fault(key, "an empty list permits nothing: list OIDs, or write \"any\"");
        return None;
    }
    let mut found = HashSet::with_capacity(items.len());
    let mut is_valid = true;
    for item in items {
        let parsed = Oid::parse(item.get_ref().as_str().unwrap_or_default());
        let fault = match parsed {
            Ok(oid) if found.insert(oid.clone().into_owned()) => continue,
            Ok(oid) => format!("{oid} is listed twice: remove one"),
            Err(invalid) => invalid.to_string(),
        };
        entry.fault_at(item, key, &fault);
        is_valid = false;
    }
    is_valid.then_some(found)
}
