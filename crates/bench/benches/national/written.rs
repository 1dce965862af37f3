//! Keeps the last report of each part and writes `benches/RESULTS.md` from them.

use std::fs;
use std::path::PathBuf;

use lupa_bench::measure::machine;
use lupa_bench::measure::report::Section;
use lupa_bench::measure::repository;

use crate::parts::Part;

const HEAD: &str = "\
# Benchmark results

Written by `cargo bench -p lupa-bench --bench national -- --write`; each part can be measured again by its name. \
Servers run in processes of their own on the machine of the load generator and share its cores, so ratios are more \
reliable than rates. Contenders are measured in turn, one repeat each; a table gives the median of the repeats with \
the least and the most. A repeat is noisy if other processes or the host took more than 3 % of the machine during it. \
Noisy repeats are left out if at least three quiet ones remain; otherwise all are counted, and the table says so. Every \
person in the data is synthetic.";

/// Keeps the report of a part until the results are written.
pub(crate) fn keep(part: Part, section: &Section) {
    let folder = folder();
    fs::create_dir_all(&folder).expect("a folder under target");
    let (commit, date) = (machine::commit(), machine::date());
    let text = format!(
        "## {}\n\n{}\n\nMeasured {date} at {commit}: `cargo bench -p lupa-bench --bench national -- {}`.\n",
        part.title(),
        section.as_markdown(),
        part.name()
    );
    fs::write(folder.join(format!("{}.md", part.name())), text).expect("written");
    let rows: String =
        section.checked.iter().map(|checked| format!("| {} |\n", checked.row().join(" | "))).collect();
    fs::write(folder.join(format!("{}.targets", part.name())), rows).expect("written");
}

/// Writes `benches/RESULTS.md`.
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

/// The folder of the results.
pub(crate) fn benches() -> PathBuf {
    repository().join("benches")
}

fn folder() -> PathBuf {
    repository().join("target/national")
}
