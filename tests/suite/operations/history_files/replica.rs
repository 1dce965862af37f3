//! A replica that follows a store never decides by half an import.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use lupa::index::Index;
use lupa::policy::client_id::ClientId;
use lupa::wire::v1;

use super::everything::to_core;
use super::line::{day, declaration, file_of, link, other, withdrawal};
use super::place::{Place, snapshot, start_index, with_each_store};

/// Number of lines between the first and the last of a file: several reads of a follower.
const LINES_BETWEEN: usize = 12_000;

const IMPORTS: usize = 4;

/// What a snapshot has of a client: declarations, withdrawn ones, codes.
type Seen = (usize, usize, usize);

/// A consent at the start of a file and a denial at its end, whose withdrawal, under a code
/// that is linked at the start, is the last line.
fn lines(import: usize) -> Vec<v1::HistoryLine> {
    let (client, linked) = clients(import);
    let id = |name: &str| format!("{import}-{name}");
    let consent = "consent: { kind: CONSENT_KIND_HEALTHCARE }";
    let denial = "denial: { sector: SECTOR_HEALTHCARE, all_patient_data: {} }";
    let mut lines = vec![
        declaration(client.clone(), &id("consent"), day(1), consent),
        link(&id("link"), &[linked.clone(), client.clone()], day(2)),
    ];
    lines.extend((0..LINES_BETWEEN).map(|number| {
        declaration(other(&format!("{import}-{}", number / 2)), &id(&number.to_string()), day(3), denial)
    }));
    lines.push(declaration(client, &id("denial"), day(4), denial));
    lines.push(withdrawal(linked, &id("denial"), v1::Kind::Denial, day(5)));
    lines
}

fn clients(import: usize) -> (v1::ClientId, v1::ClientId) {
    (other(&format!("both-ends-{import}")), other(&format!("linked-{import}")))
}

/// Reads every snapshot that is published until it has to stop. Returns how many.
fn watch(index: &Index, clients: &[ClientId], is_over: &AtomicBool) -> usize {
    let mut revisions = BTreeSet::new();
    let mut is_last = false;
    while !is_last {
        is_last = is_over.load(Ordering::Acquire);
        let Some(snapshot) = index.newest() else { continue };
        revisions.insert(snapshot.revision());
        let mut has_earlier = true;
        for client in clients {
            let declarations = snapshot.declarations(client);
            let withdrawn = declarations.facts().filter(|facts| facts.withdrawal.is_some()).count();
            let codes = snapshot.person(client).map_or(1, |person| person.codes.len());
            let seen: Seen = (declarations.facts().count(), withdrawn, codes);
            assert!([(0, 0, 1), (2, 1, 2)].contains(&seen), "{seen:?} at {}", snapshot.revision());
            let has_it = seen.0 > 0;
            assert!(has_earlier || !has_it, "an import without an earlier one");
            has_earlier = has_it;
        }
    }
    revisions.len()
}

async fn no_snapshot_has_half_an_import(place: Place) {
    let store = place.follow();
    let (index, _follower) = start_index(&store);
    snapshot(&index, &store).await;
    let clients: Vec<ClientId> = (0..IMPORTS).map(|import| to_core(&clients(import).0)).collect();
    let is_over = AtomicBool::new(false);
    tokio::task::block_in_place(|| {
        thread::scope(|scope| {
            let watcher = scope.spawn(|| watch(&index, &clients, &is_over));
            for import in 0..IMPORTS {
                // By a process of its own, while this one follows.
                let file = place.write("lines.ndjson", file_of(&lines(import)));
                place.import_all(&[&file]);
                if import % 2 == 0 {
                    tokio::runtime::Handle::current().block_on(snapshot(&index, &store));
                }
            }
            let last = tokio::runtime::Handle::current().block_on(snapshot(&index, &store));
            assert!(clients.iter().all(|client| last.declarations(client).facts().count() == 2));
            is_over.store(true, Ordering::Release);
            let published = watcher.join().unwrap();
            assert!(published > 1, "{published} snapshots");
        });
    });
}

with_each_store!(no_snapshot_has_half_an_import);
