//! Connections that are not given back to their pool, which asks the server whether it is still there before it lends a connection
//! and after it got it back, while a batch has one round trip of its own.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::{Connection as _, Postgres, pool::PoolConnection};
use tokio::time::{Duration, Instant, timeout};

/// One that was used so recently is there. What lies in between may forget a connection that is quiet for longer, and whoever
/// writes to one that is forgotten waits for a quarter of an hour.
const FRESH: Duration = Duration::from_secs(5);
/// A server that does not answer for this long is away.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// Kept connections, the last used one first.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Vec<(PoolConnection<Postgres>, Instant)>>);

impl Kept {
    /// One that is there, if any is.
    pub(crate) async fn take(&self) -> Option<PoolConnection<Postgres>> {
        let (mut connection, used) = self.all().pop()?;
        if used.elapsed() < FRESH || matches!(timeout(ANSWERS_WITHIN, connection.ping()).await, Ok(Ok(()))) {
            return Some(connection);
        }
        connection.close_on_drop();
        self.clear();
        None
    }

    /// Keeps one that was used just now.
    pub(crate) fn put(&self, connection: PoolConnection<Postgres>) {
        self.all().push((connection, Instant::now()));
    }

    /// Closes them all.
    pub(crate) fn clear(&self) {
        self.all().drain(..).for_each(|(mut connection, _)| connection.close_on_drop());
    }

    fn all(&self) -> MutexGuard<'_, Vec<(PoolConnection<Postgres>, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
