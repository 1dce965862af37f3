//! What a fuzzer checks of rows: that they can be read in full if they can be
//! loaded, and say the same.

use super::change::{Change, ChangeEffect};
use super::columns::Columns;
use super::id::DeclarationIds;
use crate::policy::client_id::ClientId;
use crate::policy::facts::{Facts, OwnedFacts, WithdrawalFacts};
use crate::policy::oid::OpaqueId;

/// What of a row decides.
#[derive(Debug, PartialEq)]
enum Says {
    Declaration(ClientId, OwnedFacts),
    Withdrawal(ClientId, OpaqueId<'static>, WithdrawalFacts),
    Nothing,
    Directory,
}

impl From<Change> for Says {
    fn from(change: Change) -> Self {
        match change {
            Change::Declaration { revision: _, recorded_at: _, client, declaration } => {
                Self::Declaration(client, Facts::of(0, &declaration).to_owned_facts())
            }
            Change::Withdrawal { revision: _, recorded_at: _, client, declaration_id, withdrawal } => {
                Self::Withdrawal(client, declaration_id, WithdrawalFacts::of(&withdrawal))
            }
            Change::UnreadableWithdrawal { .. } => Self::Nothing,
            Change::Directory { .. } => Self::Directory,
        }
    }
}

impl From<ChangeEffect> for Says {
    fn from(decides: ChangeEffect) -> Self {
        match decides {
            ChangeEffect::Declaration { client, told_id: _, facts } => Self::Declaration(client, facts),
            ChangeEffect::Withdrawal { client, declaration_id, withdrawal } => {
                Self::Withdrawal(client, declaration_id, withdrawal)
            }
            ChangeEffect::Nothing => Self::Nothing,
            ChangeEffect::Directory(_) => Self::Directory,
        }
    }
}

/// Reads `WHAT KIND RECORDED_AT ROOT EXTENSION ID BODY`, the parts before the
/// body without spaces. Whether it is a declaration or a withdrawal.
///
/// # Panics
/// If it is read in full and as it is loaded, and not alike.
#[must_use]
pub fn check(bytes: &[u8]) -> bool {
    let Some((columns, again)) = columns(bytes).zip(columns(bytes)) else { return false };
    let ids = DeclarationIds::new(7);
    let full = columns.change().map(Says::from);
    let loaded = again.loaded(ids).map(|loaded| Says::from(loaded.effect));
    assert_eq!(full, loaded, "read in full, and as it is loaded");
    matches!(full, Ok(Says::Declaration(..) | Says::Withdrawal(..)))
}

fn columns(bytes: &[u8]) -> Option<Columns<'_>> {
    let mut parts = bytes.splitn(7, |byte| *byte == b' ');
    let mut text = || std::str::from_utf8(parts.next()?).ok();
    let (what, kind, recorded_at) = (text()?, text()?, text()?.parse().ok()?);
    let (root, extension, id) = (text()?, text()?, text()?);
    let body = parts.next()?;
    Some(Columns::of_parts((what, kind), recorded_at, (root, extension), id, body))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::check;

    #[test]
    fn rows_of_the_corpus_are_loaded_as_they_are_read() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/stored_row");
        let inputs = fs::read_dir(corpus).expect("the corpus");
        let read = |input: &fs::DirEntry| check(&fs::read(input.path()).expect("a file"));
        let count = inputs.filter(|input| read(input.as_ref().expect("an entry"))).count();
        assert!(count >= 3, "{count} inputs can be read");
    }
}
