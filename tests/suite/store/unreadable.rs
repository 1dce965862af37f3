//! Content that this version cannot read restricts: it never permits and is never dropped.

use std::sync::mpsc;

use lupa::policy::admit::Admitted;
use lupa::policy::declaration::{Content, Kind, Withdrawal};
use lupa::policy::facts::WithdrawalFacts;
use lupa::store::{Change, ReadError};

use super::fixture::*;

/// Bodies that another version, or a fault, may have written.
const UNREADABLE: &[&str] = &[
    "",
    "not JSON",
    "{}",
    "null",
    r#"{"content":{"denial":{"sector":"healthcare","scope":"everything","allows_emergency":true}},"given_at":0}"#,
    r#"{"content":{"denial":{"sector":"healthcare","scope":"all_patient_data","allows_emergency":true,"until":1}},"given_at":0}"#,
    r#"{"content":{"denial":{"sector":"healthcare","scope":{"register":"1.02"},"allows_emergency":true}},"given_at":0}"#,
    r#"{"content":{"denial":{"sector":"healthcare","scope":"all_patient_data","against":["nobody"],"allows_emergency":true}},"given_at":0}"#,
    r#"{"content":{"consent":{"kind":"research"}},"given_at":0}"#,
    r#"{"content":{"consent":{"kind":"healthcare","allocation":{"purpose":"care"}}},"given_at":0}"#,
    r#"{"content":{"consent":{"kind":"healthcare","allocation":{"recorded_from":"2024-02-30"}}},"given_at":0}"#,
    r#"{"content":{"consent":{"kind":"healthcare"}},"given_at":9223372036854775807}"#,
    r#"{"content":{"consent":{"kind":"healthcare"}},"given_at":0,"signature":"x"}"#,
    r#"{"content":{"consent":{"kind":"healthcare"}},"given_at":0,"declarer":{"role":"nurse","name":"","id":""}}"#,
    r#"{"content":{"withdrawal":{}},"given_at":0}"#,
];

/// Appends a row directly.
async fn write(home: &Shared, (what, kind): (&str, Option<&str>), declaration_id: Option<&str>, body: &str) {
    let client = kind.map(|_| ("1.2.246.21", "010181-900C"));
    home.write(Row { revision: None, what, kind, client, declaration_id, body }).await;
}

async fn an_unreadable_declaration_keeps_its_kind(home: Shared) {
    for (kind, expected) in
        [("information", Kind::Information), ("consent", Kind::Consent), ("denial", Kind::Denial)]
    {
        let store = home.open();
        let before = store.count().unwrap();
        for (n, body) in UNREADABLE.iter().enumerate() {
            write(&home, ("declaration", Some(kind)), Some(&format!("{kind} {n}")), body).await;
        }
        let changes = load(&store).split_off(before as usize);
        assert_eq!(changes.len(), UNREADABLE.len());
        for (change, body) in changes.into_iter().zip(UNREADABLE) {
            let Change::Declaration { client: whose, recorded_at, declaration, .. } = change else {
                panic!("{change:?}")
            };
            assert_eq!(declaration.content, Content::Unreadable(expected), "{body}");
            assert_eq!((whose, declaration.recorded_at), (client(), recorded_at));
        }
    }
}

async fn a_body_of_another_kind_is_unreadable(home: Shared) {
    drop(home.open());
    let body = r#"{"content":{"information":{"version":"1.1"}},"given_at":0}"#;
    write(&home, ("declaration", Some("information")), Some("a"), body).await;
    write(&home, ("declaration", Some("denial")), Some("b"), body).await;
    let changes = load(&home.open());
    let content = |change: &Change| match change {
        Change::Declaration { declaration, .. } => Some(declaration.content.clone()),
        Change::Withdrawal { .. }
        | Change::UnreadableWithdrawal { .. }
        | Change::Directory { .. }
        | Change::Link { .. }
        | Change::LinkEnd { .. }
        | Change::Import { .. } => None,
    };
    let contents: Vec<_> = changes.iter().filter_map(content).collect();
    assert!(
        matches!(contents[..], [Content::Information(_), Content::Unreadable(Kind::Denial)]),
        "{contents:?}"
    );
}

async fn an_unreadable_withdrawal_ends_a_consent_and_nothing_else(home: Shared) {
    let store = home.open();
    let consented = append(&store, declare(client(), "consent", consent())).await;
    let denied = append(&store, declare(client(), "deny", denial())).await;
    drop(store);
    for (kind, appended) in [("consent", &consented), ("denial", &denied)] {
        let id = Some(appended.id.as_str());
        write(&home, ("withdrawal", Some(kind)), id, r#"{"by":"someone"}"#).await;
    }
    let store = home.open();
    let changes = load(&store);
    let [_, _, Change::Withdrawal { withdrawal, .. }, Change::UnreadableWithdrawal { .. }] = &changes[..]
    else {
        panic!("{changes:?}");
    };
    assert_eq!(withdrawal.by, None);

    let (seen, sees) = mpsc::channel();
    let mut look = declare(client(), "look", information());
    look.admit = Box::new(move |_, person, _| {
        seen.send(person.declarations.to_vec()).unwrap();
        Ok(Admitted::default())
    });
    let looked = append(&store, look).await;
    let ends: Vec<Option<Withdrawal>> =
        sees.recv().unwrap().into_iter().map(|declaration| declaration.withdrawal).collect();
    assert_eq!(ends, [Some(withdrawal.clone()), None]);

    let (index, _follower) = start_index(&store);
    reached(&index, &store, looked.revision).await;
    let snapshot = index.current().unwrap();
    let indexed: Vec<_> = snapshot.declarations(&client()).facts().map(|facts| facts.withdrawal).collect();
    let ends: Vec<_> = ends.iter().map(|end| end.as_ref().map(WithdrawalFacts::of)).collect();
    assert_eq!(indexed, [ends, vec![None]].concat());
}

async fn an_unreadable_directory_is_an_error(home: Shared) {
    let store = home.open();
    home.unprotect().await;
    let cyclic = r#"{"organisations":[
        {"oid":"1.2","name":"","kind":"former_public","uusimaa":false,"successor":"1.2"}
    ],"registers":[],"outsourcing":[]}"#;
    for body in ["", "{}", r#"{"organisations":[],"registers":[],"outsourcing":[],"regions":[]}"#, cyclic] {
        home.execute("DELETE FROM lupa.change").await;
        write(&home, ("directory", None), None, body).await;
        let error = load_each(&store, &mut |_| {}).unwrap_err();
        assert!(matches!(error, ReadError::Unreadable { part: "directory", .. }), "{body}: {error}");
        assert_eq!(
            message(&error),
            "the directory of revision 1 in PATH cannot be read: \
             keep the file for investigation and restore a backup"
        );
    }
}

async fn an_unreadable_client_is_an_error(home: Shared) {
    drop(home.open());
    home.write(Row {
        revision: None,
        what: "declaration",
        kind: Some("denial"),
        client: Some(("1.2.246.21", "010181-900D")),
        declaration_id: Some("a"),
        body: "{}",
    })
    .await;
    let error = load_each(&home.open(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, ReadError::Unreadable { part: "client", .. }), "{error}");
    assert!(!error.to_string().contains("010181"), "{error}");
}

on_both_stores!(
    an_unreadable_declaration_keeps_its_kind,
    a_body_of_another_kind_is_unreadable,
    an_unreadable_withdrawal_ends_a_consent_and_nothing_else,
    an_unreadable_directory_is_an_error,
    an_unreadable_client_is_an_error,
);
