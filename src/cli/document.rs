//! Reads a YAML or JSON file into messages, and reports every fault with its line.
//!
//! Files use the protobuf JSON mapping of the messages of `proto/`, so that
//! files and the wire share one vocabulary. JSON is a subset of YAML. A plain
//! scalar is a boolean (`true`, `false`), null (`null`, `~`) or text: the mapping
//! accepts text for numbers, and dates and versions (`1.0`) keep their spelling.
//!
//! ```text
//! text ─ read ─▶ tree of nodes with lines ─ deserialize ─▶ message
//!                        │                       │
//!                        └──────── faults ◀──────┘
//! ```
//!
//! ```
//! use lupa::cli::document::Document;
//! use lupa::wire::v1;
//!
//! let document = Document::read("client: { extension: 010181-900C }\nchannel: CHANNEL_KANTA").unwrap();
//! let request: v1::DecideRequest = document.parse().unwrap();
//! assert_eq!(request.channel(), v1::Channel::Kanta);
//!
//! let faults = Document::read("channel: KANTA\nchanel: x").unwrap().parse::<v1::DecideRequest>().unwrap_err();
//! assert_eq!((faults[0].line, faults[0].path.as_str()), (Some(1), "channel"));
//! assert_eq!((faults[1].line, faults[1].path.as_str()), (Some(2), "chanel"));
//! ```

mod deserialize;
mod error;
mod node;
mod path;
mod read;

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;

use self::deserialize::NodeDeserializer;
use self::node::Node;
use self::path::FieldPath;

/// Maximum size of a file.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Maximum number of faults that are reported for one file.
const FAULTS_MAX: usize = 50;

/// A well-formed file, with the lines of its parts.
#[derive(Clone, Debug)]
pub struct Document {
    root: Node,
}

/// A fault of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line. None: only the path is known, or nothing.
    pub line: Option<usize>,
    /// The field, such as `organisations[3].controller`. Empty: the whole file.
    pub path: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl Document {
    /// Parses text as YAML, without regard to the message that it should contain.
    pub fn read(text: &str) -> Result<Self, Vec<Fault>> {
        if text.len() > DOCUMENT_BYTES_MAX {
            let message = format!(
                "the file has {} bytes, more than the maximum of {DOCUMENT_BYTES_MAX}: split it",
                text.len()
            );
            return Err(vec![Fault { line: None, path: String::new(), message }]);
        }
        read::read(text).map(|root| Self { root })
    }

    /// Converts the whole document to a message.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Vec<Fault>> {
        self.parse_node(&self.root, &FieldPath::default())
    }

    /// Converts one part of the document, such as `scenarios[3]`, to a message.
    /// The paths of faults start at the root of the document.
    pub fn parse_at<T: DeserializeOwned>(&self, path: &str) -> Result<T, Vec<Fault>> {
        let path = FieldPath::parse(path);
        let Some(node) = self.root.at(&path) else {
            let fault = Fault {
                line: self.root.line_of(&path),
                path: path.to_string(),
                message: "is missing: add it".to_owned(),
            };
            return Err(vec![fault]);
        };
        self.parse_node(node, &path)
    }

    /// The line of a field, or of the nearest field that encloses it.
    #[must_use]
    pub fn line_of(&self, path: &str) -> Option<usize> {
        self.root.line_of(&FieldPath::parse(path))
    }

    /// Deserialization stops at the first fault. To find all faults, the part at
    /// fault is dropped and the rest is deserialized again, until no fault is left.
    fn parse_node<T: DeserializeOwned>(&self, node: &Node, place: &FieldPath) -> Result<T, Vec<Fault>> {
        let mut node = Cow::Borrowed(node);
        let mut faults = Vec::new();
        loop {
            let error = match T::deserialize(NodeDeserializer(&node)) {
                Ok(message) if faults.is_empty() => return Ok(message),
                Ok(_) => break,
                Err(error) => error,
            };
            let (within, missing, message) = error.into_parts();
            if !missing.is_some_and(|field| node.has_dropped(&within, field)) {
                let path = place.join(&within);
                faults.push(Fault { line: self.root.line_of(&path), path: path.to_string(), message });
            }
            if faults.len() == FAULTS_MAX {
                let message = format!("more than {FAULTS_MAX} faults: fix these first");
                faults.push(Fault { line: None, path: String::new(), message });
                return Err(faults);
            }
            if !node.to_mut().drop_at(&within) {
                break;
            }
        }
        faults.sort_by_key(|fault| fault.line);
        Err(faults)
    }
}

impl Fault {
    /// What is wrong with a word that is unknown wherever it is written, if this is such a fault: the
    /// message and the name of the field. The numbers of list items in the path are left out.
    #[must_use]
    pub fn unknown_word(&self) -> Option<(&str, &str)> {
        let is_of_word = self.message.starts_with("unknown ");
        let name = self.path.rsplit('.').next().unwrap_or_default();
        let name = name.split('[').next().unwrap_or_default();
        is_of_word.then_some((self.message.as_str(), name))
    }

    /// The fault with the name of its file: `file:line: path: message`.
    #[must_use]
    pub fn in_file(&self, file: &str) -> String {
        format!("{file}:{self}")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if !self.path.is_empty() {
            write!(f, " {}:", self.path)?;
        }
        write!(f, " {}", self.message)
    }
}

#[cfg(test)]
mod tests;
