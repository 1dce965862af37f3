//! Faults of a configuration.

use std::fmt;
use std::path::PathBuf;

use super::CalendarFault;

/// A fault of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// The place of the fault.
    pub place: FaultPlace,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// The place of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultPlace {
    /// The file, and the line if it is known.
    File(PathBuf, Option<usize>),
    /// An environment variable.
    Variable(String),
    /// The combination of several settings.
    Settings,
}

impl From<CalendarFault> for ConfigFault {
    fn from(fault: CalendarFault) -> Self {
        let CalendarFault { field, message } = fault;
        Self { place: FaultPlace::Settings, message: format!("calendar.{field}: {message}") }
    }
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            FaultPlace::File(path, Some(line)) => write!(f, "{}:{line}: ", path.display())?,
            FaultPlace::File(path, None) => write!(f, "{}: ", path.display())?,
            FaultPlace::Variable(name) => write!(f, "{name}: ")?,
            FaultPlace::Settings => {}
        }
        f.write_str(&self.message)
    }
}
