//! The Unix domain socket for Envoy.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;

use tokio::net::UnixListener;

use super::CommandFailure;
use crate::config::Sidecar;

/// Modes of the socket. Connecting requires write permission.
const OWNER: u32 = 0o600;
const OWNER_AND_GROUP: u32 = 0o660;

/// Listens on the configured socket, if there is one. A stale socket of a killed
/// process is removed; a socket on which a process listens is not.
pub(super) fn listen(config: &Sidecar) -> Result<Option<UnixListener>, CommandFailure> {
    let Some(path) = &config.socket_path else { return Ok(None) };
    let failure = |what: &str, error: &io::Error| {
        CommandFailure::Usage(format!(
            "cannot {what} `{}` ({error}): set sidecar.socket_path",
            path.display()
        ))
    };
    let is_stale = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
        && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if is_stale {
        fs::remove_file(path).map_err(|error| failure("remove the stale socket", &error))?;
    }
    let listener = UnixListener::bind(path).map_err(|error| failure("listen on", &error))?;
    let mode = if config.socket_group_may_connect { OWNER_AND_GROUP } else { OWNER };
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|error| failure("set the mode of", &error))?;
    Ok(Some(listener))
}

/// Removes the socket, so that no caller connects and waits.
pub(super) fn remove(config: &Sidecar) {
    let Some(path) = &config.socket_path else { return };
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "cannot remove the socket");
    }
}
