//! Conversions from and to messages are inverse: no field is lost in either direction.

use lupa::wire::v1::{Directory, StoredDeclaration};
use lupa::wire::{declaration, directory};

use crate::core::evaluate::cases;
use crate::core::generator::{Case, case};

const CASES: u64 = 5_000;

#[test]
fn directories_and_declarations_are_written_as_they_were_read() {
    let (mut written, mut unset) = (0, 0);
    for seed in 0..cases(CASES) {
        let Case { directory: given, declarations, .. } = case(seed);
        assert_eq!(directory::to_directory(&directory::directory(&given).unwrap()), given, "seed {seed}");
        for declared in &declarations {
            let read = declaration::stored_declarations("declarations", std::slice::from_ref(declared));
            let [read] = read.unwrap().try_into().unwrap();
            assert_eq!(declaration::to_stored(&read), completed(declared), "seed {seed}");
            written += 1;
            unset += u64::from(declared.id.is_empty());
        }
    }
    assert!(written > cases(CASES) && unset > 0, "{written} declarations, {unset} of them with parts unset");
}

/// Unset parts are read as defaults: the position as id, the time of recording as time given.
fn completed(declared: &StoredDeclaration) -> StoredDeclaration {
    let mut completed = declared.clone();
    if completed.id.is_empty() {
        completed.id = "declaration-1".to_owned();
    }
    completed.given_at = completed.given_at.or(completed.recorded_at);
    completed.withdrawal_given_at = completed.withdrawal_given_at.or(completed.withdrawn_at);
    completed
}

#[test]
fn empty_messages_round_trip_or_are_refused() {
    let nothing = Directory::default();
    assert_eq!(directory::to_directory(&directory::directory(&nothing).unwrap()), nothing);
    assert!(declaration::stored_declarations("declarations", &[StoredDeclaration::default()]).is_err());
}
