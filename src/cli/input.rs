//! Files of messages that are named on the command line.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::de::DeserializeOwned;

use super::document::{DOCUMENT_BYTES_MAX, Document, Fault};

/// A well-formed YAML or JSON file.
#[derive(Debug)]
pub struct Input {
    /// The name of the file in messages.
    pub name: String,
    /// The content.
    pub document: Document,
}

/// Why a file cannot be used. Each variant has the name of the file.
#[derive(Debug)]
pub enum InputFault {
    /// The file cannot be read.
    Unreadable(String, io::Error),
    /// The content is invalid.
    Invalid(String, Vec<Fault>),
}

impl Input {
    /// Reads a file; `-` is standard input.
    pub fn read(path: &Path) -> Result<Self, InputFault> {
        let name = path.display().to_string();
        let unreadable = |error: io::Error| InputFault::Unreadable(name.clone(), error);
        let text = if name == "-" {
            read_text(io::stdin().lock()).map_err(unreadable)?
        } else {
            File::open(path).and_then(read_text).map_err(unreadable)?
        };
        Self::from_text(&name, &text)
    }

    /// Reads text as if it were the content of a file.
    pub fn from_text(name: &str, text: &str) -> Result<Self, InputFault> {
        let name = if name == "-" { "standard input" } else { name };
        match Document::read(text) {
            Ok(document) => Ok(Self { name: name.to_owned(), document }),
            Err(faults) => Err(InputFault::Invalid(name.to_owned(), faults)),
        }
    }

    /// Converts the file to a message.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, InputFault> {
        self.document.parse().map_err(|faults| InputFault::Invalid(self.name.clone(), faults))
    }

    /// A fault of a field that the caller found, with the line of the field.
    #[must_use]
    pub fn fault(&self, path: &str, message: String) -> Fault {
        Fault { line: self.document.line_of(path), path: path.to_owned(), message }
    }
}

/// Reads one byte more than the maximum, so that [`Document::read`] rejects a larger file.
fn read_text(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    let limit = u64::try_from(DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    from.take(limit).read_to_string(&mut text)?;
    Ok(text)
}
