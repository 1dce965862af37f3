//! Invalid files, settings and requests and a full disk, with the real binary: it reports
//! the cause and acknowledges nothing that is not stored.

mod disk;
mod requests;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use lupa::wire::v1;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::fixtures::patience::{self, PATIENT_SETTINGS};
use crate::fixtures::process::{Exited, LUPA, Process, serve};
use crate::fixtures::requests::{DENIAL, aino, recording, settled};

/// The exit code for an invalid setting or argument.
const WRONG_USAGE: i32 = 2;
/// The exit code for an unusable store.
const CANNOT_SERVE: i32 = 4;

/// The exit of a process that does not listen.
fn refused(command: Command) -> Exited {
    match Process::start(command) {
        Ok(_) => panic!("it listens"),
        Err(ended) => ended,
    }
}

/// Asserts that it exited by itself with this code and reported these words.
fn assert_reported(ended: &Exited, exit: i32, words: &[&str]) {
    assert_eq!(ended.status.code(), Some(exit), "{ended:?}");
    for word in words {
        assert!(ended.output.contains(word), "`{word}` is not in {ended:?}");
    }
    assert!(!ended.output.contains("panicked"), "{ended:?}");
}

/// A store with one declaration, closed cleanly.
async fn create_store(store: &Path) -> v1::RecordDeclarationResponse {
    let process = Process::start(serve(store)).expect("it listens");
    let mut client = DeclarationServiceClient::new(process.connect().await);
    let answer =
        client.record_declaration(recording(aino(), "1", DENIAL)).await.expect("recorded").into_inner();
    assert_reported(&process.terminate(), 0, &["listening", "stopped"]);
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unusable_store_file_is_refused_and_unchanged() {
    let folder = TempDir::new().expect("a directory");
    let whole = folder.path().join("whole.sqlite");
    create_store(&whole).await;
    let copy = |name: &str| {
        let copy = folder.path().join(name);
        fs::copy(&whole, &copy).expect("a copy");
        let watermark = |store: &Path| store.with_extension("sqlite.watermark");
        fs::copy(watermark(&whole), watermark(&copy)).expect("a copy of its watermark");
        copy
    };
    let cut = |name: &str, length: u64| {
        let cut = copy(name);
        fs::File::options().write(true).open(&cut).and_then(|file| file.set_len(length)).expect("cut");
        cut
    };
    let length = fs::metadata(&whole).expect("a file").size();
    let text = folder.path().join("text.sqlite");
    fs::write(&text, "client: 010181-900C\n".repeat(100)).expect("a file");
    let foreign = folder.path().join("foreign.sqlite");
    Connection::open(&foreign)
        .and_then(|other| other.execute_batch("CREATE TABLE t (a)"))
        .expect("a database");
    let newer = copy("newer.sqlite");
    Connection::open(&newer)
        .and_then(|other| other.pragma_update(None, "user_version", 99))
        .expect("a version");
    let holed = copy("holed.sqlite");
    let hole = "DROP TRIGGER change_is_never_updated; UPDATE change SET revision = 7 WHERE revision = 1;";
    Connection::open(&holed).and_then(|other| other.execute_batch(hole)).expect("a hole");
    let log_only = folder.path().join("gone.sqlite");
    fs::write(folder.path().join("gone.sqlite-wal"), "x").expect("a file");

    for (store, words) in [
        (cut("half.sqlite", length / 2), &["is damaged or cut short", "restore a backup"]),
        (cut("page.sqlite", 4096), &["is damaged or cut short", "restore a backup"]),
        (cut("header.sqlite", 50), &["is damaged or cut short", "restore a backup"]),
        (cut("empty.sqlite", 0), &["is damaged or cut short", "restore a backup"]),
        (text, &["is not a store of lupa", "give another path"]),
        (foreign, &["is an SQLite file of another application", "give another path"]),
        (newer, &["has version 99 of the store's schema", "install the newer lupa"]),
        (holed, &["is damaged or cut short", "the last is revision 7"]),
        (log_only.clone(), &["but not the store it belongs to", "put the store back"]),
    ] {
        let before = fs::read(&store).ok();
        let ended = refused(serve(&store));
        assert_reported(&ended, CANNOT_SERVE, words);
        assert!(ended.output.contains(store.to_str().expect("UTF-8")), "{ended:?}");
        assert!(!ended.output.contains("010181-900C"), "{ended:?}");
        assert!(fs::read(&store).ok() == before, "{} was changed", store.display());
    }
    let nowhere = refused(serve(&folder.path().join("no/such/directory/store.sqlite")));
    assert_reported(&nowhere, CANNOT_SERVE, &["check that its directory exists"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_process_is_refused_while_the_first_runs() {
    let folder = TempDir::new().expect("a directory");
    let store = folder.path().join("store.sqlite");
    let stored = create_store(&store).await;
    let first = Process::start(serve(&store)).expect("it listens");
    assert_reported(
        &refused(serve(&store)),
        CANNOT_SERVE,
        &["is in use by another lupa process", "stop that one first"],
    );
    // Nor by another path.
    let link = folder.path().join("link.sqlite");
    std::os::unix::fs::symlink(&store, &link).expect("a link");
    assert_reported(&refused(serve(&link)), CANNOT_SERVE, &["is in use by another lupa process"]);

    let mut client = DeclarationServiceClient::new(first.connect().await);
    let again =
        client.record_declaration(recording(aino(), "1", DENIAL)).await.expect("recorded").into_inner();
    assert_eq!(settled(again), settled(stored));
    first.kill();
    Process::start(serve(&store)).expect("the lock went with the process");
}

#[test]
fn invalid_settings_are_reported_before_the_start() {
    let folder = TempDir::new().expect("a directory");
    let store = folder.path().join("store.sqlite");
    let file = folder.path().join("lupa.toml");
    fs::write(
        &file,
        "[server]\nlisten_adress = '127.0.0.1:0'\nrecords_per_request_max = 0\n[stor]\npath = 'x'\n",
    )
    .expect("a file");
    let file = file.to_str().expect("UTF-8");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    for (variable, value, words) in [
        (
            "LUPA_SERVER__LISTEN_ADRESS",
            "127.0.0.1:0",
            &["LUPA_SERVER__LISTEN_ADRESS", "LUPA_SERVER__LISTEN_ADDRESS"][..],
        ),
        (
            "LUPA_CONFIG",
            file,
            &["lupa.toml:2", "listen_address", "lupa.toml:3", "records_per_request_max", "stor"],
        ),
        ("LUPA_CONFIG", "no-such-file.toml", &["no-such-file.toml"]),
        ("LUPA_SERVER__LISTEN_ADDRESS", "localhost", &["server.listen_address", "localhost"]),
        ("LUPA_SERVER__LISTEN_ADDRESS", "0.0.0.0:0", &["0.0.0.0:0", "beyond loopback", "in plaintext"]),
        ("LUPA_SERVER__LISTEN_ADDRESS", "[::]:0", &["[::]:0", "beyond loopback", "in plaintext"]),
        ("LUPA_SERVER__LISTEN_ADDRESS", &taken, &[&taken, "cannot listen"]),
        ("LUPA_INDEX__POLL_INTERVAL_MS", "2000", &["index.poll_interval_ms", "always be stale"]),
        ("LUPA_CALENDAR__CROSS_SECTOR_FROM", "2027-02-29", &["calendar.cross_sector_from", "2027-02-29"]),
        ("LUPA_ACCESS__LOOPBACK", "everyone", &["access.loopback", "full", "public"]),
        ("LUPA_LOG__LEVEL", "lupa=loud", &["log.level", "`loud` is not a level"]),
    ] {
        let mut command = serve(&store);
        // Nothing starts: the other settings are the defaults.
        PATIENT_SETTINGS.map(patience::variable).iter().for_each(|(name, _)| {
            command.env_remove(name);
        });
        command.env(variable, value);
        assert_reported(&refused(command), WRONG_USAGE, words);
        assert!(!store.exists(), "{variable}={value}");
    }
    let mut unknown = Command::new(LUPA);
    unknown.args(["serve", "--port", "1"]).env_clear();
    assert_reported(&refused(unknown), WRONG_USAGE, &["--port"]);
}
