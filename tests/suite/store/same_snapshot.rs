//! Model test: a snapshot equals a naive fold over the changes, however it was built.

use std::collections::{BTreeMap, BTreeSet};

use lupa::index::{Index, IndexOptions, PersonDeclarations, Snapshot};
use lupa::policy::admit::Submission;
use lupa::policy::client_id::{ClientId, IdentityCode};
use lupa::policy::declaration::{Content, Declaration, Declarer, Withdrawal};
use lupa::policy::directory::Directory;
use lupa::policy::facts::Facts;
use lupa::policy::link::LinkedCodes;
use lupa::policy::oid::OpaqueId;
use lupa::policy::refusal::Refusal;
use lupa::store::{AppendError, Entry, Revision, Store};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index as Pick, subsequence};

use super::arbitrary;
use super::fixture::*;
use crate::fixtures::importing::import_new;

/// Number of clients. One of them never declares anything.
const CODES: usize = 5;

/// An operation on a store, for one of the clients.
#[derive(Clone, Debug)]
enum Event {
    Declare(Pick, Content),
    /// Any declaration of any client, also repeatedly, by its client.
    Withdraw(Pick, Declarer),
    /// Any declaration of any client, under any code.
    WithdrawElsewhere(Pick, Pick, Declarer),
    /// Two or three codes, and the current one among them.
    Link(Vec<usize>, Pick),
    /// Any link, also repeatedly.
    Unlink(Pick),
    Import(Vec<(Pick, Declaration)>),
    ReplaceDirectory(Directory),
    /// The index is restarted.
    Reload,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (any::<Pick>(), arbitrary::content()).prop_map(|(pick, content)| Event::Declare(pick, content)),
        4 => (any::<Pick>(), arbitrary::declarer()).prop_map(|(pick, by)| Event::Withdraw(pick, by)),
        1 => (any::<Pick>(), any::<Pick>(), arbitrary::declarer())
            .prop_map(|(pick, code, by)| Event::WithdrawElsewhere(pick, code, by)),
        2 => (subsequence((0..CODES).collect::<Vec<_>>(), 2..=3), any::<Pick>())
            .prop_map(|(codes, current)| Event::Link(codes, current)),
        1 => any::<Pick>().prop_map(Event::Unlink),
        1 => vec((any::<Pick>(), arbitrary::declaration()), 0..70).prop_map(Event::Import),
        1 => arbitrary::directory().prop_map(Event::ReplaceDirectory),
        1 => Just(Event::Reload),
    ]
}

/// The model: a naive fold.
#[derive(Default)]
struct Model {
    revision: Revision,
    clients: BTreeMap<ClientId, Vec<(Revision, Declaration)>>,
    /// Withdrawals under a code of a declaration that is not under it, in revision order.
    elsewhere: Vec<(ClientId, OpaqueId<'static>, Withdrawal)>,
    /// Links with their ids, in revision order, and whether each has ended.
    links: Vec<(OpaqueId<'static>, LinkedCodes, bool)>,
    directory: Directory,
}

impl Model {
    fn nth(&self, pick: Pick) -> Option<(ClientId, OpaqueId<'static>)> {
        let all: Vec<_> = self
            .clients
            .iter()
            .flat_map(|(client, declarations)| declarations.iter().map(move |(_, one)| (client, &one.id)))
            .collect();
        (!all.is_empty()).then(|| *pick.get(&all)).map(|(client, id)| (client.clone(), id.clone()))
    }

    fn declare(&mut self, client: ClientId, revision: Revision, declaration: Declaration) {
        self.clients.entry(client).or_default().push((revision, declaration));
    }

    fn withdraw(&mut self, client: &ClientId, id: &OpaqueId<'static>, withdrawal: Withdrawal) {
        let own = self.clients.get_mut(client).into_iter().flatten();
        let mut withdrawn =
            own.map(|(_, declaration)| declaration).filter(|declaration| declaration.id == *id);
        match withdrawn.next() {
            Some(declaration) => declaration.withdrawal = Some(withdrawal),
            None => self.elsewhere.push((client.clone(), id.clone(), withdrawal)),
        }
    }

    /// The codes of the person of a client, and the current one.
    fn person(&self, client: &ClientId) -> (BTreeSet<ClientId>, ClientId) {
        let mut codes = BTreeSet::from([client.clone()]);
        // As many rounds as there may be links in a chain.
        for _ in 0..CODES {
            for (_, linked, _) in self.links.iter().filter(|(_, _, has_ended)| !has_ended) {
                if linked.codes.iter().any(|code| codes.contains(code)) {
                    codes.extend(linked.codes.iter().cloned());
                }
            }
        }
        let of_person =
            |(_, linked, has_ended): &&(_, LinkedCodes, bool)| !has_ended && codes.contains(&linked.current);
        let latest = self.links.iter().rfind(of_person);
        let current = latest.map_or(client, |(_, linked, _)| &linked.current).clone();
        (codes, current)
    }

    /// The declarations under all codes of the person of a client.
    fn declarations(&self, client: &ClientId) -> Vec<Declaration> {
        let (codes, _) = self.person(client);
        let mut declarations: Vec<(Revision, Declaration)> =
            codes.iter().filter_map(|code| self.clients.get(code)).flatten().cloned().collect();
        declarations.sort_by_key(|(revision, _)| *revision);
        let mut declarations: Vec<Declaration> = declarations.into_iter().map(|(_, one)| one).collect();
        let elsewhere = self.elsewhere.iter().filter(|(code, _, _)| codes.contains(code));
        for declaration in &mut declarations {
            let last = elsewhere.clone().rfind(|(_, id, _)| *id == declaration.id);
            let own = declaration.withdrawal.as_ref().map(|own| own.recorded_at);
            let later = last.filter(|(_, _, last)| own.is_none_or(|own| own < last.recorded_at));
            if let Some((_, _, withdrawal)) = later {
                declaration.withdrawal = Some(withdrawal.clone());
            }
        }
        declarations
    }

    fn check(&self, snapshot: &Snapshot, store: &Store) {
        assert_eq!(snapshot.revision(), self.revision);
        assert_eq!(snapshot.clients(), self.clients.len());
        assert_eq!(snapshot.declaration_count(), self.clients.values().map(Vec::len).sum::<usize>() as u64);
        for client in clients() {
            let expected = self.declarations(&client);
            assert_same(&snapshot.declarations(&client), &expected);
            let (codes, current) = self.person(&client);
            let person =
                snapshot.person(&client).map(|person| (person.codes.clone(), person.current.clone()));
            let linked = (codes.len() > 1).then(|| (codes.iter().cloned().collect(), current));
            assert_eq!(person, linked);
            let codes: Vec<ClientId> = codes.into_iter().collect();
            let recorded = store.history_of(&codes, snapshot.point()).unwrap();
            assert_eq!(recorded.declarations, expected);
        }
        assert_eq!(snapshot.directory().organisations(), self.directory.organisations());
        assert_eq!(snapshot.directory().registers(), self.directory.registers());
        assert_eq!(snapshot.directory().outsourcing(), self.directory.outsourcing());
    }
}

/// The facts and the ids are equal, in the same order.
fn assert_same(found: &PersonDeclarations<'_>, expected: &[Declaration]) {
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

/// The last one is linked and never declares.
fn clients() -> [ClientId; CODES] {
    let other = |extension| ClientId::Other { root: oid("1.2.246.999"), extension: id(extension) };
    let national = ClientId::National(IdentityCode::parse("010190Y901R").unwrap());
    [client(), other_client(), other("c"), national, other("silent")]
}

async fn happen(store: &Store, model: &mut Model, n: usize, event: Event) {
    let clients = clients();
    let declaring = &clients[..CODES - 1];
    match event {
        Event::Declare(pick, content) => {
            let client = pick.get(declaring).clone();
            let asked = declare(client.clone(), &format!("key {n}"), content.clone());
            let Entry::Declaration(submission) = asked.entry.clone() else { panic!("a declaration") };
            let Submission { declarer, recorded_by, .. } = submission;
            let appended = append(store, asked).await;
            model.revision = appended.revision;
            let declaration = Declaration {
                id: appended.id,
                content,
                given_at: appended.recorded_at,
                recorded_at: appended.recorded_at,
                withdrawal: None,
                declarer: Some(declarer),
                recorded_by: Some(recorded_by),
                label: None,
            };
            model.declare(client, appended.revision, declaration);
        }
        Event::Withdraw(pick, declarer) => {
            let Some((client, id)) = model.nth(pick) else { return };
            withdraw_once(store, model, n, (client, id, declarer)).await;
        }
        Event::WithdrawElsewhere(pick, code, declarer) => {
            let Some((_, id)) = model.nth(pick) else { return };
            withdraw_once(store, model, n, (code.get(&clients).clone(), id, declarer)).await;
        }
        Event::Link(codes, current) => {
            let codes: Box<[ClientId]> = codes.into_iter().map(|code| clients[code].clone()).collect();
            let linked = LinkedCodes { current: current.get(&codes).clone(), codes };
            let appended = append(store, link(linked.clone(), &format!("key {n}"))).await;
            model.revision = appended.revision;
            model.links.push((appended.id, linked, false));
        }
        Event::Unlink(pick) => {
            if model.links.is_empty() {
                return;
            }
            let (id, linked, has_ended) = pick.get_mut(&mut model.links);
            let client = pick.get(&linked.codes).clone();
            let ended = store.append(unlink(client, id.clone(), &format!("key {n}"))).await;
            if *has_ended {
                assert!(matches!(ended, Err(AppendError::Refused(Refusal::AlreadyUnlinked))), "{ended:?}");
            } else {
                *has_ended = true;
                model.revision = ended.unwrap().revision;
            }
        }
        Event::Import(history) => {
            let history: Vec<(ClientId, Declaration)> = history
                .into_iter()
                .enumerate()
                .map(|(place, (pick, mut declaration))| {
                    declaration.id = id(&format!("imported {n} {place}"));
                    (pick.get(declaring).clone(), declaration)
                })
                .collect();
            model.revision = import_new(store, history.clone()).await;
            // The last change is the boundary.
            let first = model.revision.0.saturating_sub(history.len() as u64);
            for (revision, (client, declaration)) in (first..).map(Revision).zip(history) {
                model.declare(client, revision, declaration);
            }
        }
        Event::ReplaceDirectory(directory) => {
            model.revision = store.replace_directory(directory.clone()).await.unwrap().point.revision;
            model.directory = directory;
        }
        Event::Reload => {}
    }
}

async fn withdraw_once(
    store: &Store,
    model: &mut Model,
    n: usize,
    (client, id, declarer): (ClientId, OpaqueId<'static>, Declarer),
) {
    let mut asked = withdraw(client.clone(), &format!("key {n}"), id.clone());
    let Entry::Withdrawal(submission) = &mut asked.entry else { panic!("a withdrawal") };
    submission.declarer = declarer.clone();
    let appended = match store.append(asked).await {
        Ok(appended) => appended,
        // Of a declaration that is under no code of the person.
        Err(AppendError::Refused(Refusal::DeclarationUnknown)) => {
            assert!(model.declarations(&client).iter().all(|declaration| declaration.id != id));
            return;
        }
        Err(error) => panic!("{error}"),
    };
    model.revision = appended.revision;
    let recorded_at = appended.recorded_at;
    let withdrawal = Withdrawal { given_at: recorded_at, recorded_at, by: Some(declarer) };
    model.withdraw(&client, &id, withdrawal);
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
            wait_until_current(&index, &model, &store).await;
        }
    }
    reached(&index, &store, model.revision).await;
    wait_until_current(&index, &model, &store).await;
    let (fresh, _fresh_follower) = start_index(&store);
    reached(&fresh, &store, model.revision).await;
    wait_until_current(&fresh, &model, &store).await;
    // The digest depends on the state alone.
    assert_eq!(index.current().unwrap().digest(), fresh.current().unwrap().digest());
}

/// Revision 0 is reached before anything is loaded.
async fn wait_until_current(index: &Index, model: &Model, store: &Store) {
    index.readiness().wait_for(|ready| *ready).await.unwrap();
    model.check(&index.current().unwrap(), store);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn incremental_merged_fresh_and_naive_agree(events in vec(event(), 1..40), overlay_clients_max in 0_usize..4) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for home in [Shared::sqlite(), Shared::postgres(), Shared::pooled()] {
            runtime.block_on(check_all(&home, events.clone(), overlay_clients_max));
        }
    }
}
