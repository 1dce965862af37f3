//! On what, of what and when it was measured.

use std::fs;
use std::process::Command;

/// Rows of a table.
pub(crate) fn described() -> Vec<[String; 2]> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = of_file("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let memory = of_file("/proc/meminfo", "MemTotal").unwrap_or_default();
    let kibibytes: f64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    [
        ("machine", format!("{cores} cores, {processor}, {:.0} GiB of memory", kibibytes / 1_048_576.0)),
        ("kernel", format!("Linux {}", kernel.trim())),
        ("compiler", told(&["rustc", "--version"])),
        (
            "profile",
            "`bench` (optimized, overflow checks on), mimalloc in this bench and the empties".to_owned(),
        ),
        ("load average when written", load.join(" ")),
    ]
    .map(|(what, told)| [what.to_owned(), told])
    .to_vec()
}

/// The commit, and whether anything has changed since.
pub(crate) fn commit() -> String {
    let commit = told(&["git", "rev-parse", "--short", "HEAD"]);
    let is_changed = !told(&["git", "status", "--porcelain", "--untracked-files=no"]).is_empty();
    if is_changed { format!("{commit} with changes") } else { commit }
}

/// Today.
pub(crate) fn date() -> String {
    lupa::policy::day::Day::of(lupa::server::clock::now()).to_string()
}

/// What a command says in the working copy; nothing if it cannot be run.
pub(crate) fn told(command: &[&str]) -> String {
    let [program, arguments @ ..] = command else { return String::new() };
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn of_file(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}
