//! Commands whose server does not answer, and output that cannot be written; signals.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use crate::fixtures::patience::block_until;
use crate::fixtures::process::{LUPA, Process, serve, signal};
use crate::fixtures::requests::{AINO, aino_declares};

/// A command that calls a server.
fn stats(url: &str, timeout: &str) -> Output {
    let arguments = ["index", "stats", "--server", url, "--timeout", timeout];
    Command::new(LUPA).args(arguments).env_clear().output().expect("it runs")
}

fn exit_and_error(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stderr.clone()).expect("text"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_ends_though_its_server_is_suspended() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(serve(&folder.path().join("lupa.sqlite"))).expect("it listens");
    server.connect().await;
    let url = format!("http://{}", server.address());
    server.signal("STOP");
    let (code, error) = exit_and_error(&stats(&url, "1"));
    assert_eq!(code, Some(4), "{error}");
    assert!(error.contains("did not answer within 1 s") && error.contains("--timeout"), "{error}");
    server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_health_check_works_for_callers_with_public_access() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = serve(&folder.path().join("lupa.sqlite"));
    command.env("LUPA_ACCESS__LOOPBACK", "public").env("LUPA_SERVER__SHUTDOWN_WAIT_MS", "3600000");
    let server = Process::start(command).expect("it listens");
    server.connect().await;
    let url = format!("http://{}", server.address());
    let health =
        || Command::new(LUPA).args(["health", "--server", &url]).env_clear().output().expect("it runs");
    let serving = health();
    assert_eq!((serving.status.code(), &*serving.stdout), (Some(0), &b"SERVING\n"[..]));
    assert_eq!(stats(&url, "60").status.code(), Some(3), "the index is not public");
    server.signal("TERM");
    block_until("a health check that fails", || health().status.code() == Some(4));
    server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_code_is_read_from_standard_input_or_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(serve(&folder.path().join("lupa.sqlite"))).expect("it listens");
    let channel = server.connect().await;
    aino_declares(channel).await;
    let url = format!("http://{}", server.address());
    let file = folder.path().join("code");
    std::fs::write(&file, AINO).expect("written");
    let list = |client: &str| {
        let mut command = Command::new(LUPA);
        command.args(["list", "--client", client, "--kind", "information", "--server", &url]).env_clear();
        let mut command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut input = command.stdin.take().expect("its input");
        // A command that does not read it may have ended.
        drop(writeln!(input, "{AINO}"));
        drop(input);
        let output = command.wait_with_output().expect("an exit");
        assert_eq!(output.status.code(), Some(0), "{client}");
        String::from_utf8(output.stdout).expect("text")
    };
    let named = list(AINO);
    assert!(named.to_lowercase().contains("information"), "{named}");
    assert_eq!(list("@-"), named);
    assert_eq!(list(&format!("@{}", file.display())), named);
}

#[test]
fn a_command_ends_though_its_server_speaks_another_protocol() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        connection.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").expect("sent");
        // Until the command has read it.
        drop(connection.read_to_end(&mut Vec::new()));
    });
    let (code, error) = exit_and_error(&stats(&url, "60"));
    assert_eq!(code, Some(4), "{error}");
    assert!(error.contains("it may be no lupa server"), "{error}");
    server.join().expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_panics_where_standard_error_is_full() {
    let full = || OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let code = |arguments: &[&str]| {
        let mut command = Command::new(LUPA);
        command.args(arguments).env_clear().stdout(Stdio::null()).stderr(full());
        command.status().expect("it runs").code()
    };
    assert_eq!(code(&["index", "stats", "--server", "http://127.0.0.1:1"]), Some(4));
    assert_eq!(code(&["config", "--config", "/nowhere/lupa.toml"]), Some(2));
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(serve(&folder.path().join("lupa.sqlite"))).expect("it listens");
    server.connect().await;
    let url = format!("http://{}", server.address());
    let declared = ["declare", "information", "--version", "2.0", "--client", AINO, "--role", "client"];
    let declared = declared.into_iter().chain(["--recorded-by", "my-kanta", "--server", &url]);
    // The idempotency key cannot be printed; what is declared is stored nevertheless.
    assert_eq!(code(&declared.collect::<Vec<_>>()), Some(0));
    server.terminate();
    // Nor does a server whose log cannot be written.
    let mut command = serve(&folder.path().join("lupa.sqlite"));
    command.env("LUPA_LOG__LEVEL", "nonsense").stdout(Stdio::null()).stderr(full());
    assert_eq!(command.status().expect("it runs").code(), Some(2));
}

#[test]
fn sighup_reloads_the_log_level_and_ends_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("lupa.toml");
    std::fs::write(&file, "").expect("written");
    let mut command = serve(&folder.path().join("lupa.sqlite"));
    command.env("LUPA_CONFIG", &file).stderr(Stdio::piped());
    let mut server = command.spawn().expect("a process");
    let mut log = BufReader::new(server.stderr.take().expect("its log")).lines();
    let mut logged = |words: &str| {
        log.by_ref().map(|line| line.expect("a line")).find(|line| line.contains(words)).expect("a line")
    };
    logged("listening");
    std::fs::write(&file, "[log]\nlevel = 'lupa=info'\n").expect("written");
    signal(server.id(), "HUP");
    assert!(logged("reloaded log.level").contains("\"level\":\"lupa=info\""));
    std::fs::write(&file, "[log]\nlevel = 'warning'\n").expect("written");
    signal(server.id(), "HUP");
    assert!(logged("was not reloaded").contains("did you mean `warn`?"));
    signal(server.id(), "TERM");
    logged("stopped");
    assert_eq!(server.wait().expect("an exit").code(), Some(0));
}

#[test]
fn sigterm_ends_a_server_that_is_still_opening_its_store() {
    // A PostgreSQL server that accepts connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = serve(&folder.path().join("unused"));
    command
        .env_remove("LUPA_STORE__PATH")
        .env(
            "LUPA_STORE__URL",
            format!("postgresql://lupa@{}/lupa", silent.local_addr().expect("an address")),
        )
        .env("LUPA_STORE__CONNECT_TIMEOUT_MS", "3600000")
        .stderr(Stdio::piped());
    let mut server: Child = command.spawn().expect("a process");
    let (_connection, _) = silent.accept().expect("it connects to its store");
    signal(server.id(), "TERM");
    let status = server.wait().expect("an exit");
    let log = BufReader::new(server.stderr.take().expect("its log"));
    let log: Vec<String> = log.lines().map_while(Result::ok).collect();
    assert_eq!(status.code(), Some(0), "{log:?}");
    assert!(log.iter().any(|line| line.contains("stopped before the store was open")), "{log:?}");
}
