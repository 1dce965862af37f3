//! Files named on the command line.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::de::DeserializeOwned;

use super::document::{DOCUMENT_BYTES_MAX, Document, Fault};
use super::failure::Failure;

/// A well-formed YAML or JSON file.
#[derive(Debug)]
pub struct Input {
    /// As faults name it.
    pub name: String,
    /// What it says.
    pub document: Document,
}

impl Input {
    /// Reads a file, or standard input where it is `-`.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let told = |error: io::Error| Failure::File(name.clone(), error);
        let text = if name == "-" {
            read_text(io::stdin().lock()).map_err(told)?
        } else {
            File::open(path).and_then(read_text).map_err(told)?
        };
        Self::from_text(&name, &text)
    }

    /// Reads text that stands for a file.
    pub fn from_text(name: &str, text: &str) -> Result<Self, Failure> {
        let name = if name == "-" { "standard input" } else { name };
        match Document::read(text) {
            Ok(document) => Ok(Self { name: name.to_owned(), document }),
            Err(faults) => Err(Failure::Document(name.to_owned(), faults)),
        }
    }

    /// The whole file as a message.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        self.document.parse().map_err(|faults| Failure::Document(self.name.clone(), faults))
    }

    /// Something wrong with a field, that was found elsewhere.
    #[must_use]
    pub fn fault(&self, path: &str, message: String) -> Fault {
        Fault { line: self.document.line_of(path), path: path.to_owned(), message }
    }
}

/// Reads one byte more than is accepted, so that more is noticed.
fn read_text(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    let limit = u64::try_from(DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    from.take(limit).read_to_string(&mut text)?;
    Ok(text)
}
