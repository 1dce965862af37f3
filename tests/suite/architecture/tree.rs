//! The files of the repository.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::code::Code;

/// A source file, by its path from the top.
pub(super) struct Source {
    pub(super) path: String,
}

impl Source {
    pub(super) fn text(&self) -> String {
        text_of(&self.path).expect("a source file")
    }

    pub(super) fn code(&self) -> Code {
        Code::read(&self.text(), self.depth())
    }

    /// The module of the crate in which it is; none for the roots.
    pub(super) fn room(&self) -> Option<String> {
        let within = self.path.strip_prefix("src/")?;
        let room = within.split('/').next()?.trim_end_matches(".rs");
        (room != "lib" && room != "main").then(|| room.to_owned())
    }

    /// How many modules below the top of its crate it is.
    pub(super) fn depth(&self) -> usize {
        let within = self.path.rsplit_once("src/").map_or(self.path.as_str(), |(_, within)| within);
        if self.is_root() { 0 } else { within.split('/').count() }
    }

    /// Where the modules are that it declares.
    fn children(&self) -> PathBuf {
        let path = Path::new(&self.path);
        let directory = path.parent().expect("a directory").to_owned();
        if self.is_root() { directory } else { directory.join(path.file_stem().expect("a name")) }
    }

    /// A file from which a crate is compiled.
    fn is_root(&self) -> bool {
        let parts: Vec<&str> = self.path.split('/').collect();
        matches!(
            parts[..],
            ["src", "lib.rs" | "main.rs"]
                | ["crates", _, "src", "lib.rs" | "main.rs"]
                | ["tests", _]
                | ["tests", _, "main.rs"]
        )
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

/// A file's text; none if there is none.
pub(super) fn text_of(path: &str) -> Option<String> {
    fs::read_to_string(top().join(path)).ok()
}

/// Every Rust file under a directory.
pub(super) fn rust_files(directory: &str) -> Vec<Source> {
    files_under(directory)
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
        .map(|path| Source { path })
        .collect()
}

/// Every file that a crate under a directory is compiled from.
pub(super) fn reachable(directory: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<Source> = rust_files(directory).into_iter().filter(Source::is_root).collect();
    while let Some(source) = waiting.pop() {
        let children = source.children();
        for name in source.code().submodules {
            let path = children.join(format!("{name}.rs")).to_str().expect("UTF-8").to_owned();
            if text_of(&path).is_some() {
                waiting.push(Source { path });
            }
        }
        reached.insert(source.path);
    }
    reached
}

/// The files that git knows; without git, all that are not hidden or built.
pub(super) fn tracked_files() -> Vec<String> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(top()).output();
    match listed {
        Ok(listed) if listed.status.success() && !listed.stdout.is_empty() => {
            let names = String::from_utf8(listed.stdout).expect("UTF-8");
            names.split_terminator('\0').map(str::to_owned).collect()
        }
        Ok(_) | Err(_) => files_under(""),
    }
}

fn files_under(directory: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut waiting = vec![PathBuf::from(directory)];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(top().join(&directory)).expect("a directory") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("UTF-8");
            let path = directory.join(&name);
            match entry.file_type().expect("a type") {
                kind if kind.is_dir() && !name.starts_with('.') && path != Path::new("target") => {
                    waiting.push(path)
                }
                kind if kind.is_file() => files.push(path.to_str().expect("UTF-8").to_owned()),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
