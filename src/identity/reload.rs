//! The configuration in force, replaced as a whole while the server runs.
//!
//! A reload reads all files again. If all are valid, the new configuration replaces the old one in one step; if one
//! has a fault, the old configuration stays in force and the faults name their files. The server calls
//! [`Identities::reload`] each minute, when a file changes and at SIGHUP, and judges its open connections when
//! [`Identities::changed`] reports a new generation.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::contents::FileContents;
use super::current::Current;
use super::expiry::Expiry;
use super::load::{CallerIds, IdentityFiles, LoadedIdentities, load};
use crate::config::ConfigFault;
use crate::policy::day::Instant;

/// The configuration in force and its files.
#[derive(Clone, Debug)]
pub struct Identities(Arc<IdentitiesState>);

#[derive(Debug)]
struct IdentitiesState {
    files: IdentityFiles,
    current: ArcSwap<Current>,
    generation: watch::Sender<u64>,
    /// Held during a reload, so that two do not run at once.
    loading: Mutex<ReloadState>,
}

#[derive(Debug)]
struct ReloadState {
    contents: FileContents,
    ids: CallerIds,
}

/// The result of a reload without faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// All files have the content that is in force.
    Unchanged,
    /// A new configuration is in force.
    Changed {
        /// Its number.
        generation: u64,
        /// Facts that an operator should change although the configuration is in force.
        warnings: Vec<ConfigFault>,
    },
}

impl Identities {
    /// Reads the files. The second value has facts that an operator should change although the configuration is in
    /// force.
    pub fn open(files: IdentityFiles, now: Instant) -> Result<(Self, Vec<ConfigFault>), Vec<ConfigFault>> {
        let mut ids = CallerIds::default();
        let LoadedIdentities { mut current, contents, warnings } = load(&files, &mut ids, now)?;
        current.generation = 1;
        let state = IdentitiesState {
            files,
            generation: watch::Sender::new(current.generation),
            current: ArcSwap::from_pointee(current),
            loading: Mutex::new(ReloadState { contents, ids }),
        };
        Ok((Self(Arc::new(state)), warnings))
    }

    /// Reads the files again, if the content of one has changed. With a fault the old configuration stays in force.
    pub fn reload(&self, now: Instant) -> Result<Reloaded, Vec<ConfigFault>> {
        let IdentitiesState { files, current, generation, loading } = &*self.0;
        let mut loading = loading.lock().unwrap_or_else(PoisonError::into_inner);
        if loading.contents.is_unchanged() {
            return Ok(Reloaded::Unchanged);
        }
        let LoadedIdentities { current: mut next, contents, warnings } = load(files, &mut loading.ids, now)?;
        let number = generation.borrow().saturating_add(1);
        next.generation = number;
        loading.contents = contents;
        current.store(Arc::new(next));
        generation.send_replace(number);
        Ok(Reloaded::Changed { generation: number, warnings })
    }

    /// The configuration in force.
    #[must_use]
    pub fn current(&self) -> Arc<Current> {
        self.0.current.load_full()
    }

    /// Reports the number of each new configuration, after it is in force.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.generation.subscribe()
    }

    /// When certificates and CRLs expire, for metrics.
    #[must_use]
    pub fn expiries(&self) -> Vec<Expiry> {
        self.0.current.load().expiries().to_vec()
    }

    /// The files of the configuration in force, to watch them for changes.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        let loading = self.0.loading.lock().unwrap_or_else(PoisonError::into_inner);
        loading.contents.paths().map(PathBuf::from).collect()
    }
}
