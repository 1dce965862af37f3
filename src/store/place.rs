//! Where a store is, for messages to operators.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A file, or a server and a database without user and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(Arc<str>);

impl Place {
    pub(super) fn new(place: &str) -> Self {
        Self(place.into())
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self(path.to_string_lossy().into())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
