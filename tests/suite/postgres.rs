//! Real PostgreSQL servers, begun in temporary folders and ended with the tests.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lupa::store::{PostgresOptions, PostgresTls};
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::ports::free_port;

/// The user of Lupa, who is no superuser.
const USER: &str = "lupa";

/// A server of its own.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: TempDir,
    port: u16,
    databases: AtomicU32,
}

impl Cluster {
    /// The one that tests share which do no harm to it.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// Makes one with settings and starts it.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let cluster = Self::make(settings);
        cluster.run();
        cluster
    }

    /// One that takes nobody by TCP without TLS and the password.
    pub(crate) fn start_secured(certificate: &str, key: &str, password: &str) -> Self {
        let cluster = Self::make(&["ssl = on"]);
        let rules = format!("local all all trust\nhostssl all {USER} 127.0.0.1/32 scram-sha-256\n");
        for (name, text) in [("server.crt", certificate), ("server.key", key), ("pg_hba.conf", &rules)] {
            let path = cluster.data().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            if let Some((user, group)) = owner() {
                chown(&path, Some(user), Some(group)).unwrap();
            }
        }
        cluster.run();
        cluster.execute(&format!("ALTER ROLE {USER} PASSWORD '{password}'"));
        cluster
    }

    fn make(settings: &[&str]) -> Self {
        assert!(is_installed(), "there is no PostgreSQL: scripts/test installs it");
        let folder = tempfile::Builder::new().prefix("lupa-postgres").tempdir().unwrap();
        if let Some((user, group)) = owner() {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let cluster = Self { folder, port: free_port().port(), databases: AtomicU32::new(0) };
        let made = as_owner(&binary("initdb"))
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--pgdata"])
            .arg(cluster.data())
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success(), "initdb");
        // A recovery that syncs file by file takes seconds, and tests have many (PostgreSQL 14 or later).
        cluster.set(&format!(
            "port = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\n\
             max_connections = 300\nshared_buffers = 32MB\nrecovery_init_sync_method = syncfs\n{}",
            cluster.port,
            cluster.folder.path().display(),
            settings.join("\n")
        ));
        cluster
    }

    /// Starts the server and waits until it takes writes.
    pub(crate) fn run(&self) {
        let mut server = self.spawn(&[]);
        while !self.comes_up(|| server.is_finished()) {
            // One that was killed is there until its last session has noticed.
            server = self.spawn(&[]);
        }
        if self.databases.load(Ordering::Relaxed) == 0 {
            self.execute(&format!("CREATE ROLE {USER} LOGIN"));
        }
    }

    /// Starts the server by a command that runs it, in which it may fail.
    /// Tells whether it takes writes.
    pub(crate) fn run_by(&self, command: &[&str]) -> bool {
        let (server, began_at) = (self.spawn(command), Instant::now());
        self.comes_up(|| server.is_finished() || began_at.elapsed() > Duration::from_secs(5))
    }

    fn spawn(&self, command: &[&str]) -> JoinHandle<ExitStatus> {
        let postgres = binary("postgres");
        let mut words = command.iter().map(Path::new).chain([postgres.as_path()]);
        let mut server = as_owner(words.next().unwrap());
        server.args(words).arg("-D").arg(self.data());
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        server.stdout(Stdio::null()).stderr(log);
        // It is killed when the thread ends that started it, so that one lives on.
        thread::spawn(move || server.status().unwrap())
    }

    /// Waits until it takes writes, unless it will not.
    fn comes_up(&self, is_in_vain: impl Fn() -> bool) -> bool {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut asking = self.psql("SELECT pg_is_in_recovery()");
        asking.stderr(Stdio::null());
        while !asking.output().unwrap().stdout.starts_with(b"f") {
            assert!(Instant::now() < deadline, "{}", fs::read_to_string(self.log()).unwrap());
            if is_in_vain() {
                return false;
            }
            thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// A file that the server may write.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// SQL by the superuser, who comes past TCP.
    fn psql(&self, sql: &str) -> Command {
        let mut psql = Command::new(binary("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"])
            .args(["--username=postgres", "--dbname=postgres", "--host"])
            .arg(self.folder.path())
            .args(["--port", &self.port.to_string(), "--command", sql]);
        psql
    }

    /// A new and empty database, as a URL.
    pub(crate) fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE DATABASE {name} OWNER {USER}"));
        let socket = self.folder.path().to_str().unwrap().replace('/', "%2F");
        format!("postgres://{USER}@{socket}:{}/{name}", self.port)
    }

    /// Nobody needs a database any more.
    pub(crate) fn drop_database(&self, url: &str) {
        let (_, name) = url.rsplit_once('/').unwrap();
        self.execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
    }

    /// Runs SQL as the superuser.
    pub(crate) fn execute(&self, sql: &str) {
        let done = self.psql(sql).stdout(Stdio::null()).status();
        assert!(done.unwrap().success(), "{sql}");
    }

    /// Where it listens on this machine.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends every session but one's own.
    pub(crate) fn end_sessions(&self) {
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        );
    }

    /// Ends it in order.
    pub(crate) fn shut_down(&self) {
        assert!(self.stopping("fast").status().unwrap().success());
    }

    /// Ends it at once, as if the power had failed. It may have ended by itself.
    pub(crate) fn stop(&self) {
        let stopped = self.stopping("immediate").stderr(Stdio::null()).status().unwrap();
        assert!(stopped.success() || !self.data().join("postmaster.pid").exists());
    }

    /// Kills one of the sessions of Lupa, and waits until the server has recovered.
    pub(crate) fn kill_session(&self, number: usize) {
        let sql = format!("SELECT pid FROM pg_stat_activity WHERE usename = '{USER}'");
        let told = String::from_utf8(self.psql(&sql).output().unwrap().stdout).unwrap();
        let pids: Vec<&str> = told.lines().collect();
        kill(pids[number % pids.len()]);
        // The first that answers may not have noticed yet.
        thread::sleep(Duration::from_millis(50));
        assert!(self.comes_up(|| false));
    }

    /// Kills the process that begins all others, and starts another.
    pub(crate) fn kill_postmaster(&self) {
        kill(&self.pid());
        self.run();
    }

    /// The process that begins all others.
    pub(crate) fn pid(&self) -> String {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        file.lines().next().unwrap().to_owned()
    }

    fn stopping(&self, mode: &str) -> Command {
        let mut stopping = as_owner(&binary("pg_ctl"));
        stopping.args(["stop", "--silent", "--mode", mode, "--pgdata"]).arg(self.data());
        stopping
    }

    /// Copies its files while it is stopped, as if the power had failed.
    pub(crate) fn back_up(&self) -> PathBuf {
        let backup = self.folder.path().join("backup");
        if backup.exists() {
            fs::remove_dir_all(&backup).unwrap();
        }
        self.stop();
        self.copy(&self.data(), &backup);
        self.run();
        backup
    }

    /// The same by PostgreSQL's own tool, while it runs.
    pub(crate) fn back_up_online(&self) -> PathBuf {
        let backup = self.folder.path().join("base-backup");
        let made = as_owner(&binary("pg_basebackup"))
            .args(["--checkpoint=fast", "--wal-method=stream", "--username=postgres", "--host"])
            .arg(self.folder.path())
            .args(["--port", &self.port.to_string(), "--pgdata"])
            .arg(&backup)
            .status();
        assert!(made.unwrap().success(), "pg_basebackup");
        backup
    }

    /// Puts a copy in the place of its files.
    pub(crate) fn restore(&self, backup: &Path) {
        fs::remove_dir_all(self.data()).unwrap();
        self.copy(backup, &self.data());
    }

    /// Has it come up as one that is restored does: on a new timeline.
    pub(crate) fn promote_at_start(&self) {
        let made = as_owner(Path::new("touch")).arg(self.data().join("recovery.signal")).status();
        assert!(made.unwrap().success());
        self.set("restore_command = 'false'");
    }

    /// Adds a setting to its file.
    fn set(&self, setting: &str) {
        let path = self.data().join("postgresql.conf");
        let file = fs::read_to_string(&path).unwrap() + setting + "\n";
        fs::write(path, file).unwrap();
    }

    fn copy(&self, from: &Path, to: &Path) {
        let copied = as_owner(Path::new("cp")).arg("-a").arg(from).arg(to).status();
        assert!(copied.unwrap().success());
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may be stopped already.
        assert!(self.stopping("immediate").stderr(Stdio::null()).status().is_ok());
    }
}

/// How a database is reached in a test.
pub(crate) fn postgres_options(url: &str) -> PostgresOptions {
    PostgresOptions {
        url: url.to_owned(),
        password: None,
        tls: PostgresTls::UnlessLocal(None),
        connect_timeout: Duration::from_secs(10),
        read_timeout: Duration::from_secs(10),
        write_timeout: Duration::from_secs(20),
        settle_timeout: Duration::from_secs(1),
        read_only: false,
    }
}

/// A connection past Lupa, as an operator's tool has.
pub(crate) async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn kill(pid: &str) {
    assert!(as_owner(Path::new("kill")).args(["-KILL", pid]).status().unwrap().success());
}

/// Whether there is a PostgreSQL on this machine.
pub(crate) fn is_installed() -> bool {
    Command::new(binary("initdb")).arg("--version").output().is_ok_and(|said| said.status.success())
}

/// The newest version that is installed, or what is in PATH.
fn binary(name: &str) -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = installed.map(|version| version.path().join("bin"));
    let mut folders: Vec<PathBuf> = folders.filter(|folder| folder.join(name).exists()).collect();
    folders.sort();
    let folder = env::var_os("LUPA_TEST_POSTGRES").map(PathBuf::from).or(folders.pop());
    folder.map_or_else(|| name.into(), |folder| folder.join(name))
}

/// PostgreSQL does not run as root: then it runs as its own user, and group.
fn owner() -> Option<(u32, u32)> {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let is_root = status.lines().any(|line| line.starts_with("Uid:\t0\t"));
    if !is_root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:")).expect("a user `postgres`");
    let fields: Vec<&str> = line.split(':').collect();
    Some((fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}

/// A command that ends with the thread that starts it.
fn as_owner(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if let Some((user, group)) = owner() {
        command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
    }
    command.args(["--pdeathsig", "QUIT", "--"]).arg(program);
    command.current_dir("/");
    command
}
