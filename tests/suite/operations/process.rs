//! What the process promises of itself: it starts only with variables that it can use, its
//! memory is its own, and it ends at a signal.
//!
//! `a_command_that_is_process_1_…` needs `unshare` and the right to make namespaces.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::fixtures::patience::block_until;
use crate::fixtures::process::{LUPA, Process, serve, signal};

#[test]
fn variables_of_opentelemetry_that_cannot_be_used_are_refused_at_start() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4317"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_LOGS_EXPORTER", "console"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "30s"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2049"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1m"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = serve(&folder.path().join("lupa.sqlite"));
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317").env(name, value);
        let refused = Process::start(command).err().unwrap_or_else(|| panic!("{name}={value} is accepted"));
        assert_eq!(refused.status.code(), Some(2), "{name}: {}", refused.output);
        assert!(refused.output.contains(&format!("error: {name}: ")), "{name}: {}", refused.output);
        assert!(!folder.path().join("lupa.sqlite").exists(), "{name}: refused before anything is opened");
    }
}

/// An unprivileged user, if the tests run as root.
const NOBODY: u32 = 65_534;

/// A program, as a user who is not root.
fn unprivileged(program: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().stdout(Stdio::null()).stderr(Stdio::null());
    if fs::metadata("/proc/self").expect("this process").uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.spawn().expect("a process")
}

/// The arguments of a command that waits for an answer of a server that gives none.
fn waiting(silent: &TcpListener) -> [String; 6] {
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    ["index", "stats", "--server", &url, "--timeout", "3600"].map(ToOwned::to_owned)
}

#[test]
fn memory_is_not_dumped_and_belongs_to_root() {
    // Where every user may run it.
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("a mode");
    let program = folder.path().join("lupa");
    fs::hard_link(LUPA, &program).or_else(|_| fs::copy(LUPA, &program).map(drop)).expect("a program");
    let owner_of_memory = |child: &Child| {
        fs::metadata(format!("/proc/{}/mem", child.id())).expect("the memory of the process").uid()
    };
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let arguments = waiting(&silent);
    let mut lupa = unprivileged(&program, &arguments.each_ref().map(String::as_str));
    let (_connection, _) = silent.accept().expect("it has started");
    assert_eq!(owner_of_memory(&lupa), 0);
    signal(lupa.id(), "ABRT");
    let status = lupa.wait().expect("an exit");
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
    // Of any other program it belongs to its user.
    let mut other = unprivileged(Path::new("/bin/sleep"), &["3600"]);
    block_until("a process of its user", || owner_of_memory(&other) != 0);
    other.kill().expect("killed");
    other.wait().expect("an exit");
}

#[test]
fn a_command_that_is_process_1_ends_when_it_is_told_to() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let mut container = Command::new("unshare");
        container.args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child", LUPA]);
        container.args(waiting(&silent)).env("LANG", "C").stdout(Stdio::null()).stderr(Stdio::null());
        let mut container = container.spawn().expect("unshare");
        let (_connection, _) = silent.accept().expect("it has started");
        let children = format!("/proc/{0}/task/{0}/children", container.id());
        let children = fs::read_to_string(children).expect("its process 1");
        signal(children.trim().parse().expect("one process"), name);
        assert_eq!(container.wait().expect("an exit").code(), Some(code), "{name}");
    }
}
