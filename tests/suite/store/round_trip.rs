//! Any change is read back as it was appended.

use lupa::policy::admit::{Submission, WithdrawalSubmission};
use lupa::policy::client_id::ClientId;
use lupa::policy::day::Instant;
use lupa::policy::declaration::{Content, Declaration, Declarer, RecordedBy, Withdrawal};
use lupa::policy::directory::Directory;
use lupa::store::{Append, Appended, Change, Entry, Store};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::arbitrary;
use super::fixture::*;
use crate::fixtures::importing::import_new;

/// The variable parts of a client's entry.
#[derive(Clone, Debug)]
struct ArbitraryEntry {
    client: ClientId,
    content: Content,
    given_at: Option<Instant>,
    declarer: Declarer,
    recorded_by: RecordedBy,
}

fn arbitrary_entry() -> impl Strategy<Value = ArbitraryEntry> {
    (
        arbitrary::client(),
        arbitrary::content(),
        option::of(arbitrary::instant()),
        arbitrary::declarer(),
        arbitrary::recorded_by(),
    )
        .prop_map(|(client, content, given_at, declarer, recorded_by)| ArbitraryEntry {
            client,
            content,
            given_at,
            declarer,
            recorded_by,
        })
}

impl ArbitraryEntry {
    fn declaration(self, key: &str) -> Append {
        let Self { client, content, given_at, declarer, recorded_by } = self;
        let submission =
            Submission { client: client.clone(), content, given_at, declarer, recorded_by, label: None };
        Append { entry: Entry::Declaration(submission), ..declare(client, key, information()) }
    }

    /// A withdrawal of a declaration of this client.
    fn withdrawal(self, key: &str, appended: &Appended) -> Append {
        let Self { client, content: _, given_at, declarer, recorded_by } = self;
        let declaration = appended.id.clone();
        let submission =
            WithdrawalSubmission { client: client.clone(), declaration, given_at, declarer, recorded_by };
        Append { entry: Entry::Withdrawal(submission), ..declare(client, key, information()) }
    }

    fn expected(self, appended: &Appended) -> Declaration {
        let Self { client: _, content, given_at, declarer, recorded_by } = self;
        Declaration {
            id: appended.id.clone(),
            content,
            given_at: by_then(given_at, appended.recorded_at),
            recorded_at: appended.recorded_at,
            withdrawal: None,
            declarer: Some(declarer),
            recorded_by: Some(recorded_by),
            label: None,
        }
    }
}

/// Appends concurrently, so that few transactions suffice; returns the answers in order.
async fn append_all(store: &Store, appends: impl Iterator<Item = Append>) -> Vec<Appended> {
    let calls: Vec<_> = appends
        .map(|append| {
            let store = store.clone();
            tokio::spawn(async move { store.append(append).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

async fn declare_and_withdraw(home: Shared, entries: Vec<(ArbitraryEntry, ArbitraryEntry)>) {
    let store = home.open();
    let declarations =
        entries.iter().enumerate().map(|(n, (one, _))| one.clone().declaration(&format!("d {n}")));
    let declared = append_all(&store, declarations).await;
    let withdrawals = entries.iter().zip(&declared).enumerate().map(|(n, ((one, end), appended))| {
        ArbitraryEntry { client: one.client.clone(), ..end.clone() }.withdrawal(&format!("w {n}"), appended)
    });
    let withdrawn = append_all(&store, withdrawals).await;
    drop(store);
    let changes = load(&home.open());
    assert_eq!(changes.len(), 2 * entries.len());
    let (declarations, withdrawals) = changes.split_at(entries.len());
    for ((change, (one, _)), appended) in declarations.iter().zip(&entries).zip(&declared) {
        let Change::Declaration { revision, recorded_at, client, declaration } = change else {
            panic!("{change:?}")
        };
        assert_eq!((*revision, *recorded_at), (appended.revision, appended.recorded_at));
        assert_eq!((client, declaration), (&one.client, &one.clone().expected(appended)));
    }
    for ((change, (one, end)), appended) in withdrawals.iter().zip(&entries).zip(&withdrawn) {
        let Change::Withdrawal { revision, recorded_at, client, declaration_id, withdrawal, .. } = change
        else {
            panic!("{change:?}")
        };
        assert_eq!((*revision, *recorded_at), (appended.revision, appended.recorded_at));
        assert_eq!((client, declaration_id), (&one.client, &appended.id));
        let by = Some(end.declarer.clone());
        assert_eq!(
            *withdrawal,
            Withdrawal {
                given_at: by_then(end.given_at, appended.recorded_at),
                recorded_at: appended.recorded_at,
                by
            }
        );
    }
}

/// A recorder's clock that is ahead: the instant of recording counts.
fn by_then(given_at: Option<Instant>, recorded_at: Instant) -> Instant {
    given_at.map_or(recorded_at, |given_at| given_at.min(recorded_at))
}

async fn import(home: Shared, mut history: Vec<(ClientId, Declaration)>) {
    for (n, (_, declaration)) in history.iter_mut().enumerate() {
        declaration.id = id(&format!("{n}"));
    }
    let store = home.open();
    import_new(&store, history.clone()).await;
    let changes = load(&store);
    let boundary = |change: &Change| matches!(change, Change::Import { .. });
    let (boundaries, changes): (Vec<_>, Vec<_>) = changes.iter().partition(|change| boundary(change));
    assert_eq!(boundaries.len(), if history.is_empty() { 0 } else { 2 });
    assert_eq!(changes.len(), history.len());
    for (change, (client, declaration)) in changes.iter().zip(&history) {
        let Change::Declaration { client: whose, declaration: read, .. } = change else {
            panic!("{change:?}")
        };
        assert_eq!((whose, read), (client, declaration));
    }
}

async fn replace_directory(home: Shared, directories: Vec<Directory>) {
    let store = home.open();
    for directory in &directories {
        store.replace_directory(directory.clone()).await.unwrap();
    }
    let changes = load(&store);
    assert_eq!(changes.len(), directories.len());
    for (change, directory) in changes.iter().zip(&directories) {
        let Change::Directory { directory: read, .. } = change else { panic!("{change:?}") };
        assert_eq!(read.organisations(), directory.organisations());
        assert_eq!(read.registers(), directory.registers());
        assert_eq!(read.outsourcing(), directory.outsourcing());
    }
}

/// Checks a property on both kinds of store.
fn on_both<T: Clone>(entries: T, property: impl AsyncFn(Shared, T)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for home in [Shared::sqlite(), Shared::postgres(), Shared::pooled()] {
        runtime.block_on(property(home, entries.clone()));
    }
}

proptest! {
    // InlineList stores with many changes each: creating and syncing a store is slow.
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn declarations_and_withdrawals_are_read_as_they_were_appended(entries in vec((arbitrary_entry(), arbitrary_entry()), 1..60)) {
        on_both(entries, declare_and_withdraw);
    }

    #[test]
    fn imported_history_is_read_as_it_was_given(
        history in vec((arbitrary::client(), arbitrary::declaration()), 1..120),
    ) {
        on_both(history, import);
    }

    #[test]
    fn a_directory_is_read_as_it_was_given(directories in vec(arbitrary::directory(), 1..20)) {
        on_both(directories, replace_directory);
    }
}

/// The stored format of a few bodies, which existing stores have.
async fn stored_bodies_keep_their_format(home: Shared) {
    let store = home.open();
    for (n, content) in [information(), consent(), denial()].into_iter().enumerate() {
        append(&store, declare(client(), &format!("key {n}"), content)).await;
    }
    let bodies: Vec<String> = home
        .rows("SELECT body FROM lupa.change ORDER BY revision")
        .await
        .concat()
        .iter()
        .map(|body| body.split_once(r#""given_at":"#).unwrap())
        .map(|(content, rest)| content.to_owned() + rest.trim_start_matches(|one: char| one.is_ascii_digit()))
        .collect();
    let rest = r#","declarer":{"role":"client","name":"Aino Esimerkki","id":""},"recorded_by":"my_kanta"}"#;
    let contents = [
        r#"{"information":{"version":"1.1","way":"my_kanta"}}"#,
        r#"{"consent":{"kind":"healthcare"}}"#,
        r#"{"denial":{"sector":"healthcare","scope":"all_patient_data","allows_emergency":true}}"#,
    ];
    assert_eq!(bodies, contents.map(|content| format!(r#"{{"content":{content},{rest}"#)));
}

on_both_stores!(stored_bodies_keep_their_format,);
