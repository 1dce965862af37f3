//! What is wrong in a configuration.

use std::fmt;
use std::path::PathBuf;

/// Something wrong, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// Where.
    pub place: Place,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// Where a configuration is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the file, on a line if it could be read.
    File(PathBuf, Option<usize>),
    /// In an environment variable.
    Variable(String),
    /// In how settings fit together.
    Settings,
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(path, Some(line)) => write!(f, "{}:{line}: ", path.display())?,
            Place::File(path, None) => write!(f, "{}: ", path.display())?,
            Place::Variable(name) => write!(f, "{name}: ")?,
            Place::Settings => {}
        }
        f.write_str(&self.message)
    }
}
