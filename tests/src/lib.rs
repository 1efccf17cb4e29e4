//! The world in which Gridcare is tried: real processes of the product on real databases, and clients that talk to them.
//!
//! `./tests/run` starts the databases and says where they are. Without it, what needs Postgres or Redis fails and says so.

/// Certificates.
pub mod authority;
/// Calls that tests make of nodes and gateways.
pub mod calls;
/// A message centre of the product's own.
pub mod centre;
/// What HTTP ports say.
pub mod http;
/// A collector of traces.
pub mod otlp;
mod place;
mod process;
/// Customers who are told, what they are told, and how far that is.
pub mod recipients;
/// Commands that run and end.
pub mod tool;
/// A country to play in.
pub mod world;

pub use place::{Place, fresh_postgres, redis_url, variable};
pub use process::{Process, binary, lasting_port};

use std::{future::Future, time::Duration};

/// Waits until `condition` gives something, and fails with `what` when it does not within 30 s.
///
/// # Panics
/// When the condition does not come true.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, condition: impl FnMut() -> F) -> T {
    within(Duration::from_secs(30), what, condition).await
}

/// The same with a limit of its own.
///
/// # Panics
/// When the condition does not come true.
pub async fn within<T, F: Future<Output = Option<T>>>(
    limit: Duration,
    what: &str,
    mut condition: impl FnMut() -> F,
) -> T {
    let until = tokio::time::Instant::now() + limit;
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < until, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
