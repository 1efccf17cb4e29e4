use std::collections::BTreeSet;

use gridcare_domain::{
    capability::Capability, feed::Cursor, metric::Bucket, outage::Outage, reliability::Served, ticket::Ticket,
};
use uuid::Uuid;

use crate::{
    NodeStore, StoreError, capability,
    db::Tx,
    feed, metric,
    notice::{self, StoredNotice},
    outage,
    progress::{self, Progress},
    reliability,
    standard::{self, StoredStandard},
    ticket,
};

/// All federated aggregates of a node as of one position of its feed, read in pages.
pub struct Snapshot {
    tx: Tx,
    cursor: Cursor,
    tickets_after: Option<Uuid>,
    buckets_from_us: Option<i64>,
    last_bucket: Option<gridcare_domain::metric::BucketKey>,
    standards_after: Option<String>,
    outages_after: Option<Uuid>,
    notices_after: Option<Uuid>,
    progress_of: BTreeSet<Uuid>,
    served_told: bool,
}

/// One page of a snapshot.
pub enum Page {
    /// Tickets.
    Tickets(Vec<Ticket>),
    /// Buckets.
    Buckets(Vec<Bucket>),
    /// What is said of bundles of rules.
    Standards(Vec<StoredStandard>),
    /// Outages.
    Outages(Vec<Outage>),
    /// Notices; national ones too, of which the country knows.
    Notices(Vec<StoredNotice>),
    /// How far notices have come, with versions.
    Progress(Vec<(Uuid, i64, Progress)>),
    /// How many customers are served, with versions.
    Served(Vec<(Served, i64)>),
    /// The end: capabilities with their versions, and where to go on.
    End(Vec<(Capability, i64)>, Cursor),
}

const PAGE: i64 = 1_000;
/// Notices carry all of their revisions.
const NOTICES: i64 = 100;

impl NodeStore {
    /// Begins a snapshot. It holds a reading transaction until it is dropped.
    pub async fn begin_snapshot(&self) -> Result<Snapshot, StoreError> {
        let mut tx = self.db().snapshot().await?;
        let cursor = feed::head_in(&mut tx).await?.cursor;
        Ok(Snapshot {
            tx,
            cursor,
            tickets_after: Some(Uuid::nil()),
            buckets_from_us: Some(i64::MIN),
            last_bucket: None,
            standards_after: Some(String::new()),
            outages_after: Some(Uuid::nil()),
            notices_after: Some(Uuid::nil()),
            progress_of: BTreeSet::new(),
            served_told: false,
        })
    }
}

impl Snapshot {
    /// The next page; after [`Page::End`] there is none.
    pub async fn next(&mut self) -> Result<Page, StoreError> {
        if let Some(after) = self.tickets_after {
            let page = ticket::page_in(&mut self.tx, after, PAGE).await?;
            self.tickets_after = page.last().map(|t| t.id);
            if !page.is_empty() {
                return Ok(Page::Tickets(page));
            }
        }
        if let Some(from) = self.buckets_from_us {
            // Pages begin at the last start seen, so its buckets come again; the ones already given are dropped.
            let mut page = metric::buckets_in(&mut self.tx, from, PAGE).await?;
            let order = |key: &gridcare_domain::metric::BucketKey| (key.start_us, key.channel, key.direction);
            if let Some(last) = &self.last_bucket {
                page.retain(|bucket| order(&bucket.key) > order(last));
            }
            self.last_bucket = page.last().map(|bucket| bucket.key);
            self.buckets_from_us = self.last_bucket.map(|key| key.start_us);
            if !page.is_empty() {
                return Ok(Page::Buckets(page));
            }
        }
        if let Some(after) = self.standards_after.take() {
            let page = standard::page_in(&mut self.tx, &after, PAGE).await?;
            self.standards_after = page.last().map(|standard| standard.digest.clone());
            if !page.is_empty() {
                return Ok(Page::Standards(page));
            }
        }
        if let Some(after) = self.outages_after {
            let page = outage::page_in(&mut self.tx, after, PAGE).await?;
            self.outages_after = page.last().map(|outage| outage.id);
            if !page.is_empty() {
                return Ok(Page::Outages(page));
            }
        }
        if !self.progress_of.is_empty() {
            let page = progress::told_in(&mut self.tx, &std::mem::take(&mut self.progress_of)).await?;
            return Ok(Page::Progress(page));
        }
        if let Some(after) = self.notices_after {
            let page = notice::page_in(&mut self.tx, after, NOTICES).await?;
            self.notices_after = page.last().map(|stored| stored.notice.id);
            self.progress_of = page.iter().map(|stored| stored.notice.id).collect();
            if !page.is_empty() {
                return Ok(Page::Notices(page));
            }
        }
        if !std::mem::replace(&mut self.served_told, true) {
            return Ok(Page::Served(reliability::served_in(&mut self.tx).await?));
        }
        Ok(Page::End(capability::list_in(&mut self.tx).await?, self.cursor.clone()))
    }
}
