//! References between the entries of a callers file, and what must be unique.

use std::collections::HashMap;
use std::hash::Hash;

use super::entry::TableEntry;
use super::{CallersFile, CertificateReference, LocalPeer};
use crate::config::nearest;
use crate::identity::names::NameKind;

/// The entries to which others refer, by their names, in the order of the file.
pub(super) struct Known<'d> {
    /// With the kind of name by which callers are known, if it is valid.
    pub(super) authorities: Vec<(&'d str, Option<NameKind>)>,
    pub(super) issuers: Vec<&'d str>,
}

impl Known<'_> {
    /// The position of the authority that a key names, and its kind of name.
    pub(super) fn authority(&self, entry: &TableEntry<'_>, key: &str) -> Option<(usize, Option<NameKind>)> {
        let names: Vec<&str> = self.authorities.iter().map(|(name, _)| *name).collect();
        let at = position(&names, "[[authorities]]", entry, key)?;
        Some((at, self.authorities.get(at).and_then(|(_, kind)| *kind)))
    }

    /// The position of the token issuer that a key names.
    pub(super) fn issuer(&self, entry: &TableEntry<'_>, key: &str) -> Option<usize> {
        position(&self.issuers, "[[token_issuers]]", entry, key)
    }

    /// The certificate identity of an entry: an authority, and a name of its kind.
    pub(super) fn certificate(&self, entry: &TableEntry<'_>) -> Option<CertificateReference> {
        let given: Vec<NameKind> =
            NameKind::ALL.into_iter().filter(|kind| entry.value(kind.word()).is_some()).collect();
        let authority = self.authority(entry, "authority");
        let has_authority = entry.value("authority").is_some();
        let kind = match *given.as_slice() {
            [kind] if has_authority => kind,
            [kind] => {
                entry
                    .fault(kind.word(), "a name counts under one CA only: write authority = \"…\" beside it");
                kind
            }
            [] => {
                if has_authority {
                    let kind = authority.and_then(|(_, kind)| kind).map_or("dns", NameKind::word);
                    entry.missing(kind, "the name in the certificate");
                }
                return None;
            }
            [..] => {
                entry.fault(
                    "uri",
                    "dns is given too: a caller is known by one kind of name, remove the other",
                );
                return None;
            }
        };
        let name = entry.text(kind.word())?;
        let parsed = kind.parse(name.as_bytes());
        if let Err(fault) = &parsed {
            entry.fault(kind.word(), &format!("not a {kind}: {fault}"));
        }
        let parsed = parsed.ok()?;
        if parsed != name {
            entry.fault(kind.word(), "write it in lower case");
        }
        let (authority, expected) = authority?;
        if expected.is_some_and(|expected| expected != kind) {
            let message = "callers under this authority are known by the other kind of name: write that, or change \
                           `names` of the authority";
            entry.fault(kind.word(), message);
        }
        Some(CertificateReference { authority, name: parsed })
    }
}

fn position(names: &[&str], list: &str, entry: &TableEntry<'_>, key: &str) -> Option<usize> {
    let name = entry.text(key)?;
    let found = names.iter().position(|known| *known == name);
    if found.is_none() {
        let instead = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add a {list} table with this name"),
        };
        entry.fault(key, &format!("no entry of {list} has this name; {instead}"));
    }
    found
}

/// The first holder of each identity.
struct Unique<'e, T>(HashMap<T, &'e str>);

impl<'e, T: Hash + Eq> Unique<'e, T> {
    fn claim(&mut self, identity: T, holder: &'e TableEntry<'_>, key: &str) {
        if let Some(other) = self.0.get(&identity) {
            holder.fault(key, &format!("{other} has the same: an identity is of one caller, remove one"));
        } else {
            self.0.insert(identity, &holder.place);
        }
    }
}

/// Reports identities of two entries.
pub(super) fn check_unique(
    file: &CallersFile,
    issuers: &[(TableEntry<'_>, String)],
    proxies: &[(TableEntry<'_>, String)],
    callers: &[(TableEntry<'_>, String)],
) {
    let mut tokens = Unique(HashMap::new());
    for one in &file.token_issuers {
        if let Some(entry) = entry_of(issuers, &one.name) {
            tokens.claim(one.issuer.as_str(), entry, "issuer");
        }
    }
    let mut certificates = Unique(HashMap::new());
    for one in &file.proxies {
        if let Some(entry) = entry_of(proxies, &one.name) {
            certificates.claim(&one.certificate, entry, "authority");
        }
    }
    let mut subjects = Unique(HashMap::new());
    let mut peers: Unique<'_, LocalPeer> = Unique(HashMap::new());
    for one in &file.callers {
        let Some(entry) = entry_of(callers, &one.name) else { continue };
        if let Some(certificate) = &one.certificate {
            certificates.claim(certificate, entry, "authority");
        }
        if let Some(token) = &one.token {
            subjects.claim((token.issuer, token.subject.as_str()), entry, "token");
        }
        for peer in &one.local {
            peers.claim(*peer, entry, "local");
        }
    }
}

fn entry_of<'e, 'd>(entries: &'e [(TableEntry<'d>, String)], name: &str) -> Option<&'e TableEntry<'d>> {
    entries.iter().find(|(_, other)| other == name).map(|(entry, _)| entry)
}
