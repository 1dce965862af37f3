//! What is read back is what was appended, whatever it says.

use lupa::policy::declaration::Declaration;
use lupa::policy::directory::Directory;
use lupa::store::{Append, Change, Entry};
use proptest::option;
use proptest::prelude::*;

use super::arbitrary;
use super::fixture::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_declaration_is_read_as_it_was_appended(
        client in arbitrary::client(),
        content in arbitrary::content(),
        given_at in option::of(arbitrary::instant()),
        declarer in arbitrary::declarer(),
        recorded_by in arbitrary::recorded_by(),
    ) {
        let home = Home::new();
        let store = home.open();
        let entry = Entry::Declaration {
            content: content.clone(),
            given_at,
            declarer: declarer.clone(),
            recorded_by: recorded_by.clone(),
        };
        let append = Append {
            client: client.clone(),
            idempotency_key: id("key"),
            payload_digest: [7; 32],
            entry,
            admit: admit_all(),
        };
        let appended = block_on(store.append(append)).unwrap();
        drop(store);
        let [Change::Declaration { revision, recorded_at, client: whose, declaration }] =
            &load(&home.open())[..] else { panic!("one declaration") };
        prop_assert_eq!((*revision, *recorded_at), (appended.revision, appended.recorded_at));
        prop_assert!(*whose == client);
        let expected = Declaration {
            id: appended.declaration_id,
            content,
            given_at: given_at.unwrap_or(appended.recorded_at),
            recorded_at: appended.recorded_at,
            withdrawal: None,
            declarer: Some(declarer),
            recorded_by: Some(recorded_by),
        };
        prop_assert_eq!(declaration, &expected);
    }

    #[test]
    fn a_withdrawal_is_read_as_it_was_appended(
        content in arbitrary::content(),
        by in arbitrary::declarer(),
        recorded_by in arbitrary::recorded_by(),
        given_at in option::of(arbitrary::instant()),
    ) {
        let home = Home::new();
        let store = home.open();
        let appended = block_on(store.append(declare(client(), "declare", content))).unwrap();
        let mut append = withdraw(client(), "withdraw", appended.declaration_id.clone());
        append.entry = Entry::Withdrawal {
            declaration_id: appended.declaration_id.clone(),
            given_at,
            by: by.clone(),
            recorded_by,
        };
        let withdrawn = block_on(store.append(append)).unwrap();
        let changes = load(&store);
        let [_, Change::Withdrawal { client: whose, declaration_id, withdrawal, .. }] = &changes[..]
            else { panic!("a withdrawal") };
        prop_assert!(*whose == client() && *declaration_id == appended.declaration_id);
        prop_assert_eq!((withdrawal.recorded_at, &withdrawal.by), (withdrawn.recorded_at, &Some(by)));
    }

    #[test]
    fn imported_history_is_read_as_it_was_given(
        client in arbitrary::client(),
        declaration in arbitrary::declaration(),
    ) {
        let home = Home::new();
        let store = home.open();
        block_on(store.import(vec![(client.clone(), declaration.clone())])).unwrap();
        let changes = load(&store);
        let [Change::Declaration { client: whose, declaration: read, .. }] = &changes[..]
            else { panic!("one declaration") };
        prop_assert!(*whose == client);
        prop_assert_eq!(read, &declaration);
    }

    #[test]
    fn a_directory_is_read_as_it_was_given(directory in arbitrary::directory()) {
        let home = Home::new();
        let store = home.open();
        let revision = block_on(store.replace_directory(directory.clone())).unwrap();
        let changes = load(&store);
        let [Change::Directory { revision: read_revision, directory: read, .. }] = &changes[..]
            else { panic!("a directory") };
        prop_assert_eq!(*read_revision, revision);
        prop_assert_eq!(lists(read), lists(&directory));
    }
}

/// The written form of a few bodies, which stores already have.
#[tokio::test]
async fn bodies_are_written_as_they_were_before() {
    let home = Home::new();
    let store = home.open();
    for (n, content) in [information(), consent(), denial()].into_iter().enumerate() {
        append(&store, declare(client(), &format!("key {n}"), content)).await;
    }
    let bodies: Vec<String> = home
        .connect()
        .prepare("SELECT json_remove(body, '$.given_at') FROM change ORDER BY revision")
        .unwrap()
        .query_map((), |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let rest = r#""declarer":{"role":"client","name":"Aino Esimerkki","id":""},"recorded_by":"my_kanta"}"#;
    let contents = [
        r#"{"information":{"version":"1.1","way":"my_kanta"}}"#,
        r#"{"consent":{"kind":"healthcare"}}"#,
        r#"{"denial":{"sector":"healthcare","scope":"all_patient_data","allows_emergency":true}}"#,
    ];
    assert_eq!(bodies, contents.map(|content| format!(r#"{{"content":{content},{rest}"#)));
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn lists(directory: &Directory) -> impl PartialEq + std::fmt::Debug {
    (directory.organisations().to_vec(), directory.registers().to_vec(), directory.outsourcing().to_vec())
}
