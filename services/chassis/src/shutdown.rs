//! From a signal to an orderly end.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first SIGTERM or SIGINT. A second signal ends the process at once, for the
/// operator who will not wait for the drain.
pub fn on_signal() -> io::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if stop.is_cancelled() {
                tracing::warn!(signal = name, "a second signal: leaving at once");
                leave();
            }
            tracing::info!(signal = name, "shutting down; signal again to leave at once");
            stop.cancel();
        }
    });
    Ok(token)
}

#[expect(clippy::disallowed_methods, reason = "the operator asked twice; what is acknowledged is already durable")]
fn leave() -> ! {
    std::process::exit(130)
}
