//! Model test: a snapshot equals a naive fold over the changes, however it was built.

use std::collections::BTreeMap;

use lupa::index::{Index, IndexOptions, Snapshot, SnapshotDeclarations};
use lupa::policy::admit::Submission;
use lupa::policy::client_id::ClientId;
use lupa::policy::declaration::{Content, Declaration, Declarer, Withdrawal};
use lupa::policy::directory::Directory;
use lupa::policy::facts::Facts;
use lupa::policy::oid::OpaqueId;
use lupa::store::{Entry, Revision, Store};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index as Pick;

use super::arbitrary;
use super::fixture::*;

/// An operation on a store, for one of three clients.
#[derive(Clone, Debug)]
enum Event {
    Declare(Pick, Content),
    /// Any declaration of any client, also repeatedly.
    Withdraw(Pick, Declarer),
    Import(Vec<(Pick, Declaration)>),
    ReplaceDirectory(Directory),
    /// The index is restarted.
    Reload,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (any::<Pick>(), arbitrary::content()).prop_map(|(pick, content)| Event::Declare(pick, content)),
        4 => (any::<Pick>(), arbitrary::declarer()).prop_map(|(pick, by)| Event::Withdraw(pick, by)),
        1 => vec((any::<Pick>(), arbitrary::declaration()), 0..70).prop_map(Event::Import),
        1 => arbitrary::directory().prop_map(Event::ReplaceDirectory),
        1 => Just(Event::Reload),
    ]
}

/// The model: a naive fold.
#[derive(Default)]
struct Model {
    revision: Revision,
    clients: BTreeMap<ClientId, Vec<Declaration>>,
    directory: Directory,
}

impl Model {
    fn nth(&self, pick: Pick) -> Option<(ClientId, OpaqueId<'static>)> {
        let all: Vec<_> = self
            .clients
            .iter()
            .flat_map(|(client, declarations)| declarations.iter().map(move |one| (client, &one.id)))
            .collect();
        (!all.is_empty()).then(|| *pick.get(&all)).map(|(client, id)| (client.clone(), id.clone()))
    }

    fn declare(&mut self, client: ClientId, declaration: Declaration) {
        self.clients.entry(client).or_default().push(declaration);
    }

    fn withdraw(&mut self, client: &ClientId, id: &OpaqueId<'static>, withdrawal: Withdrawal) {
        for declaration in self.clients.get_mut(client).into_iter().flatten() {
            if declaration.id == *id {
                declaration.withdrawal = Some(withdrawal.clone());
            }
        }
    }

    fn check(&self, snapshot: &Snapshot) {
        assert_eq!(snapshot.revision(), self.revision);
        assert_eq!(snapshot.clients(), self.clients.len());
        assert_eq!(snapshot.declaration_count(), self.clients.values().map(Vec::len).sum::<usize>() as u64);
        for (client, declarations) in &self.clients {
            assert_same(snapshot.declarations(client), declarations);
        }
        assert_eq!(snapshot.directory().organisations(), self.directory.organisations());
        assert_eq!(snapshot.directory().registers(), self.directory.registers());
        assert_eq!(snapshot.directory().outsourcing(), self.directory.outsourcing());
    }
}

/// The facts and the ids are equal, in the same order.
fn assert_same(found: SnapshotDeclarations<'_>, expected: &[Declaration]) {
    let facts: Vec<Facts<'_>> = found.facts().collect();
    assert_eq!(facts.len(), expected.len());
    assert!(facts.iter().map(|facts| facts.place).is_sorted());
    for (facts, (expected, id)) in
        facts.into_iter().zip(Facts::all(expected).zip(expected.iter().map(|one| &one.id)))
    {
        assert_eq!(found.id(facts.place).unwrap().as_ref(), id.as_str());
        let shown = |facts: Facts<'_>| {
            (facts.content.to_content(), facts.given_on, facts.recorded_at, facts.role, facts.withdrawal)
        };
        assert_eq!(shown(facts), shown(expected));
    }
}

async fn happen(store: &Store, model: &mut Model, n: usize, event: Event) {
    let clients =
        [client(), other_client(), ClientId::Other { root: oid("1.2.246.999"), extension: id("c") }];
    match event {
        Event::Declare(pick, content) => {
            let client = pick.get(&clients).clone();
            let asked = declare(client.clone(), &format!("key {n}"), content.clone());
            let Entry::Declaration(submission) = asked.entry.clone() else { panic!("a declaration") };
            let Submission { declarer, recorded_by, .. } = submission;
            let appended = append(store, asked).await;
            model.revision = appended.revision;
            let declaration = Declaration {
                id: appended.declaration_id,
                content,
                given_at: appended.recorded_at,
                recorded_at: appended.recorded_at,
                withdrawal: None,
                declarer: Some(declarer),
                recorded_by: Some(recorded_by),
                label: None,
            };
            model.declare(client, declaration);
        }
        Event::Withdraw(pick, declarer) => {
            let Some((client, id)) = model.nth(pick) else { return };
            let mut asked = withdraw(client.clone(), &format!("key {n}"), id.clone());
            let Entry::Withdrawal(submission) = &mut asked.entry else { panic!("a withdrawal") };
            submission.declarer = declarer.clone();
            let appended = append(store, asked).await;
            model.revision = appended.revision;
            let recorded_at = appended.recorded_at;
            let withdrawal = Withdrawal { given_at: recorded_at, recorded_at, by: Some(declarer) };
            model.withdraw(&client, &id, withdrawal);
        }
        Event::Import(history) => {
            let history: Vec<(ClientId, Declaration)> = history
                .into_iter()
                .enumerate()
                .map(|(place, (pick, mut declaration))| {
                    declaration.id = id(&format!("imported {n} {place}"));
                    (pick.get(&clients).clone(), declaration)
                })
                .collect();
            model.revision = store.import(history.clone()).await.unwrap();
            history.into_iter().for_each(|(client, declaration)| model.declare(client, declaration));
        }
        Event::ReplaceDirectory(directory) => {
            model.revision = store.replace_directory(directory.clone()).await.unwrap().point.revision;
            model.directory = directory;
        }
        Event::Reload => {}
    }
}

async fn check_all(home: &Shared, events: Vec<Event>, overlay_clients_max: usize) {
    let options = IndexOptions { overlay_clients_max, ..index_options() };
    let start_index = |store: &Store| Index::start(store.clone(), options.clone()).unwrap();
    let mut store = home.open();
    let mut model = Model::default();
    let (mut index, mut follower) = start_index(&store);
    for (n, event) in events.into_iter().enumerate() {
        if matches!(event, Event::Reload) {
            follower.stop();
            drop(store);
            store = home.open();
            (index, follower) = start_index(&store);
        }
        happen(&store, &mut model, n, event).await;
        if n % 3 == 0 {
            reached(&index, &store, model.revision).await;
            wait_until_current(&index, &model).await;
        }
    }
    reached(&index, &store, model.revision).await;
    wait_until_current(&index, &model).await;
    let (fresh, _fresh_follower) = start_index(&store);
    reached(&fresh, &store, model.revision).await;
    wait_until_current(&fresh, &model).await;
    // The digest depends on the state alone.
    assert_eq!(index.current().unwrap().digest(), fresh.current().unwrap().digest());
}

/// Revision 0 is reached before anything is loaded.
async fn wait_until_current(index: &Index, model: &Model) {
    index.readiness().wait_for(|ready| *ready).await.unwrap();
    model.check(&index.current().unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn incremental_merged_fresh_and_naive_agree(events in vec(event(), 1..40), overlay_clients_max in 0_usize..4) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for home in [Shared::sqlite(), Shared::postgres()] {
            runtime.block_on(check_all(&home, events.clone(), overlay_clients_max));
        }
    }
}
