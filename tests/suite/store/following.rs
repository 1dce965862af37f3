//! A read-only store, which another process writes.

use std::fs;

use lupa::policy::viewing::ViewingPurpose;
use lupa::store::{AppendError, Change, OpenError, ReadError, Revision, Store, Viewed, Viewing, WriteError};
use lupa::wire::v1;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use lupa::wire::v1::directory_service_client::DirectoryServiceClient;
use tonic::Code;

use super::fixture::*;
use crate::fixtures::importing::import;
use crate::fixtures::process::{Process, serve};
use crate::fixtures::refused::{because, refused};
use crate::fixtures::requests::{
    CONSENT, INFORMATION, aino, demo_directory, entry, listing, question, recording,
};

fn follow(home: &Home) -> Store {
    Store::open_to_follow(&home.store(), options()).unwrap()
}

fn since(store: &Store, revision: u64) -> Vec<u64> {
    let changes = store.changes_since(Revision(revision), 100).unwrap();
    changes.iter().map(|change| change.revision().0).collect()
}

#[tokio::test]
async fn committed_changes_are_visible_to_read_only_stores() {
    let home = Home::new();
    let store = home.open();
    let first = append(&store, declare(client(), "first", denial())).await;
    let follower = follow(&home);
    let another = follow(&home);
    assert_eq!(follower.epoch(), store.epoch());
    assert_eq!(follower.token_key(), store.token_key());
    assert_eq!(follower.declaration_ids(), store.declaration_ids());
    assert_eq!(*follower.committed().borrow(), first.revision);
    assert_eq!(since(&follower, 0), [1]);
    append(&store, declare(client(), "second", consent())).await;
    store.replace_directory(directory("x")).await.unwrap();
    for follower in [&follower, &another] {
        assert_eq!(since(follower, 1), [2, 3]);
        assert_eq!(
            follower.history_of(&[client()], point(follower, Revision(3))).unwrap().declarations.len(),
            2
        );
        assert_eq!(load(follower).iter().map(Change::revision).count(), 3);
    }
    // The writer stops and restarts; neither side disturbs the other.
    drop(store);
    assert!(since(&follower, 3).is_empty());
    let store = home.open();
    append(&store, declare(client(), "third", consent())).await;
    assert_eq!(since(&follower, 3), [4]);
    // A follower closes without changing the store.
    drop((follower, another));
    append(&store, declare(client(), "fourth", consent())).await;
    drop(store);
    assert_eq!(load(&home.open()).len(), 5);
}

#[tokio::test]
async fn read_only_store_refuses_writes() {
    let home = Home::new();
    let writer = home.open();
    append(&writer, declare(client(), "first", denial())).await;
    let follower = follow(&home);
    let refused = follower.append(declare(client(), "key", consent())).await;
    assert!(matches!(&refused, Err(AppendError::Store(error)) if matches!(**error, WriteError::ReadOnly)));
    assert!(matches!(follower.replace_directory(directory("")).await, Err(WriteError::ReadOnly)));
    assert!(matches!(import(&follower, Vec::new()).await, Err(WriteError::ReadOnly)));
    let purpose = ViewingPurpose::Investigation;
    let viewing = Viewing { client: client(), viewer: None, purpose, what: Viewed::List };
    assert!(matches!(follower.log_viewing(viewing).await, Err(WriteError::ReadOnly)));
    assert_eq!(since(&writer, 0), [1]);
}

#[tokio::test]
async fn store_without_a_writer_is_followed() {
    let home = Home::new();
    append(&home.open(), declare(client(), "first", denial())).await;
    let before = fs::read(home.store()).unwrap();
    let follower = follow(&home);
    assert_eq!(since(&follower, 0), [1]);
    drop(follower);
    assert_eq!(fs::read(home.store()).unwrap(), before);
}

#[tokio::test]
async fn long_read_does_not_block_the_writer() {
    let home = Home::new();
    let store = home.open();
    append(&store, declare(client(), "first", denial())).await;
    let follower = follow(&home);
    let mut n = 0;
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        load_each(&follower, &mut |_| {
            n += 1;
            let appending = append(&store, declare(other_client(), &format!("meanwhile {n}"), denial()));
            runtime.block_on(appending);
        })
        .unwrap();
        assert_eq!(since(&follower, 1), [2]);
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn unusable_store_is_reported_to_a_read_only_replica() {
    let home = Home::new();
    let refusal = |home: &Home| message(&Store::open_to_follow(&home.store(), options()).unwrap_err());
    assert_eq!(
        refusal(&home),
        "there is no store at PATH to follow: correct the path, or start the lupa that writes it first"
    );
    assert!(!home.store().exists());
    drop(home.open());
    for (version, expected) in [
        (
            1,
            "PATH has version 1 of the store's schema and a lupa that only follows it cannot bring it to \
             version 7: start the lupa that writes it first",
        ),
        (
            8,
            "PATH has version 8 of the store's schema and this lupa knows versions up to 7: \
             install the newer lupa that wrote it",
        ),
    ] {
        home.connect().pragma_update(None, "user_version", version).unwrap();
        assert_eq!(refusal(&home), expected);
    }
    fs::write(home.store(), "x").unwrap();
    let refused = Store::open_to_follow(&home.store(), options());
    assert!(matches!(refused, Err(OpenError::Read(ReadError::NotAStore { .. }))));
}

/// Two real binaries on one store.
#[tokio::test]
async fn read_only_replica_decides_by_the_writers_changes() {
    let home = Home::new();
    let writing = Process::start(serve(&home.store())).expect("it listens");
    let mut command = serve(&home.store());
    command.env("LUPA_STORE__READ_ONLY", "true");
    let following = Process::start(command).expect("it listens");
    let channel = writing.connect().await;
    let load = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()), ..Default::default() };
    DirectoryServiceClient::new(channel.clone()).replace_directory(load).await.expect("stored");
    let mut declarations = DeclarationServiceClient::new(channel);
    declarations.record_declaration(recording(aino(), "information", INFORMATION)).await.expect("stored");
    let consented =
        declarations.record_declaration(recording(aino(), "consent", CONSENT)).await.expect("stored");
    let token = consented.into_inner().token;

    let channel = following.connect().await;
    let mut decisions = DecisionServiceClient::new(channel.clone());
    let mut question = question(aino(), vec![entry("doc-1", "visit-1")]);
    question.at_least = token;
    let decided = decisions.decide(question.clone()).await.expect("decided").into_inner();
    assert_eq!(decided.verdicts[0].effect(), v1::Effect::Permit);
    let mut declarations = DeclarationServiceClient::new(channel.clone());
    let read_only = because(Code::FailedPrecondition, "STORE_READ_ONLY");
    assert_eq!(refused(declarations.record_declaration(recording(aino(), "more", CONSENT)).await), read_only);
    assert_eq!(refused(declarations.list_declarations(listing(aino())).await), read_only);
    let load = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()), ..Default::default() };
    let replaced = DirectoryServiceClient::new(channel).replace_directory(load).await;
    assert_eq!(refused(replaced), read_only);

    // It keeps deciding while the writer is down, and follows it again after its restart.
    writing.kill();
    decisions.decide(question.clone()).await.expect("decided");
    let writing = Process::start(serve(&home.store())).expect("it listens");
    let mut declarations = DeclarationServiceClient::new(writing.connect().await);
    let denial = "denial: { sector: SECTOR_HEALTHCARE, service_event: visit-1 }";
    let denied = declarations.record_declaration(recording(aino(), "denial", denial)).await.expect("stored");
    question.at_least = denied.into_inner().token;
    let decided = decisions.decide(question).await.expect("decided").into_inner();
    assert_eq!(decided.verdicts[0].effect(), v1::Effect::Deny);
}
