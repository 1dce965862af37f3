//! Appends: their answers, and the changes stored.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc;

use lupa::policy::admit::{Admitted, Notice};
use lupa::policy::client_id::ClientId;
use lupa::policy::day::Instant;
use lupa::policy::declaration::{Declaration, Professional, RecordedBy, Role, Withdrawal};
use lupa::policy::history::HistoryEntry;
use lupa::policy::refusal::Refusal;
use lupa::policy::viewing::ViewingPurpose;
use lupa::store::{
    Append, AppendError, Appended, Change, Entry, Epoch, ImportOutcome, ImportResult, Point, ReadError,
    Revision, Store, StoreOptions, Viewed, Viewing, WriteError,
};

use super::fixture::*;
use crate::fixtures::importing::{import, import_new};

/// Appends concurrently, so that they share a transaction (group commit), in this order.
async fn append_together(store: &Store, appends: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
    // The first admission blocks the writer, so the others queue.
    let (release, released) = mpsc::channel::<()>();
    let mut first = declare(other_client(), "holds the writer", information());
    first.admit = Box::new(move |_, _, _| {
        released.recv().unwrap();
        Ok(Admitted::default())
    });
    let holding = tokio::spawn({
        let store = store.clone();
        async move { store.append(first).await }
    });
    tokio::task::yield_now().await;
    let mut calls = Vec::new();
    for append in appends {
        let store = store.clone();
        calls.push(tokio::spawn(async move { store.append(append).await }));
        tokio::task::yield_now().await;
    }
    release.send(()).unwrap();
    holding.await.unwrap().unwrap();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

async fn revisions_have_no_gaps(home: Shared) {
    let store = home.open();
    let mut appends = Vec::new();
    for n in 0..200 {
        appends.push(declare(client(), &format!("key {n}"), denial()));
    }
    let answers = append_together(&store, appends).await;
    let revisions: Vec<u64> = answers.into_iter().map(|answer| answer.unwrap().revision.0).collect();
    assert_eq!(revisions, (2..=201).collect::<Vec<u64>>());
    let changes = load(&store);
    assert_eq!(
        changes.iter().map(|change| change.revision().0).collect::<Vec<_>>(),
        (1..=201).collect::<Vec<_>>()
    );
    assert!(changes.is_sorted_by_key(Change::recorded_at));
    assert_eq!(*store.committed().borrow(), Revision(201));
    assert_eq!(store.count().unwrap(), 201);
}

async fn changes_are_read_from_any_revision_on(home: Shared) {
    let store = home.open();
    for n in 0..10 {
        append(&store, declare(client(), &format!("key {n}"), denial())).await;
    }
    let revisions = |since, most| -> Vec<u64> {
        store.changes_since(Revision(since), most).unwrap().iter().map(|one| one.revision().0).collect()
    };
    assert_eq!(revisions(0, 3), [1, 2, 3]);
    assert_eq!(revisions(8, 3), [9, 10]);
    assert!(revisions(10, 3).is_empty());
    assert!(matches!(
        store.changes_since(Revision(11), 3),
        Err(ReadError::WentBack { last: Revision(10), known: Revision(11), .. })
    ));
}

async fn repeated_append_returns_the_first_answer(home: Shared) {
    let store = home.open();
    let admitted = Admitted {
        notices: [Notice::LateEntry, Notice::ProvideInformation, Notice::ConsentReplaced].into(),
        replaced: Some(id("replaced")),
    };
    let mut original = declare(client(), "key", consent());
    original.admit = Box::new({
        let admitted = admitted.clone();
        move |_, _, _| Ok(admitted.clone())
    });
    let appended = append(&store, original).await;
    assert_eq!(appended.admitted, admitted);
    assert!(!appended.is_replay);

    let again = || {
        let mut again = declare(client(), "key", consent());
        again.admit = Box::new(|_, _, _| panic!("admission is not asked again"));
        again
    };
    let replayed = Appended { is_replay: true, ..appended.clone() };
    assert_eq!(append(&store, again()).await, replayed);
    let withdrawn = append(&store, withdraw(client(), "end", appended.id.clone())).await;
    let withdrawn_again = append(&store, withdraw(client(), "end", appended.id.clone())).await;
    assert_eq!(withdrawn_again, Appended { is_replay: true, ..withdrawn });
    drop(store);
    let store = home.open();
    assert_eq!(append(&store, again()).await, replayed);
    assert_eq!(store.count().unwrap(), 2);
}

async fn a_key_is_for_one_thing(home: Shared) {
    let store = home.open();
    append(&store, declare(client(), "key", consent())).await;
    let mut other = declare(client(), "key", denial());
    other.payload_digest = digest("something else");
    assert!(matches!(store.append(other).await, Err(AppendError::KeyReused)));
    assert_eq!(store.count().unwrap(), 1);
}

async fn a_key_counts_within_one_transaction(home: Shared) {
    let store = home.open();
    let mut other = declare(client(), "key", denial());
    other.payload_digest = digest("something else");
    let answers = append_together(
        &store,
        vec![declare(client(), "key", consent()), declare(client(), "key", consent()), other],
    )
    .await;
    let [Ok(first), Ok(second), Err(AppendError::KeyReused)] = &answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(*second, Appended { is_replay: true, ..first.clone() });
    assert_eq!(store.count().unwrap(), 2);
}

async fn refused_append_leaves_no_trace(home: Shared) {
    let store = home.open();
    let mut refused = declare(client(), "key", denial());
    refused.admit = Box::new(|_, _, _| Err(Refusal::GivenInFuture));
    assert!(matches!(store.append(refused).await, Err(AppendError::Refused(Refusal::GivenInFuture))));
    let unknown = withdraw(client(), "key", id("no such declaration"));
    assert!(matches!(store.append(unknown).await, Err(AppendError::Refused(Refusal::DeclarationUnknown))));
    assert_eq!(store.count().unwrap(), 0);
    // Neither the key nor a revision is used.
    assert_eq!(append(&store, declare(client(), "key", consent())).await.revision, Revision(1));
}

#[tokio::test]
async fn recorded_time_never_goes_back() {
    let home = Shared::sqlite();
    static MICROS: AtomicI64 = AtomicI64::new(0);
    fn clock() -> Instant {
        at(MICROS.load(Ordering::Relaxed))
    }
    let open = || home.open_with(StoreOptions { clock, ..options() });
    let store = open();
    let mut recorded = Vec::new();
    for (n, micros) in [5_000_001, 7, 5_000_002, 3].into_iter().enumerate() {
        MICROS.store(micros, Ordering::Relaxed);
        recorded.push(append(&store, declare(client(), &format!("key {n}"), denial())).await.recorded_at);
    }
    drop(store);
    let store = open();
    recorded.push(append(&store, declare(client(), "last", denial())).await.recorded_at);
    assert_eq!(recorded, [5_000_001, 5_000_001, 5_000_002, 5_000_002, 5_000_002].map(at));
    for change in load(&store) {
        let Change::Declaration { recorded_at, declaration, .. } = change else { panic!("{change:?}") };
        // Without another time it counts as given when it was recorded.
        assert_eq!((declaration.recorded_at, declaration.given_at), (recorded_at, recorded_at));
    }
}

async fn full_queue_is_reported_at_once(home: Shared) {
    let store = home.open_with(StoreOptions { queue_length_max: 1, group_commit_max: 1, ..options() });
    let (release, released) = mpsc::channel::<()>();
    let (start, started) = mpsc::channel::<()>();
    let mut first = declare(client(), "first", denial());
    first.admit = Box::new(move |_, _, _| {
        start.send(()).unwrap();
        released.recv().unwrap();
        Ok(Admitted::default())
    });
    let spawn = |append| {
        let store = store.clone();
        tokio::spawn(async move { store.append(append).await })
    };
    let first = spawn(first);
    tokio::task::yield_now().await;
    started.recv().unwrap();
    let second = spawn(declare(client(), "second", denial()));
    tokio::task::yield_now().await;
    let third = store.append(declare(client(), "third", denial())).await;
    assert!(matches!(third, Err(AppendError::Overloaded)), "{third:?}");
    assert!(matches!(store.replace_directory(directory("")).await, Err(WriteError::Overloaded)));
    release.send(()).unwrap();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(store.count().unwrap(), 2);
}

async fn panic_in_admission_stops_the_writer_and_is_reported(home: Shared) {
    let store = home.open();
    append(&store, declare(client(), "before", denial())).await;
    let mut faulty = declare(client(), "faulty", denial());
    faulty.admit = Box::new(|_, _, _| panic!("this message belongs to a test"));
    let failed = store.append(faulty).await;
    assert!(
        matches!(&failed, Err(AppendError::Store(error)) if matches!(**error, WriteError::WriterPanicked))
    );
    assert!(matches!(*store.failed().await, WriteError::WriterPanicked));
    let later = store.append(declare(client(), "later", denial())).await;
    assert!(matches!(later, Err(AppendError::Store(_))));
    assert!(matches!(store.replace_directory(directory("")).await, Err(WriteError::Stopped(_))));
    assert_eq!(load(&store).len(), 1);
    drop(store);
    assert_eq!(load(&home.open()).len(), 1);
}

async fn a_viewing_is_stored_before_it_is_answered(home: Shared) {
    let store = home.open();
    let viewer = RecordedBy::Professional(Professional {
        register: oid("1.2.246.10.2"),
        organisation: oid("1.2.246.10.1"),
        professional: "p1".into(),
    });
    let purpose = ViewingPurpose::Investigation;
    store
        .log_viewing(Viewing { client: client(), viewer: Some(viewer), purpose, what: Viewed::List })
        .await
        .unwrap();
    let rows =
        home.rows("SELECT client_root, client_extension, viewer, purpose, what FROM lupa.viewing").await;
    let viewer =
        r#"{"professional":{"register":"1.2.246.10.2","organisation":"1.2.246.10.1","professional":"p1"}}"#;
    assert_eq!(rows, [["1.2.246.21", "010181-900C", viewer, "investigation", "list"]]);
    assert_eq!(store.count().unwrap(), 0);
}

async fn equal_viewings_are_one_row_with_their_number(home: Shared) {
    let store = home.open();
    let purpose = ViewingPurpose::Investigation;
    let viewing = Viewing { client: client(), viewer: None, purpose, what: Viewed::List };
    store.log_viewing(viewing.clone()).await.unwrap();
    store.log_viewings(viewing, NonZeroU32::new(3).unwrap()).await.unwrap();
    let rows = home.rows("SELECT what, CAST(times AS text) FROM lupa.viewing ORDER BY number").await;
    assert_eq!(rows, [["list", "1"], ["list", "3"]]);
    assert_eq!(store.verify(&mut |_| true).unwrap().unwrap().viewings, 4);
}

async fn history_is_imported_as_it_is_given_or_not_at_all(home: Shared) {
    let store = home.open();
    let declaration = |declaration_id, withdrawal| Declaration {
        id: id(declaration_id),
        content: consent(),
        given_at: at(1),
        recorded_at: at(2),
        withdrawal,
        declarer: None,
        recorded_by: None,
        label: None,
    };
    let withdrawn = declaration("a", Some(Withdrawal { given_at: at(3), recorded_at: at(3), by: None }));
    let history = vec![(client(), withdrawn.clone()), (other_client(), declaration("b", None))];
    // Between the two changes that enclose an import.
    assert_eq!(import_new(&store, history.clone()).await, Revision(4));

    let entry = |(client, declaration)| HistoryEntry::Declaration(client, declaration);
    let outcomes = async |declarations: Vec<(ClientId, Declaration)>| {
        import(&store, declarations.into_iter().map(entry).collect()).await.unwrap()
    };
    use ImportOutcome::{Added, AlreadyStored, OtherContent, Repeated};
    let nothing = |outcomes: &[ImportOutcome]| (ImportResult::NothingStored, outcomes.to_vec());
    assert_eq!(outcomes(history).await, nothing(&[AlreadyStored, AlreadyStored]));
    let earlier = vec![(client(), declaration("a", None))];
    assert_eq!(outcomes(earlier).await, nothing(&[AlreadyStored]));
    let other = vec![(client(), declaration("c", None)), (other_client(), declaration("a", None))];
    assert_eq!(outcomes(other).await, nothing(&[Added, OtherContent]));
    let itself = vec![(client(), declaration("c", None)), (client(), declaration("c", None))];
    assert_eq!(outcomes(itself).await, nothing(&[Added, Repeated]));
    assert_eq!(import_new(&store, Vec::new()).await, Revision(4));

    // It can be withdrawn like any other.
    append(&store, withdraw(other_client(), "end", id("b"))).await;
    let changes = load(&store);
    let [
        _,
        Change::Declaration { client: whose, declaration, .. },
        _,
        _,
        Change::Withdrawal { withdrawal, .. },
    ] = &changes[..]
    else {
        panic!("{changes:?}");
    };
    assert_eq!((whose, declaration), (&client(), &withdrawn));
    assert_eq!(withdrawal.by, Some(declarer(Role::Client)));
}

async fn a_national_root_with_something_else_is_not_stored(home: Shared) {
    let store = home.open();
    let strange = ClientId::Other { root: oid("1.2.246.21"), extension: id("010181-900C") };
    let refused = store.append(declare(strange, "key", denial())).await;
    assert!(
        matches!(&refused, Err(AppendError::Store(error)) if matches!(**error, WriteError::ClientNotStorable))
    );
    append(&store, declare(client(), "key", denial())).await;
}

async fn the_last_of_several_withdrawals_stands(home: Shared) {
    let store = home.open();
    let denied = append(&store, declare(client(), "deny", denial())).await;
    let mut first = withdraw(client(), "guardian", denied.id.clone());
    let Entry::Withdrawal(submission) = &mut first.entry else { panic!("a withdrawal") };
    submission.declarer = declarer(Role::Guardian);
    append(&store, first).await;
    let last = append(&store, withdraw(client(), "client", denied.id)).await;
    let (seen, sees) = mpsc::channel();
    let mut look = declare(client(), "look", denial());
    look.admit = Box::new(move |_, person, _| {
        seen.send(person.declarations.to_vec()).unwrap();
        Ok(Admitted::default())
    });
    append(&store, look).await;
    let [declaration] = &sees.recv().unwrap()[..] else { panic!("one declaration") };
    let by = Some(declarer(Role::Client));
    let stands = Withdrawal { given_at: last.recorded_at, recorded_at: last.recorded_at, by };
    assert_eq!(declaration.withdrawal, Some(stands));
}

/// Of two operators who replace the same directory at the same time, one succeeds.
async fn a_directory_is_replaced_only_if_it_is_unchanged(home: Shared) {
    let store = home.open();
    let first = store.replace_directory(directory("1.2.1")).await.unwrap().point;
    append(&store, declare(client(), "a declaration", denial())).await;
    let point = Point { epoch: first.epoch, revision: Revision(first.revision.0 + 1) };
    let replacing = |name: &'static str| store.replace_directory_unchanged_since(directory(name), point);
    let (one, other) = tokio::join!(replacing("1.2.2"), replacing("1.2.3"));
    assert!(matches!(
        (&one, &other),
        (Ok(_), Err(WriteError::DirectoryChanged)) | (Err(WriteError::DirectoryChanged), Ok(_))
    ));
    let second = one.or(other).unwrap().point;
    assert!(matches!(replacing("1.2.4").await, Err(WriteError::DirectoryChanged)));
    let elsewhere = Point { epoch: Epoch(uuid::Uuid::nil()), ..second };
    let other_epoch = store.replace_directory_unchanged_since(directory("1.2.4"), elsewhere).await;
    assert!(matches!(other_epoch, Err(WriteError::DirectoryChanged)));
    store.replace_directory_unchanged_since(directory("1.2.4"), second).await.unwrap();
    let directories = load(&store).into_iter().filter(|change| matches!(change, Change::Directory { .. }));
    assert_eq!(directories.count(), 3);
}

on_both_stores!(
    revisions_have_no_gaps,
    a_directory_is_replaced_only_if_it_is_unchanged,
    changes_are_read_from_any_revision_on,
    repeated_append_returns_the_first_answer,
    a_key_is_for_one_thing,
    a_key_counts_within_one_transaction,
    refused_append_leaves_no_trace,
    full_queue_is_reported_at_once,
    panic_in_admission_stops_the_writer_and_is_reported,
    a_viewing_is_stored_before_it_is_answered,
    equal_viewings_are_one_row_with_their_number,
    history_is_imported_as_it_is_given_or_not_at_all,
    a_national_root_with_something_else_is_not_stored,
    the_last_of_several_withdrawals_stands,
);
