//! What an import did: counts by kind, and every line that was refused.

use std::io;
use std::path::PathBuf;

use indicatif::{HumanCount, ProgressBar};
use serde_json::{Value, json};

use super::source::Counted;
use crate::cli::terminal::note;
use crate::policy::declaration::Kind;

/// A line that was refused.
pub(super) struct LineFault {
    pub(super) file: usize,
    pub(super) line: u64,
    pub(super) reason: String,
}

/// The report of an import in progress.
pub(super) struct Report {
    files: Vec<PathBuf>,
    bar: ProgressBar,
    /// Whether refused lines are collected for JSON, or printed as they are found.
    json: Option<Vec<Value>>,
    pub(super) lines: u64,
    informations: u64,
    consents: u64,
    denials: u64,
    withdrawals: u64,
    links: u64,
    pub(super) already_stored: u64,
    pub(super) refused: u64,
    /// Whether every file was read to its end.
    pub(super) is_complete: bool,
    /// Why a file could not be read to its end.
    stopped: Option<String>,
}

impl Report {
    pub(super) fn new(files: Vec<PathBuf>, bar: ProgressBar, is_json: bool) -> Self {
        Self {
            files,
            bar,
            json: is_json.then(Vec::new),
            lines: 0,
            informations: 0,
            consents: 0,
            denials: 0,
            withdrawals: 0,
            links: 0,
            already_stored: 0,
            refused: 0,
            is_complete: false,
            stopped: None,
        }
    }

    /// Counts an entry that is added.
    pub(super) fn count(&mut self, counted: Counted) {
        let count = match counted {
            Counted::Declaration(Kind::Information) => &mut self.informations,
            Counted::Declaration(Kind::Consent) => &mut self.consents,
            Counted::Declaration(Kind::Denial) => &mut self.denials,
            Counted::Withdrawal => &mut self.withdrawals,
            Counted::Link => &mut self.links,
        };
        *count += 1;
    }

    /// Reports a line that is refused.
    pub(super) fn refuse(&mut self, fault: LineFault) {
        self.refused += 1;
        let LineFault { file, line, reason } = fault;
        let file = self.name(file);
        match &mut self.json {
            Some(faults) => faults.push(json!({ "file": file, "line": line, "reason": reason })),
            None => self.bar.suspend(|| note(&format!("{file}:{line}: {reason}\n"))),
        }
    }

    /// Ends the import at a file that cannot be read.
    pub(super) fn stop(&mut self, file: usize, error: &io::Error) {
        self.stopped = Some(format!("cannot read {} to its end: {error}", self.name(file)));
    }

    /// Why it is not complete; none if it is.
    pub(super) fn stopped(&self) -> Option<&str> {
        let panicked = "a thread that read the files panicked: report the fault";
        (!self.is_complete).then(|| self.stopped.as_deref().unwrap_or(panicked))
    }

    fn name(&self, file: usize) -> String {
        self.files.get(file).map(|path| path.display().to_string()).unwrap_or_default()
    }

    pub(super) fn take_json(&mut self, is_stored: bool) -> Value {
        json!({
            "stored": is_stored,
            "lines": self.lines,
            "added": {
                "information": self.informations,
                "consents": self.consents,
                "denials": self.denials,
                "withdrawals": self.withdrawals,
                "links": self.links,
            },
            "alreadyStored": self.already_stored,
            "refused": self.json.take().unwrap_or_default(),
        })
    }

    /// The counts as lines of text. Without a store, none are stored already.
    pub(super) fn to_text(&self, is_stored: bool, has_store: bool) -> String {
        let kinds = [
            ("  information", self.informations),
            ("  consents", self.consents),
            ("  denials", self.denials),
            ("  withdrawals", self.withdrawals),
            ("  links", self.links),
        ];
        let sum = kinds.iter().map(|(_, count)| count).sum();
        let read = [("lines read", self.lines), (if is_stored { "added" } else { "new" }, sum)];
        let stored = has_store.then_some(("already stored", self.already_stored));
        let rows = read.into_iter().chain(kinds).chain(stored).chain([("refused", self.refused)]);
        rows.map(|(name, count)| format!("{name:<15} {:>12}\n", HumanCount(count).to_string())).collect()
    }
}
