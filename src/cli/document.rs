//! Reads a YAML or JSON file into messages, and tells every fault with its line.
//!
//! Files are the protobuf JSON mapping of the messages of `proto/`, so that
//! the wire and the files have one vocabulary. YAML contains JSON. A plain
//! scalar is a flag (`true`, `false`), nothing (`null`, `~`) or else text: the
//! mapping accepts text for numbers, and dates and versions (`1.0`) stay as
//! they are written.
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
mod node;
mod path;
mod read;
mod wrong;

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;

use self::deserialize::Reading;
use self::node::Node;
use self::path::Path;

/// A larger file is refused.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// More faults of one file are not told.
const FAULTS_MAX: usize = 50;

/// A file that is well-formed, with the lines of its parts.
#[derive(Clone, Debug)]
pub struct Document {
    root: Node,
}

/// Something wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where; none if it is known only by its path, or not at all.
    pub line: Option<usize>,
    /// The field, such as `organisations[3].controller`; empty = the whole file.
    pub path: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl Document {
    /// Reads text as far as it goes without knowing what it should be.
    pub fn read(text: &str) -> Result<Self, Vec<Fault>> {
        if text.len() > DOCUMENT_BYTES_MAX {
            let message =
                format!("the file has {} bytes; at most {DOCUMENT_BYTES_MAX} are read: split it", text.len());
            return Err(vec![Fault { line: None, path: String::new(), message }]);
        }
        read::read(text).map(|root| Self { root })
    }

    /// The whole document as a message.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Vec<Fault>> {
        self.parse_node(&self.root, &Path::default())
    }

    /// One part of the document, such as `scenarios[3]`, as a message. The
    /// paths of faults are those of the whole document.
    pub fn parse_at<T: DeserializeOwned>(&self, path: &str) -> Result<T, Vec<Fault>> {
        let path = Path::parse(path);
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

    /// The line of a field, or else of the nearest field around it.
    #[must_use]
    pub fn line_of(&self, path: &str) -> Option<usize> {
        self.root.line_of(&Path::parse(path))
    }

    /// Reading stops at the first fault, so what was at fault is dropped and
    /// the rest is read again, until nothing is at fault.
    fn parse_node<T: DeserializeOwned>(&self, node: &Node, place: &Path) -> Result<T, Vec<Fault>> {
        let mut node = Cow::Borrowed(node);
        let mut faults = Vec::new();
        loop {
            let wrong = match T::deserialize(Reading(&node)) {
                Ok(message) if faults.is_empty() => return Ok(message),
                Ok(_) => break,
                Err(wrong) => wrong,
            };
            let (within, missing, message) = wrong.into_parts();
            if !missing.is_some_and(|field| node.has_dropped(&within, field)) {
                let path = place.join(&within);
                faults.push(Fault { line: self.root.line_of(&path), path: path.to_string(), message });
            }
            if faults.len() == FAULTS_MAX {
                let message = format!("more than {FAULTS_MAX} faults: correct these first");
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
    /// The fault as told to a person: `file:line: path: message`.
    #[must_use]
    pub fn told(&self, file: &str) -> String {
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
