//! Copies have the content of the original and an identity of their own. Restored backups
//! start a new epoch.

use std::fs;
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;

use lupa::policy::link::LinkedCodes;
use lupa::policy::viewing::ViewingPurpose;
use lupa::store::{
    CopyError, CopyPhase, CopyTo, Damage, OpenError, Revision, Store, Verified, VerifyFault, Viewed, Viewing,
};

use super::fixture::*;
use crate::fixtures::importing::import_new;
use crate::fixtures::postgres::{Cluster, postgres_options};

/// The last revision of [`filled`].
const LAST: Revision = Revision(11);

/// Changes of every kind.
async fn filled(store: &Store) {
    store.replace_directory(directory("HUS")).await.unwrap();
    let given = append(store, declare(client(), "deny", denial())).await;
    append(store, declare(other_client(), "consent", consent())).await;
    append(store, withdraw(client(), "end", given.id)).await;
    import_new(store, vec![(client(), imported("imported", 7))]).await;
    let linked = LinkedCodes { codes: Box::new([client(), other_client()]), current: client() };
    let linked = append(store, link(linked, "link")).await;
    append(store, unlink(other_client(), linked.id, "unlink")).await;
    for client in [client(), other_client()] {
        let purpose = ViewingPurpose::Investigation;
        let viewing = Viewing { client, viewer: None, purpose, what: Viewed::List };
        store.log_viewings(viewing, NonZeroU32::new(2).unwrap()).await.unwrap();
    }
}

fn verified(store: &Store) -> Verified {
    store.verify(&mut |_| true).unwrap().unwrap()
}

/// The parts of a copy that must equal the original.
fn content_of(store: &Store) -> (Revision, u64, [u8; 32], Vec<String>) {
    let Verified { epoch: _, revision, viewings, digest, faults, faults_count } = verified(store);
    assert_eq!((faults.as_slice(), faults_count), (&[][..], 0));
    (revision, viewings, digest, load(store).iter().map(|change| format!("{change:?}")).collect())
}

async fn copy_has_the_same_content_and_its_own_identity(home: Shared) {
    let original = home.open();
    filled(&original).await;
    let expected = content_of(&original);
    assert_eq!((expected.0, expected.1), (LAST, 4));
    let there = Home::new();
    let server = postgres_options(&Cluster::shared().database());
    let mut phases = Vec::new();
    for to in [CopyTo::File(&there.store()), CopyTo::Server(&server)] {
        let copied = original.copy(to, options(), &mut |phase| {
            phases.push(phase);
            true
        });
        assert_eq!(copied.unwrap().unwrap().digest, expected.2);
    }
    let last = LAST;
    let each = [CopyPhase::Copying(last), CopyPhase::VerifyingOriginal(last), CopyPhase::VerifyingCopy(last)];
    assert_eq!(phases, [each, each].concat());
    for copy in [there.open(), Store::connect(&server, options()).unwrap()] {
        assert_eq!(content_of(&copy), expected);
        assert_ne!((copy.epoch(), copy.token_key()), (original.epoch(), original.token_key()));
        assert_eq!(copy.declaration_ids(), original.declaration_ids());
        // Idempotency keys stay used, and revisions continue.
        let again = append(&copy, declare(client(), "deny", denial())).await;
        assert_eq!((again.revision, again.is_replay), (Revision(2), true));
        assert_eq!(append(&copy, declare(client(), "next", denial())).await.revision, LAST.next());
        assert_eq!(verified(&copy).faults, []);
        // An existing store is not overwritten.
        let over = original.copy(
            if copy.file().is_some() { CopyTo::File(copy.file().unwrap()) } else { CopyTo::Server(&server) },
            options(),
            &mut |_| true,
        );
        assert!(
            matches!(
                over,
                Err(CopyError::Open(OpenError::InUse { .. } | OpenError::Exists { .. })
                    | CopyError::NotEmpty { .. })
            ),
            "{over:?}"
        );
    }
}

async fn stopped_copy_leaves_no_store(home: Shared) {
    let original = home.open();
    filled(&original).await;
    let there = Home::new();
    let stopped = original.copy(CopyTo::File(&there.store()), options(), &mut |_| false);
    assert!(matches!(stopped, Ok(None)), "{stopped:?}");
    assert!(!there.store().exists());
    let server = postgres_options(&Cluster::shared().database());
    assert!(matches!(original.copy(CopyTo::Server(&server), options(), &mut |_| false), Ok(None)));
    assert_eq!(Store::connect(&server, options()).unwrap().count().unwrap(), 0);
}

async fn verification_finds_inconsistencies(home: Shared) {
    let store = home.open();
    filled(&store).await;
    home.unprotect().await;
    let row = |revision, what, kind, id| Row {
        revision: Some(revision),
        what,
        kind: Some(kind),
        client: Some(("1.2.246.21", "010181-900C")),
        declaration_id: Some(id),
        body: "{}",
    };
    home.write(row(12, "declaration", "denial", "unreadable")).await;
    home.write(row(13, "withdrawal", "denial", "unreadable")).await;
    home.write(Row { client: Some(("1.2.246.21", "nobody")), ..row(15, "declaration", "denial", "x") }).await;
    home.execute("UPDATE lupa.change SET recorded_at = 1 WHERE revision = 15").await;
    let found: Vec<(u64, Damage)> = verified(&store)
        .faults
        .into_iter()
        .map(|VerifyFault { revision, finding }| (revision.0, finding))
        .collect();
    let expected = [
        (12, Damage::Restricts),
        (13, Damage::EndsNothing),
        (15, Damage::Hole),
        (15, Damage::GoesBack),
        (15, Damage::Unreadable("client")),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn backup_is_a_snapshot_and_its_restore_starts_new_epoch() {
    let home = Home::new();
    let store = home.open();
    filled(&store).await;
    let (before, expected) = (store.epoch(), content_of(&store));
    let backup = home.file("backup.sqlite");
    assert_eq!(Store::back_up(&home.store(), &backup, options()).unwrap(), LAST);
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    let again = Store::back_up(&home.store(), &backup, options());
    assert!(matches!(again, Err(CopyError::Open(OpenError::Exists { .. }))));
    append(&store, declare(client(), "after", denial())).await;
    // Verification does not change it.
    let looked_at = Store::open_to_follow(&backup, options()).unwrap();
    assert_eq!((looked_at.epoch(), content_of(&looked_at)), (before, expected.clone()));
    drop(looked_at);

    drop(store);
    for restored in ["first", "second"] {
        let path = home.file(restored);
        fs::copy(&backup, &path).unwrap();
        let store = Store::open(&path, options()).unwrap();
        assert_ne!(store.epoch(), before);
        assert_eq!(content_of(&store), expected);
        let epoch = store.epoch();
        drop(store);
        assert_eq!(Store::open(&path, options()).unwrap().epoch(), epoch, "once");
    }
}

on_both_stores!(
    copy_has_the_same_content_and_its_own_identity,
    stopped_copy_leaves_no_store,
    verification_finds_inconsistencies,
);
