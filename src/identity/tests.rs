//! Tests of the room as a whole: certificates, tokens, headers and files, good and bad, each refused for its own
//! reason.

mod authorities;
mod certificates;
mod files;
mod forwarded;
mod issue;
mod reload;
mod tokens;

use std::fs;
use std::path::{Path, PathBuf};

use chrono::DateTime;

use super::{Current, Identities, IdentityFiles};
use crate::config::ConfigFault;
use crate::policy::day::Instant;

/// The instant of all tests: 2026-12-01 12:00 UTC.
const NOW_SECONDS: i64 = 1_796_126_400;

fn now() -> Instant {
    DateTime::from_timestamp(NOW_SECONDS, 0).expect("an instant")
}

/// A folder with a callers file.
struct CallersFolder(tempfile::TempDir);

impl CallersFolder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).expect("written");
        path
    }

    fn files(&self) -> IdentityFiles {
        let callers = self.0.path().join("callers.toml");
        IdentityFiles { server: None, callers, is_certificate_optional: false }
    }

    fn open(&self) -> Result<(Identities, Vec<ConfigFault>), Vec<ConfigFault>> {
        Identities::open(self.files(), now())
    }

    fn current(&self) -> std::sync::Arc<Current> {
        match self.open() {
            Ok((identities, _)) => identities.current(),
            Err(faults) => panic!("{}", lines(&faults)),
        }
    }
}

fn lines(faults: &[ConfigFault]) -> String {
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}
