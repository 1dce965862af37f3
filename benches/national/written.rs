//! What each part measured last, kept, and RESULTS.md made of it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::machine;
use crate::parts::Part;
use crate::report::Section;

const HEAD: &str = "\
# What was measured

Written by `cargo bench --bench national -- --write`; each part can be measured again by its name. Servers run in \
processes of their own on the machine of the load generator and share its cores with it: trust ratios before rates. \
Contenders take turns, one repeat each, over and over; told is the median of the repeats with the least and the most. \
A repeat during which others took more than 3 % of the machine (processes, or the host) is noisy, and is left out \
where at least three quiet ones remain; where they do not, all are counted, and the table says so. Everyone in the \
data is made up.";

/// Keeps a part's section until the results are written.
pub(crate) fn keep(part: Part, section: &Section) {
    let folder = folder();
    fs::create_dir_all(&folder).expect("a folder under target");
    let (commit, date) = (machine::commit(), machine::date());
    let text = format!(
        "## {}\n\n{}\n\nMeasured {date} at {commit}: `cargo bench --bench national -- {}`.\n",
        part.title(),
        section.as_markdown(),
        part.name()
    );
    fs::write(folder.join(format!("{}.md", part.name())), text).expect("written");
    let rows: String =
        section.checked.iter().map(|checked| format!("| {} |\n", checked.row().join(" | "))).collect();
    fs::write(folder.join(format!("{}.targets", part.name())), rows).expect("written");
}

/// Writes RESULTS.md whole.
pub(crate) fn write_results() {
    let kept = |part: Part, what: &str| {
        fs::read_to_string(folder().join(format!("{}.{what}", part.name()))).unwrap_or_default()
    };
    let mut machine = Section::default();
    machine.table(["", ""], &machine::described());
    let targets: String = Part::ALL.into_iter().map(|part| kept(part, "targets")).collect();
    let sections: Vec<String> =
        Part::ALL.into_iter().map(|part| kept(part, "md")).filter(|text| !text.is_empty()).collect();
    let missing: Vec<&str> =
        Part::ALL.into_iter().filter(|part| kept(*part, "md").is_empty()).map(Part::title).collect();
    let mut text = format!(
        "{HEAD}\n\n{}\n\n## Targets\n\n| what | target | measured | |\n|---|---:|---:|---|\n{targets}\n{}",
        machine.as_markdown(),
        sections.join("\n")
    );
    if let Ok(peers) = fs::read_to_string(benches().join("peers/results.md")) {
        text += "\n";
        text += &peers;
    }
    if !missing.is_empty() {
        text += &format!("\n## Not measured\n\n{}.\n", missing.join("; "));
    }
    fs::write(benches().join("RESULTS.md"), text).expect("written");
}

/// Where benches are.
pub(crate) fn benches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/national")
}
