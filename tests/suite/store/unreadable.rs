//! What this version cannot read restricts; it never opens and never disappears.

use std::sync::mpsc;

use lupa::policy::admit::Admitted;
use lupa::policy::declaration::{Content, Kind, Withdrawal};
use lupa::policy::gist::Ending;
use lupa::store::{Change, StoreError};

use super::fixture::*;

/// Bodies of declarations as another version, or a fault, may have written them.
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

/// Appends a row past Lupa.
fn write(home: &Home, what: &str, kind: Option<&str>, declaration_id: Option<&str>, body: &str) {
    let client = kind.map(|_| ("1.2.246.21", "010181-900C"));
    home.connect()
        .execute(
            "INSERT INTO change (revision, recorded_at, what, kind, client_root, client_extension,
                 declaration_id, body)
             SELECT coalesce(max(revision), 0) + 1, coalesce(max(recorded_at), 0), ?1, ?2, ?3, ?4, ?5, ?6
             FROM change",
            (
                what,
                kind,
                client.map(|(root, _)| root),
                client.map(|(_, extension)| extension),
                declaration_id,
                body,
            ),
        )
        .unwrap();
}

#[test]
fn an_unreadable_declaration_keeps_its_kind() {
    for (kind, expected) in
        [("information", Kind::Information), ("consent", Kind::Consent), ("denial", Kind::Denial)]
    {
        let home = Home::new();
        drop(home.open());
        for (n, body) in UNREADABLE.iter().enumerate() {
            write(&home, "declaration", Some(kind), Some(&format!("declaration {n}")), body);
        }
        let changes = load(&home.open());
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

#[test]
fn a_body_of_another_kind_is_unreadable() {
    let home = Home::new();
    drop(home.open());
    let body = r#"{"content":{"information":{"version":"1.1"}},"given_at":0}"#;
    write(&home, "declaration", Some("information"), Some("a"), body);
    write(&home, "declaration", Some("denial"), Some("b"), body);
    let changes = load(&home.open());
    let content = |change: &Change| match change {
        Change::Declaration { declaration, .. } => Some(declaration.content.clone()),
        Change::Withdrawal { .. } | Change::UnreadableWithdrawal { .. } | Change::Directory { .. } => None,
    };
    let contents: Vec<_> = changes.iter().filter_map(content).collect();
    assert!(
        matches!(contents[..], [Content::Information(_), Content::Unreadable(Kind::Denial)]),
        "{contents:?}"
    );
}

#[tokio::test]
async fn an_unreadable_withdrawal_ends_a_consent_and_nothing_else() {
    let home = Home::new();
    let store = home.open();
    let consented = append(&store, declare(client(), "consent", consent())).await;
    let denied = append(&store, declare(client(), "deny", denial())).await;
    drop(store);
    for (kind, appended) in [("consent", &consented), ("denial", &denied)] {
        write(&home, "withdrawal", Some(kind), Some(appended.declaration_id.as_str()), r#"{"by":"someone"}"#);
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
    look.admit = Box::new(move |declarations, _| {
        seen.send(declarations.to_vec()).unwrap();
        Ok(Admitted::default())
    });
    let looked = append(&store, look).await;
    let ends: Vec<Option<Withdrawal>> =
        sees.recv().unwrap().into_iter().map(|declaration| declaration.withdrawal).collect();
    assert_eq!(ends, [Some(withdrawal.clone()), None]);

    let (index, _follower) = start_index(&store);
    reached(&index, &store, looked.revision).await;
    let snapshot = index.current().unwrap();
    let indexed: Vec<_> = snapshot.declarations(&client()).gists().map(|gist| gist.ending).collect();
    let ends: Vec<_> = ends.iter().map(|end| end.as_ref().map(Ending::of)).collect();
    assert_eq!(indexed, [ends, vec![None]].concat());
}

#[test]
fn an_unreadable_directory_is_an_error() {
    let cyclic = r#"{"organisations":[
        {"oid":"1.2","name":"","kind":"former_public","uusimaa":false,"successor":"1.2"}
    ],"registers":[],"outsourcing":[]}"#;
    for body in ["", "{}", r#"{"organisations":[],"registers":[],"outsourcing":[],"regions":[]}"#, cyclic] {
        let home = Home::new();
        drop(home.open());
        write(&home, "directory", None, None, body);
        let store = home.open();
        let error = load_each(&store, &mut |_| {}).unwrap_err();
        assert!(matches!(error, StoreError::Unreadable { part: "directory", .. }), "{body}: {error}");
        assert_eq!(
            message(&error),
            "the directory of revision 1 in PATH cannot be read: \
             keep the file for investigation and restore a backup"
        );
    }
}

#[test]
fn an_unreadable_client_is_an_error() {
    let home = Home::new();
    drop(home.open());
    home.connect()
        .execute(
            "INSERT INTO change (revision, recorded_at, what, kind, client_root, client_extension,
                 declaration_id, body)
             VALUES (1, 0, 'declaration', 'denial', '1.2.246.21', '010181-900D', 'a', '{}')",
            (),
        )
        .unwrap();
    let error = load_each(&home.open(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { part: "client", .. }), "{error}");
    assert!(!error.to_string().contains("010181"), "{error}");
}
