//! Lupa as the first process of a container. The kernel drops a signal to process 1
//! that has no handler, so a command that has none of its own would not end.

use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task;

use super::Command;

/// As process 1, ends the process at SIGTERM or SIGINT, with the status that a shell
/// reports of a process that was ended by the signal. A thread that works or waits does
/// not delay it. Every other process is ended by the signal itself.
pub(super) fn end_at_signals(command: &Command) {
    let has_its_own = matches!(command, Command::Serve | Command::Demo(_));
    if process::id() != 1 || has_its_own {
        return;
    }
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        // Without a handler it is as it would be without this.
        if let Ok(registered) = signal(kind) {
            task::spawn(end_at(registered, kind));
        }
    }
}

async fn end_at(mut registered: Signal, kind: SignalKind) {
    if registered.recv().await.is_some() {
        process::exit(128 + kind.as_raw_value());
    }
}
