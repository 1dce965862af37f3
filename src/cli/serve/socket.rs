//! The Unix domain socket for sidecars.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;

use tokio::net::UnixListener;

use super::Failure;
use crate::config::Sidecar;

/// To connect is to write.
const OWNER: u32 = 0o600;
const OWNER_AND_GROUP: u32 = 0o660;

/// Listens where the settings say, if they do. A socket that a process left
/// behind which was killed is taken away; one that is listened on is not.
pub(super) fn listen(config: &Sidecar) -> Result<Option<UnixListener>, Failure> {
    let Some(path) = &config.socket_path else { return Ok(None) };
    let told = |what: &str, error: &io::Error| {
        Failure::Usage(format!("cannot {what} `{}` ({error}): set sidecar.socket_path", path.display()))
    };
    let is_left_behind = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
        && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if is_left_behind {
        fs::remove_file(path).map_err(|error| told("take away the socket left at", &error))?;
    }
    let listener = UnixListener::bind(path).map_err(|error| told("listen on", &error))?;
    let mode = if config.socket_group_may_connect { OWNER_AND_GROUP } else { OWNER };
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|error| told("say who may connect to", &error))?;
    Ok(Some(listener))
}

/// Takes the socket away, so that nobody waits for an answer.
pub(super) fn remove(config: &Sidecar) {
    let Some(path) = &config.socket_path else { return };
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "the socket is left behind");
    }
}
