//! Imports in parts, and what links make of them.

use lupa::policy::client_id::ClientId;
use lupa::policy::declaration::{Declaration, Kind, Withdrawal};
use lupa::policy::history::HistoryEntry;
use lupa::policy::link::{CODES_MAX, Link, LinkReason, LinkRecorder, LinkedCodes, RecordedLink};
use lupa::store::{ImportOutcome, Revision, Store};

use super::fixture::*;
use crate::fixtures::importing::import;

fn code(number: usize) -> ClientId {
    ClientId::Other { root: oid("1.2.246.999"), extension: id(&format!("k{number}")) }
}

fn linking(number: usize, codes: [ClientId; 2]) -> HistoryEntry {
    HistoryEntry::Link(RecordedLink {
        link: Link {
            id: id(&format!("link {number}")),
            linked: LinkedCodes { current: codes[1].clone(), codes: Box::new(codes) },
            recorded_at: at(1),
        },
        reason: LinkReason::DuplicateMerged,
        given_at: at(1),
        recorded_by: LinkRecorder::PopulationRegister,
        end: None,
    })
}

async fn outcomes(store: &Store, entries: Vec<HistoryEntry>) -> Vec<ImportOutcome> {
    import(store, entries).await.unwrap().1
}

async fn a_withdrawal_that_was_stored_before_its_own_declaration_has_no_effect_when_the_code_is_linked(
    home: Shared,
) {
    let store = home.open();
    let (index, _follower) = start_index(&store);
    let withdrawal = HistoryEntry::Withdrawal {
        client: client(),
        kind: Kind::Denial,
        declaration_id: id("denied"),
        withdrawal: Withdrawal { recorded_at: at(3), given_at: at(3), by: None },
    };
    assert_eq!(outcomes(&store, vec![withdrawal]).await, [ImportOutcome::Added]);
    let denied = HistoryEntry::Declaration(client(), imported("denied", 2));
    assert_eq!(outcomes(&store, vec![denied]).await, [ImportOutcome::Added]);
    let linked = linking(1, [client(), other_client()]);
    assert_eq!(outcomes(&store, vec![linked]).await, [ImportOutcome::Added]);
    let last = Revision(store.count().unwrap());
    reached(&index, &store, last).await;
    let (fresh, _fresh_follower) = start_index(&store);
    for index in [index, fresh] {
        reached(&index, &store, last).await;
        let snapshot = index.current().unwrap();
        let declared = snapshot.declarations(&other_client());
        assert!(declared.facts().all(|facts| facts.withdrawal.is_none()));
        assert_eq!(declared.facts().count(), 1);
        let codes = [client(), other_client()];
        let declarations: Vec<Declaration> = store.history_of(&codes, snapshot.point()).unwrap().declarations;
        assert!(declarations.iter().all(|declaration| declaration.withdrawal.is_none()));
    }
}

async fn links_of_several_imports_make_no_person_that_is_too_large(home: Shared) {
    let store = home.open();
    let chain = |from: usize| linking(from, [code(from), code(from + 1)]);
    let first = outcomes(&store, (0..CODES_MAX - 1).map(chain).collect()).await;
    assert_eq!(first, [ImportOutcome::Added; CODES_MAX - 1]);
    let further = outcomes(&store, vec![chain(CODES_MAX - 1)]).await;
    assert_eq!(further, [ImportOutcome::PersonTooLarge]);
}

on_both_stores!(
    a_withdrawal_that_was_stored_before_its_own_declaration_has_no_effect_when_the_code_is_linked,
    links_of_several_imports_make_no_person_that_is_too_large,
);
