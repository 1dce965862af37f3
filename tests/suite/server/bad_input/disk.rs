//! A full disk: no false acknowledgement, an exit with the cause, and every acknowledged
//! declaration after a restart with free space.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};

use lupa::wire::v1;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tonic::Code;
use tonic::transport::Channel;
use tonic_types::StatusExt;

use super::{CANNOT_SERVE, assert_reported};
use crate::fixtures::process::{LUPA, Process, serve, settings};
use crate::fixtures::requests::{listing, person, recording, settled};

const CALLERS: usize = 4;
/// Far more than the disk can hold.
const DECLARATIONS_MAX: usize = 20_000;

/// The requests of a caller.
struct CallerLog {
    caller: usize,
    /// The acknowledged keys with their answers.
    answered: Vec<(String, v1::RecordDeclarationResponse)>,
    /// The key whose outcome is unknown.
    unknown: String,
}

/// In blocks of 512 bytes: enough for the store, but not for much of its WAL.
const FILE_BLOCKS_MAX: u32 = 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_may_not_grow_stops_the_server() {
    let folder = TempDir::new().expect("a directory");
    let store = folder.path().join("store.sqlite");
    // Without the signal, writing beyond the limit fails as on a full disk.
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", &format!("trap '' XFSZ; ulimit -f {FILE_BLOCKS_MAX}; exec \"$0\" serve"), LUPA]);
    settings(&mut limited, &store);
    fill_and_recover(limited, &store, || ()).await;
}

/// A separate file system, where the user may mount one.
struct Tmpfs<'a>(&'a Path);

impl<'a> Tmpfs<'a> {
    fn mount(path: &'a Path, size: &str) -> Option<Self> {
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(path).stderr(Stdio::null());
        mount.status().is_ok_and(|mounted| mounted.success()).then_some(Self(path))
    }

    fn grow(&self, size: &str) {
        let options = format!("remount,size={size}");
        let grown = Command::new("mount").args(["-o", &options]).arg(self.0).status().expect("mount");
        assert!(grown.success());
    }
}

impl Drop for Tmpfs<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.0).status().expect("umount");
        assert!(unmounted.success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_the_server() {
    let folder = TempDir::new().expect("a directory");
    let Some(disk) = Tmpfs::mount(folder.path(), "1m") else {
        eprintln!("not tested: no file system may be mounted here");
        return;
    };
    let store = folder.path().join("store.sqlite");
    fill_and_recover(serve(&store), &store, || disk.grow("64m")).await;
}

/// Records until the disk is full, then restarts with free space.
async fn fill_and_recover(limited: Command, store: &Path, make_room: impl FnOnce()) {
    let process = Process::start(limited).expect("it listens");
    let mut filling = JoinSet::new();
    for caller in 0..CALLERS {
        filling.spawn(record_until_full(caller, process.connect().await));
    }
    let logs: Vec<CallerLog> = filling.join_all().await;
    assert_reported(
        &process.wait(),
        CANNOT_SERVE,
        &["the store failed, so the server stopped", "check that the disk has room"],
    );

    make_room();
    let process = Process::start(serve(store)).expect("it listens");
    let mut client = DeclarationServiceClient::new(process.connect().await);
    let mut count = 0;
    for CallerLog { caller, answered, unknown } in logs {
        let resolved =
            client.record_declaration(denial(caller, &unknown)).await.expect("recorded").into_inner();
        let expected: Vec<_> = answered.iter().map(|(_, answer)| &answer.declaration_id).collect();
        let request = v1::ListDeclarationsRequest { page_size: 1000, ..listing(person(caller)) };
        let listed = client.list_declarations(request).await.expect("a list").into_inner().declarations;
        let mut found: Vec<_> = listed.iter().map(|stored| &stored.id).collect();
        assert_eq!(found.pop(), Some(&resolved.declaration_id));
        assert_eq!(found, expected);
        for (key, answer) in &answered {
            let again = client.record_declaration(denial(caller, key)).await.expect("recorded").into_inner();
            assert_eq!(settled(again), settled(answer.clone()));
        }
        count += answered.len();
    }
    assert!(count > 20, "only {count} were acknowledged: the disk was full from the start");
    assert_reported(&process.terminate(), 0, &["stopped"]);
}

fn denial(caller: usize, key: &str) -> v1::RecordDeclarationRequest {
    let yaml = format!("denial: {{ sector: SECTOR_HEALTHCARE, service_event: {key} }}");
    recording(person(caller), key, &yaml)
}

/// The acknowledged requests, and the key of the one that failed.
async fn record_until_full(caller: usize, channel: Channel) -> CallerLog {
    let mut client = DeclarationServiceClient::new(channel);
    let mut answered = Vec::new();
    for number in 0..DECLARATIONS_MAX {
        let key = format!("caller-{caller}-{number}");
        match client.record_declaration(denial(caller, &key)).await {
            Ok(answer) => answered.push((key, answer.into_inner())),
            Err(status) => {
                // The store failed, or the server had already gone.
                let is_gone = match status.code() {
                    Code::Unavailable | Code::Unknown | Code::Cancelled => true,
                    // From the transport: the server closed the connection as it ended.
                    Code::Internal => status.source().is_some(),
                    _ => false,
                };
                assert!(is_gone, "{status:?}");
                let reason = status.get_error_details().error_info().map(|info| info.reason.clone());
                assert!(reason.is_none_or(|reason| reason == "STORE_FAILED"), "{status:?}");
                return CallerLog { caller, answered, unknown: key };
            }
        }
    }
    panic!("the disk was never full");
}
