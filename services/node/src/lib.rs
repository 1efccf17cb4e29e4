//! A node: the care service of one corporation, on its own data. It never needs a gateway to serve.

/// What the outside world's files and systems look like.
pub mod channels;
/// Its configuration.
pub mod config;
mod flows;
mod grpc;
mod idempotency;
mod outlet;
mod serve;

use std::sync::Arc;

use gridcare_bus::Bus;
use gridcare_chassis::clock::SharedClock;
use gridcare_domain::metric::{Definition, hyperloglog::UniqueKey};
use gridcare_store::NodeStore;
use jiff::{Timestamp, tz::TimeZone};
pub use serve::{Addresses, NodeError, run};

/// Topic on which readers of the feed are woken.
const FEED: &str = "feed";
/// Topic on which watchers of contacts, and the roller, are woken.
const CONTACTS: &str = "contacts";

/// Topic on which a report asks for tallies that are up to date.
const REPORTS: &str = "reports";

/// What every flow of a node works with.
struct Node {
    id: String,
    region: String,
    prefix: String,
    time_zone: String,
    zone: TimeZone,
    definition: Definition,
    pseudonym_key: [u8; 32],
    unique_key: UniqueKey,
    store: NodeStore,
    bus: Bus,
    clock: SharedClock,
    /// Snapshots hold a connection each, and on SQLite the history of the file.
    snapshots: Arc<tokio::sync::Semaphore>,
}

/// Snapshots at once in one process.
const SNAPSHOTS: usize = 2;

type SharedNode = Arc<Node>;

impl Node {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn now_us(&self) -> i64 {
        self.now().as_microsecond()
    }
}
