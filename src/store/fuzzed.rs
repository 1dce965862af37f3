//! Checks for a fuzzer: both decoders of a stored change agree.

use super::change::{Change, ChangeEffect, ImportBoundary};
use super::id::DeclarationIds;
use super::stored_change::StoredChange;
use crate::policy::client_id::ClientId;
use crate::policy::facts::{Facts, OwnedFacts, WithdrawalFacts};
use crate::policy::link::Link;
use crate::policy::oid::OpaqueId;

/// The part of a change that affects decisions.
#[derive(Debug, PartialEq)]
enum DecodedEffect {
    Declaration(ClientId, OwnedFacts),
    Withdrawal(ClientId, OpaqueId<'static>, WithdrawalFacts),
    Nothing,
    Directory,
    Link(ClientId, Link),
    LinkEnd(ClientId, OpaqueId<'static>),
    Import(ImportBoundary),
}

impl From<Change> for DecodedEffect {
    fn from(change: Change) -> Self {
        match change {
            Change::Declaration { revision: _, recorded_at: _, client, declaration } => {
                Self::Declaration(client, Facts::of(0, &declaration).to_owned_facts())
            }
            Change::Withdrawal {
                revision: _,
                recorded_at: _,
                client,
                kind: _,
                declaration_id,
                withdrawal,
            } => Self::Withdrawal(client, declaration_id, WithdrawalFacts::of(&withdrawal)),
            Change::UnreadableWithdrawal { .. } => Self::Nothing,
            Change::Directory { .. } => Self::Directory,
            Change::Link { revision: _, recorded_at: _, client, link } => Self::Link(client, link.link),
            Change::LinkEnd { revision: _, recorded_at: _, client, link, end: _ } => {
                Self::LinkEnd(client, link)
            }
            Change::Import { revision: _, recorded_at: _, boundary } => Self::Import(boundary),
        }
    }
}

impl From<ChangeEffect> for DecodedEffect {
    fn from(effect: ChangeEffect) -> Self {
        match effect {
            ChangeEffect::Declaration { client, assigned_id: _, facts } => Self::Declaration(client, facts),
            ChangeEffect::Withdrawal { client, declaration_id, withdrawal } => {
                Self::Withdrawal(client, declaration_id, withdrawal)
            }
            ChangeEffect::Nothing => Self::Nothing,
            ChangeEffect::Directory(_) => Self::Directory,
            ChangeEffect::Link { client, link } => Self::Link(client, link),
            ChangeEffect::LinkEnd { client, link } => Self::LinkEnd(client, link),
            ChangeEffect::Import(boundary) => Self::Import(boundary),
        }
    }
}

/// Parses `WHAT KIND RECORDED_AT ROOT EXTENSION ID BODY`, the parts before the body without spaces, and
/// decodes it both ways. Returns whether it is a declaration or a withdrawal.
///
/// # Panics
/// If the two decoders disagree.
#[must_use]
pub fn check(bytes: &[u8]) -> bool {
    let Some((columns, again)) = columns(bytes).zip(columns(bytes)) else { return false };
    let ids = DeclarationIds::new(7);
    let full = columns.decode().map(DecodedEffect::from);
    let for_index = again.decode_for_index(ids).map(|change| DecodedEffect::from(change.effect));
    assert_eq!(full, for_index, "the two decoders");
    matches!(full, Ok(DecodedEffect::Declaration(..) | DecodedEffect::Withdrawal(..)))
}

fn columns(bytes: &[u8]) -> Option<StoredChange<'_>> {
    let mut parts = bytes.splitn(7, |byte| *byte == b' ');
    let mut text = || std::str::from_utf8(parts.next()?).ok();
    let (what, kind, recorded_at) = (text()?, text()?, text()?.parse().ok()?);
    let (root, extension, id) = (text()?, text()?, text()?);
    let body = parts.next()?;
    Some(StoredChange::of_parts((what, kind), recorded_at, (root, extension), id, body))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::check;

    #[test]
    fn both_decoders_agree_on_the_corpus() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/stored_row");
        let inputs = fs::read_dir(corpus).expect("the corpus");
        let read = |input: &fs::DirEntry| check(&fs::read(input.path()).expect("a file"));
        let count = inputs.filter(|input| read(input.as_ref().expect("an entry"))).count();
        assert!(count >= 3, "{count} inputs can be read");
    }
}
