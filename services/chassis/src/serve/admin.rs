//! The HTTP port: probes, figures, and whatever open formats a process adds.
//!
//! It is plain HTTP, for probes and scrapers; nothing personal may be merged into it.

use std::{io, time::Duration};

use axum::{
    Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
    serve::ListenerExt,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Readiness;
use crate::telemetry;

/// How long open connections may go on after the shutdown has begun.
const DRAIN: Duration = Duration::from_secs(5);

/// `/livez`, `/readyz` and `/metrics`, and the routes of `more`, until `shutdown` is cancelled.
pub async fn serve(
    listener: TcpListener,
    readiness: Readiness,
    more: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let router = router(readiness).merge(more);
    // axum leaves Nagle's algorithm on, which costs 40 ms on small answers.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
    });
    let serving = axum::serve(listener, router).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let drained = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = serving => ended,
        () = drained => Ok(()),
    }
}

fn router(readiness: Readiness) -> Router {
    let ready = move || async move {
        let failures = readiness.failures().await;
        if failures.is_empty() {
            (StatusCode::OK, "ready\n".to_owned())
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", failures.join("\n")))
        }
    };
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(figures))
}

async fn figures() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], telemetry::prometheus())
}
