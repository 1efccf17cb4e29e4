//! Whether a process can do its work now, for probes and for gRPC health.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use tokio_util::sync::CancellationToken;
use tonic_health::{ServingStatus, server::HealthReporter};

type Answer = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
type Check = Arc<dyn Fn() -> Answer + Send + Sync>;

/// How long a check may take; one that hangs has failed.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often gRPC health follows.
const INTERVAL: Duration = Duration::from_secs(1);

/// A list of named checks. Clones share it.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Arc<Mutex<Vec<(&'static str, Check)>>>,
    stopping: CancellationToken,
}

impl fmt::Debug for Readiness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Readiness").field("stopping", &self.stopping.is_cancelled()).finish_non_exhaustive()
    }
}

impl Readiness {
    /// A process without checks, ready at once.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check; its error says what is missing, without secrets.
    #[must_use]
    pub fn check<F, A>(self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<(), String>> + Send + 'static,
    {
        let check: Check = Arc::new(move || Box::pin(check()));
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).push((name, check));
        self
    }

    /// From now on the process is not ready, whatever the checks say.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Runs all checks at once; every failure, as `name: what is missing`.
    pub async fn failures(&self) -> Vec<String> {
        if self.stopping.is_cancelled() {
            return vec!["shutdown: has begun".to_owned()];
        }
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let answers = checks.iter().map(|(name, check)| async move {
            match tokio::time::timeout(PATIENCE, check()).await {
                Ok(Ok(())) => None,
                Ok(Err(failure)) => Some(format!("{name}: {failure}")),
                Err(_) => Some(format!("{name}: no answer within {} s", PATIENCE.as_secs())),
            }
        });
        join_all(answers).await.into_iter().flatten().collect()
    }

    /// Keeps gRPC health in step, and never returns: after the shutdown it has said so, and waits to be dropped.
    pub(super) async fn report(&self, reporter: HealthReporter, services: Vec<&str>, shutdown: CancellationToken) {
        let tell = async |status| {
            for service in services.iter().copied().chain([""]) {
                reporter.set_service_status(service, status).await;
            }
        };
        tell(ServingStatus::NotServing).await;
        let mut known = ServingStatus::NotServing;
        while !shutdown.is_cancelled() {
            let failures = self.failures().await;
            let now = if failures.is_empty() { ServingStatus::Serving } else { ServingStatus::NotServing };
            if now != known {
                tracing::info!(ready = failures.is_empty(), ?failures, "readiness changed");
                tell(now).await;
                known = now;
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.stopping.cancelled() => break,
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
        self.stop();
        tell(ServingStatus::NotServing).await;
        std::future::pending::<()>().await;
    }
}
