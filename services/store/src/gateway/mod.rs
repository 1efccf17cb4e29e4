//! The read model of a gateway: the feeds of its members, applied.

mod acknowledgement;
mod apply;
mod bucket;
mod capability;
mod member;
mod notice;
mod notice_target;
mod outage;
mod proof;
mod regional_notice;
mod replica;
mod snapshot;
mod standard;
mod ticket;
mod ticket_row;

pub use apply::{Applied, Frame, NationalChange};
pub use bucket::{NationalBucket, NationalSketches, PeriodSum};
pub use member::{Member, Seat};
pub use notice::{NationalNotice, NoticePage, NoticeSave, PrintSent, PublishedRevision};
pub use notice_target::{Handed, LandingState, NoticeTarget};
pub use outage::{FederatedOutage, NationalOutage, NationalOutageQuery};
pub use proof::ProofEntry;
pub use regional_notice::{FederatedNotice, NoticeProgress, OfMember, RegionalPage};
pub use standard::{Publication, Published, Target, TargetState};
pub use ticket::{NationalTicketQuery, TicketAfter, TicketTotals};
pub use ticket_row::{FederatedTicket, NationalTicket};

use crate::{
    StoreError,
    db::{Db, Migrations},
    lease,
    statement::Statement,
    tally,
};

/// The store of one gateway process.
#[derive(Clone)]
pub struct GatewayStore {
    db: Db,
}

impl GatewayStore {
    /// Opens a gateway's database and brings its schema up to date.
    pub async fn open(address: &str, connections: u32) -> Result<Self, StoreError> {
        let migrations = Migrations {
            sqlite: sqlx::migrate!("migrations/gateway/sqlite"),
            postgres: sqlx::migrate!("migrations/gateway/postgres"),
        };
        Ok(Self { db: Db::open(address, connections, migrations).await? })
    }

    /// The database, for leases and for the contract suite.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// Closes the database.
    pub async fn close(&self) {
        self.db.close().await;
    }
}

/// Every statement of a gateway's store, for the contract suite.
#[must_use]
pub fn gateway_statements() -> Vec<&'static Statement> {
    [
        acknowledgement::STATEMENTS,
        bucket::STATEMENTS,
        capability::STATEMENTS,
        lease::STATEMENTS,
        member::STATEMENTS,
        notice::STATEMENTS,
        notice_target::STATEMENTS,
        outage::STATEMENTS,
        proof::STATEMENTS,
        regional_notice::STATEMENTS,
        replica::STATEMENTS,
        crate::request::STATEMENTS,
        standard::STATEMENTS,
        tally::STATEMENTS,
        ticket::STATEMENTS,
    ]
    .concat()
}

#[cfg(test)]
mod tests;
