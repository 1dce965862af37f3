//! The contents of the files of a configuration, compared by hash: a poll of unchanged files costs their reading.
//!
//! FileContents are compared, not modification times: Kubernetes replaces a symbolic link above the files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::config::{ConfigFault, FaultPlace};

/// Maximum size of a file with certificates, keys or callers, in bytes.
pub(super) const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Maximum size of a file with CRLs, in bytes: a list of 500,000 certificates is smaller.
pub(super) const CRLS_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// The files that were read, with their digests.
#[derive(Debug, Default)]
pub(super) struct FileContents {
    files: BTreeMap<PathBuf, FileDigest>,
}

#[derive(Debug, PartialEq, Eq)]
struct FileDigest {
    sha256: [u8; 32],
    bytes_max: u64,
}

impl FileContents {
    /// Reads a file, and keeps its digest.
    pub(super) fn read(&mut self, path: &Path, bytes_max: u64) -> Result<Vec<u8>, ConfigFault> {
        let bytes = read_file(path, bytes_max).map_err(|error| {
            file_fault(path, &format!("cannot be read ({error}): correct the path or the file"))
        })?;
        let digest = FileDigest { sha256: Sha256::digest(&bytes).into(), bytes_max };
        match self.files.get(path) {
            Some(before) if before.sha256 != digest.sha256 => {
                return Err(file_fault(path, "was replaced while it was read: retry"));
            }
            Some(_) => {}
            None => drop(self.files.insert(path.to_owned(), digest)),
        }
        Ok(bytes)
    }

    /// Whether all files still have the content that was read.
    pub(super) fn is_unchanged(&self) -> bool {
        self.files.iter().all(|(path, digest)| {
            read_file(path, digest.bytes_max)
                .is_ok_and(|bytes| <[u8; 32]>::from(Sha256::digest(&bytes)) == digest.sha256)
        })
    }

    /// The files that were read.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }
}

fn read_file(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= bytes_max) {
        Ok(bytes)
    } else {
        Err(io::Error::other(format!("it has more than the maximum of {bytes_max} bytes")))
    }
}

/// A fault of a file as a whole.
pub(super) fn file_fault(path: &Path, message: &str) -> ConfigFault {
    ConfigFault { place: FaultPlace::File(path.to_owned(), None), message: message.to_owned() }
}
