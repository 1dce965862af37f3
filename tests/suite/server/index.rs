//! The index as operators see it: over gRPC, HTTP and in files.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use lupa::wire::admin;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use tonic::Code;

use super::fixture::{BEGINNING, Fixture};
use crate::fixtures::patience::{until, until_some};
use crate::fixtures::process::{Process, request, serve};
use crate::fixtures::refused::{because, refused};
use crate::fixtures::requests::{CONSENT, DENIAL, INFORMATION, person, recording};

async fn with_declarations(settings: &[(&str, &str)]) -> Fixture {
    // A clock that stands: a digest is published when the minute changes between two changes.
    let fixture = Fixture::start_at(|| BEGINNING.parse().expect("an instant"), settings).await;
    for (number, declaration) in [INFORMATION, CONSENT, DENIAL].into_iter().enumerate() {
        fixture.record(recording(person(number % 2), &number.to_string(), INFORMATION)).await;
        fixture.record(recording(person(number % 2), &format!("and {number}"), declaration)).await;
    }
    fixture
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn index_stats_are_for_entitled_callers() {
    let fixture = with_declarations(&[]).await;
    let request = || admin::GetIndexStatsRequest {};
    let stats = fixture.indexes().get_index_stats(request()).await.expect("stats").into_inner();
    assert_eq!((stats.revision, stats.clients, stats.declarations), (7, 2, 6));
    assert_eq!((stats.overlay_clients, stats.checkpoint), (2, None));
    let digest = stats.digest;
    assert_eq!(digest.len(), 16);
    // A load packs the declarations.
    let fixture = fixture.restart_with(&[]).await;
    let stats = fixture.indexes().get_index_stats(request()).await.expect("stats").into_inner();
    assert_eq!((stats.clients, stats.declarations, stats.overlay_clients), (2, 6, 0));
    assert!(stats.base_bytes.expect("bytes").entries >= 6 * 16);
    assert_eq!((stats.digest, stats.mark), (digest, None));
    let fixture = fixture.restart_with(&[("access.loopback", "public")]).await;
    let answer = refused(fixture.indexes().get_index_stats(request()).await);
    assert_eq!(answer, because(Code::PermissionDenied, "NOT_ENTITLED"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_many_clients_are_packed_while_it_serves() {
    let fixture = with_declarations(&[("index.overlay_clients_max", "1")]).await;
    let stats = until_some("a merge", async || {
        let answer = fixture.indexes().get_index_stats(admin::GetIndexStatsRequest {}).await;
        let stats = answer.expect("stats").into_inner();
        // Changes during a merge are left to the next one.
        (stats.merges.expect("merges").count > 0 && stats.overlay_clients < 2).then_some(stats)
    })
    .await;
    assert_eq!((stats.clients, stats.declarations), (2, 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_metrics_are_served_over_http() {
    let fixture = with_declarations(&[]).await;
    assert_eq!(fixture.get("/livez").await.1, "alive\n");
    assert_eq!(fixture.get("/readyz").await.1, "ready\n");
    let (head, metrics) = fixture.get("/metrics").await;
    assert!(head.contains("application/openmetrics-text"), "{head}");
    for line in ["lupa_index_revision 7\n", "lupa_index_clients 2\n", "lupa_index_declarations 6\n"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    assert!(metrics.contains("lupa_index_base_bytes{part=\"entries\"} ") && metrics.ends_with("# EOF\n"));
    assert!(fixture.get("/elsewhere").await.0.starts_with("HTTP/1.0 404"));
}

/// By default the store is named by its file alone, in the folder of the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_is_written_beside_a_store_in_the_folder_of_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = serve(Path::new("store.sqlite"));
    command.current_dir(folder.path()).env("LUPA_INDEX__CHECKPOINT_CHANGES_MIN", "1");
    let process = Process::start(command).expect("it listens");
    let mut declarations = DeclarationServiceClient::new(process.connect().await);
    declarations.record_declaration(recording(person(0), "1", INFORMATION)).await.expect("recorded");
    until("a checkpoint", async || folder.path().join("store.sqlite.index").exists()).await;
    let ended = process.terminate();
    assert!(ended.output.contains("a checkpoint is written"), "{}", ended.output);
    assert!(!ended.output.contains("no checkpoint is written"), "{}", ended.output);
}

/// Another user has been able to write the checkpoint. The server starts without it and raises the alarm.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_checkpoint_is_an_error_in_the_log_and_in_the_metrics() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, checkpoint) = (folder.path().join("store.sqlite"), folder.path().join("store.sqlite.index"));
    let start = || {
        let mut command = serve(&store);
        command
            .env("LUPA_INDEX__CHECKPOINT_CHANGES_MIN", "1")
            .env("LUPA_SERVER__HTTP_ADDRESS", "127.0.0.1:0");
        Process::start(command).expect("it listens")
    };
    let refused = async |process: &Process| {
        let (_, metrics) = request(process.http(), "GET", "/metrics", "").await;
        let of_reason = |reason| {
            let name = format!("lupa_index_checkpoint_refused_total{{reason=\"{reason}\"}} ");
            let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
            value.unwrap_or_else(|| panic!("{metrics}")).to_owned()
        };
        ["file", "folder", "mac", "damaged", "history", "state_digest", "store_digest"].map(of_reason)
    };
    let process = start();
    let mut declarations = DeclarationServiceClient::new(process.connect().await);
    declarations.record_declaration(recording(person(0), "1", INFORMATION)).await.expect("recorded");
    until("a checkpoint", async || checkpoint.exists()).await;
    assert!(process.terminate().status.success());

    let process = start();
    process.connect().await;
    assert_eq!(refused(&process).await, ["0"; 7]);
    let ended = process.terminate();
    assert!(ended.output.contains(r#""is_checkpoint":true"#), "{}", ended.output);

    std::fs::set_permissions(&checkpoint, Permissions::from_mode(0o666)).expect("a mode");
    let process = start();
    process.connect().await;
    assert_eq!(refused(&process).await, ["1", "0", "0", "0", "0", "0", "0"]);
    let ended = process.terminate();
    let error = ended.output.lines().find(|line| line.contains("the checkpoint is refused"));
    let error = error.unwrap_or_else(|| panic!("{}", ended.output));
    for part in [r#""level":"ERROR""#, r#""reason":"file""#, "remove it"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(ended.output.contains(r#""is_checkpoint":false"#), "{}", ended.output);
}
