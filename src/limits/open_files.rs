//! The limit of open files: raised at the start, and some are kept back.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are kept back from callers, so that the store, the logs, the HTTP
/// port and the connections that are open go on when callers have used up all others.
pub const RESERVED_FILES: u64 = 96;

/// Raises the limit of open files of this process as far as the system lets it,
/// and returns it. None: there is no limit.
pub fn raise_open_files() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum || current.is_none() {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(_) => current,
    }
}
