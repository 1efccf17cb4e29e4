//! A node: the care service of one corporation, on its own data. It never needs a gateway to serve.

/// Bills and readings, from wherever the corporation has them.
pub mod billing;
/// What the outside world's files and systems look like.
pub mod channels;
/// Its configuration.
pub mod config;
mod flows;
mod grpc;
mod http;
mod idempotency;
/// Messages of the wire as JSON.
pub mod open_form;
mod outlet;
mod rules;
mod serve;
mod standard_settings;
mod standards;
mod texts;

use std::sync::Arc;

use gridcare_bus::Bus;
use gridcare_chassis::clock::SharedClock;
use gridcare_domain::{
    metric::{Definition, hyperloglog::UniqueKey},
    routing::Routing,
};
use gridcare_store::NodeStore;
use jiff::{Timestamp, tz::TimeZone};
pub use serve::{Addresses, NodeError, run};
use tokio_util::sync::CancellationToken;

/// Topic on which readers of the feed are woken.
const FEED: &str = "feed";
/// Topic on which watchers of contacts, and the roller, are woken.
const CONTACTS: &str = "contacts";
/// Topic on which the runner of bulk actions is woken.
const BULK: &str = "bulk";
/// Topic on which replicas learn that a bundle of rules was kept or took effect.
const STANDARDS: &str = "standards";

/// Topic on which whoever turns notices into messages is woken.
const NOTICES: &str = "notices";
/// Topic on which couriers that wait for messages are woken.
const DELIVERIES: &str = "deliveries";
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
    routing: Routing,
    store: NodeStore,
    /// The rules that it works by.
    standards: Arc<standards::Standards>,
    /// Strategies choose one agent at a time.
    assigning: tokio::sync::Mutex<()>,
    bus: Bus,
    clock: SharedClock,
    /// Whoever waits for something goes with an empty hand once this process ends.
    stopping: CancellationToken,
    sms: flows::sms_is_answered::Sms,
    notices: config::Notices,
    /// Pages that the public read a moment ago.
    shelf: http::Shelf,
    billing: billing::Billing,
    open: config::Open,
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
