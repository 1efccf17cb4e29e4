//! Rows of nodes and gateways. SQL is written once for both engines; this is the only crate that names sqlx.

mod batches;
/// The baseline of the import benchmark.
pub mod bench;
/// Bulk actions.
pub mod bulk;
/// What a node has declared to the country.
pub mod capability;
/// Contacts, imports and checkpoints.
pub mod contact;
/// What of tickets is in the tallies of reports.
pub mod counted;
/// Customers, their premises and their imports.
pub mod customer;
/// One customer, and pages of many.
pub mod customer_page;
/// What of notices, messages and questions concerns one customer.
pub mod customer_traces;
/// The two drivers.
pub mod db;
/// Messages to customers, leased to couriers.
pub mod delivery;
mod delivery_ends;
/// Published revisions that become messages.
pub mod dispatch;
/// Tickets at which something must be noticed.
pub mod due;
/// Erasing a customer, and finding all that is held of one.
pub mod erasure;
mod error;
/// A node's ordered log.
pub mod feed;
/// A gateway's read model.
pub mod gateway;
mod kept;
/// Leases with epochs.
pub mod lease;
/// Tallies, buckets and the roller's cursor.
pub mod metric;
/// Notices in revisions.
pub mod notice;
/// What watchers and roles are told.
pub mod notification;
/// Requests of other systems.
pub mod open311;
mod opening;
/// Outages and their areas.
pub mod outage;
/// What was sent by hand.
pub mod print_sent;
/// How far notices have come.
pub mod progress;
/// Customers who are asked how satisfied they are.
pub mod question;
/// What was heard of messages.
pub mod receipt;
/// Who is told.
pub mod recipients;
/// Watchers, links and attachments of tickets.
pub mod relation;
/// Customers served, and where.
pub mod reliability;
/// Answers by request id.
pub mod request;
/// What two-way SMS remembers.
pub mod sms;
/// All federated aggregates as of one position.
pub mod snapshot;
/// Bundles of rules, and what a node says of them.
pub mod standard;
/// Statements and their values.
pub mod statement;
/// Sums of reports, of nodes and gateways alike.
pub mod tally;
/// Who works on tickets.
pub mod team;
/// Tickets and their timelines.
pub mod ticket;
/// Tickets that come from another system.
pub mod ticket_import;
mod told_at;
mod under_way;
/// Group commit.
pub mod writer;

use std::sync::Arc;

use db::{Db, Migrations};
pub use error::StoreError;
pub use under_way::calls_under_way;
use writer::Writer;

/// The store of one node process.
#[derive(Clone)]
pub struct NodeStore {
    db: Db,
    writer: Writer,
    blocks: Arc<ticket::Blocks>,
}

/// What a commit has made visible, so that live readers can be woken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// Entries were appended to the feed.
    pub feed: bool,
    /// Contacts were stored or corrected.
    pub contacts: bool,
}

impl NodeStore {
    /// Opens a node's database and starts its writer. `committed` is called after every commit, outside the transaction.
    pub async fn open(
        address: &str,
        connections: u32,
        committed: impl Fn(Committed) + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let migrations = Migrations {
            sqlite: sqlx::migrate!("migrations/node/sqlite"),
            postgres: sqlx::migrate!("migrations/node/postgres"),
        };
        let db = Db::open(address, connections, migrations).await?;
        let writer = Writer::start(&db, Arc::new(committed))?;
        Ok(Self { db, writer, blocks: Arc::default() })
    }

    /// The database, for the contract suite.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// Whether writes are still taken; false for good once the writer has ended.
    #[must_use]
    pub fn takes_writes(&self) -> bool {
        self.writer.alive()
    }

    /// Lets the writer finish what it has accepted, then closes the database.
    pub async fn close(&self) {
        self.writer.stop().await;
        self.db.close().await;
    }
}

/// The statements that only Postgres runs: the one hottest path.
#[must_use]
pub fn postgres_statements() -> Vec<&'static statement::Statement> {
    opening::STATEMENTS.to_vec()
}

/// Every statement of a node's store that both engines run, for the contract suite.
#[must_use]
pub fn node_statements() -> Vec<&'static statement::Statement> {
    [
        bulk::STATEMENTS,
        capability::STATEMENTS,
        contact::STATEMENTS,
        customer::STATEMENTS,
        customer_page::STATEMENTS,
        customer_traces::STATEMENTS,
        delivery::STATEMENTS,
        delivery_ends::STATEMENTS,
        dispatch::STATEMENTS,
        erasure::STATEMENTS,
        counted::STATEMENTS,
        feed::STATEMENTS,
        lease::STATEMENTS,
        metric::STATEMENTS,
        notice::STATEMENTS,
        notification::STATEMENTS,
        open311::STATEMENTS,
        outage::STATEMENTS,
        print_sent::STATEMENTS,
        progress::STATEMENTS,
        question::STATEMENTS,
        receipt::STATEMENTS,
        recipients::STATEMENTS,
        relation::STATEMENTS,
        reliability::STATEMENTS,
        request::STATEMENTS,
        sms::STATEMENTS,
        team::STATEMENTS,
        standard::STATEMENTS,
        tally::STATEMENTS,
        ticket::STATEMENTS,
        ticket_import::STATEMENTS,
    ]
    .concat()
}
