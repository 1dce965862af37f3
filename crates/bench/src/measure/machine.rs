//! The machine, the commit and the day of a measurement.

use std::fs;
use std::process::Command;

use super::repository;

/// The machine as rows of a table.
#[must_use]
pub fn described() -> Vec<[String; 2]> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = line_of_file("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let memory = line_of_file("/proc/meminfo", "MemTotal").unwrap_or_default();
    let kibibytes: f64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    [
        ("machine", format!("{cores} cores, {processor}, {:.0} GiB of memory", kibibytes / 1_048_576.0)),
        ("kernel", format!("Linux {}", kernel.trim())),
        ("compiler", output(&["rustc", "--version"])),
        (
            "profile",
            "`bench` (optimized, overflow checks on), mimalloc in this bench and the empty services"
                .to_owned(),
        ),
        ("load average when written", load.join(" ")),
    ]
    .map(|(name, value)| [name.to_owned(), value])
    .to_vec()
}

/// The commit of the working copy, and whether the working copy has changes.
#[must_use]
pub fn commit() -> String {
    let commit = output(&["git", "rev-parse", "--short", "HEAD"]);
    let is_changed = !output(&["git", "status", "--porcelain", "--untracked-files=no"]).is_empty();
    if is_changed { format!("{commit} with changes") } else { commit }
}

/// The current day in Finland.
#[must_use]
pub fn date() -> String {
    lupa::policy::day::Day::of(lupa::clock::now()).to_string()
}

/// The standard output of a command run in the repository; empty if it cannot be run.
#[must_use]
pub fn output(command: &[&str]) -> String {
    let [program, arguments @ ..] = command else { return String::new() };
    let output = Command::new(program).args(arguments).current_dir(repository()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn line_of_file(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}
