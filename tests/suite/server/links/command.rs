//! `lupa link`, `lupa unlink` and `lupa links`, as the real binary.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::fixtures::linking::AINO_NEW;
use crate::fixtures::process::{LUPA, Process, serve};
use crate::fixtures::requests::AINO;

/// Runs a command against a server.
fn lupa(server: &Process, arguments: &[&str]) -> Output {
    let url = format!("http://{}", server.address());
    Command::new(LUPA).args(arguments).args(["--server", &url]).env_clear().output().expect("it runs")
}

/// The output of a command that must succeed.
#[track_caller]
fn printed(server: &Process, arguments: &[&str]) -> String {
    let output = lupa(server, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The error of a command, with its exit code.
fn refused(server: &Process, arguments: &[&str]) -> (Option<i32>, String) {
    let output = lupa(server, arguments);
    assert!(output.stdout.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

/// The words of each line.
fn words(printed: &str) -> Vec<Vec<&str>> {
    printed.lines().map(|line| line.split_whitespace().collect()).collect()
}

const RECORDED: [&str; 4] = ["--recorded-by", "population-register", "--idempotency-key", "key"];

fn linking(current: &str) -> Vec<&str> {
    let link = ["link", AINO, AINO_NEW, "--current", current, "--reason", "identity-code-changed"];
    link.into_iter().chain(["--recorded-by", "population-register"]).collect()
}

async fn server(folder: &Path) -> Process {
    let server = Process::start(serve(&folder.join("lupa.sqlite"))).expect("it listens");
    server.connect().await;
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_are_recorded_listed_and_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = server(folder.path()).await;
    assert_eq!(printed(&server, &["links", AINO]), "No links.\n");

    let linked = printed(&server, &linking(AINO_NEW));
    let lines = words(&linked);
    let labels: Vec<&str> = lines.iter().map(|line| line[0]).collect();
    assert_eq!(labels, ["link", "recorded", "token", "everywhere"], "{linked}");
    let link = lines[0][1];
    // The values stand below each other.
    let columns: Vec<usize> = linked.lines().map(|line| line.rfind("  ").map_or(0, |at| at + 2)).collect();
    assert_eq!(columns[0], columns[2], "{linked}");
    let again = printed(&server, &linking(AINO_NEW));
    assert!(
        again.ends_with("notice: the codes were already linked, with the same current code\n"),
        "{again}"
    );

    let listed = printed(&server, &["links", AINO]);
    let lines = words(&listed);
    assert_eq!(lines[0].join(" "), "link codes current reason recorded at ended at", "{listed}");
    assert_eq!(lines[1][..5], [link, AINO, AINO_NEW, AINO_NEW, "IDENTITY_CODE_CHANGED"], "{listed}");
    assert_eq!(
        lines[4].join(" "),
        format!("Codes of the client: {AINO}, {AINO_NEW} (in use now)"),
        "{listed}"
    );

    let end = ["unlink", "--client", AINO_NEW, "--link", link];
    let unlinked = printed(&server, &[&end[..], &RECORDED].concat());
    let labels: Vec<&str> = words(&unlinked).into_iter().map(|line| line[0]).collect();
    assert_eq!(labels, ["unlinked", "token", "everywhere"], "{unlinked}");
    // Repeated with the same key it is answered the same, with another it is refused.
    assert_eq!(words(&printed(&server, &[&end[..], &RECORDED].concat()))[0], words(&unlinked)[0]);
    let (code, error) = refused(&server, &[&end[..], &RECORDED[..2]].concat());
    assert_eq!(code, Some(3));
    assert!(error.contains("ALREADY_UNLINKED") && error.contains("idempotency key: "), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_read_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = server(folder.path()).await;
    let read = |arguments: &[&str]| -> Value {
        serde_json::from_str(&printed(&server, &[arguments, &["--json"]].concat())).expect("JSON")
    };
    let linked = read(&linking(AINO));
    let link = linked["link_id"].as_str().expect("an id");
    assert!(linked["token"].is_string() && linked["effective_everywhere_after"].is_string(), "{linked}");
    let client = |code: &str| json!({ "extension": code });
    let listed = read(&["links", AINO_NEW]);
    assert_eq!(listed["clients"], json!([client(AINO), client(AINO_NEW)]));
    assert_eq!(listed["current"], client(AINO));
    let stored = &listed["links"][0];
    assert_eq!(
        (&stored["id"], &stored["reason"]),
        (&json!(link), &json!("LINK_REASON_IDENTITY_CODE_CHANGED"))
    );
    assert_eq!(stored["recorded_by"], json!({ "population_register": {} }));
    let end = ["unlink", "--client", AINO, "--link", link, "--recorded-by", "population-register"];
    let unlinked = read(&end);
    assert_eq!(read(&["links", AINO])["links"][0]["end"]["recorded_at"], unlinked["recorded_at"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_arguments_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = server(folder.path()).await;
    let good = linking(AINO_NEW);
    let without = |name: &str| {
        let at = good.iter().position(|argument| *argument == name).expect("an argument");
        [&good[..at], &good[at + 2..]].concat()
    };
    for (arguments, named) in [
        (["link", AINO, "--current", AINO].to_vec(), "CODE"),
        (without("--current"), "--current"),
        (without("--reason"), "--reason"),
        (without("--recorded-by"), "--recorded-by"),
    ] {
        let (code, error) = refused(&server, &arguments);
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(named), "{error}");
    }
    // By the server, in the words of the wire.
    let mut twice = good.clone();
    twice[2] = AINO;
    for (arguments, named) in [(linking("020516C903K"), "current"), (twice, "clients")] {
        let (code, error) = refused(&server, &arguments);
        assert_eq!(code, Some(3), "{error}");
        assert!(error.contains(named), "{error}");
    }
}
