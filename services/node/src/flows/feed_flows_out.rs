use std::time::Duration;

use gridcare_chassis::id::new_id;
use gridcare_domain::{feed::Cursor, refusal::Refusal, ticket::Ticket};
use gridcare_proto::{
    convert::{feed as convert, notice::notice_change, outage::outage_change, ticket::clocks_to_wire, time},
    federation::v1 as wire,
};
use gridcare_store::{StoreError, snapshot::Page};
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;
use uuid::Uuid;

use crate::{FEED, Node, SharedNode, outlet::Outlet};

/// How often a quiet feed says that it is alive.
const BOOKMARK: Duration = Duration::from_secs(5);
/// Without a wake-up, new entries are looked for this often: the bus is only a hint.
const LOOK: Duration = Duration::from_secs(1);
const PAGE: i64 = 500;

impl Node {
    /// Whether a reader may go on from its cursor.
    pub(crate) async fn check_cursor(&self, cursor: &Cursor) -> Result<Result<(), Refusal>, StoreError> {
        self.store.feed_check(cursor, new_id()).await
    }
}

/// Sends entries after `cursor` as they are committed, and a bookmark every 5 s, until the reader goes away.
pub(crate) async fn follow(node: SharedNode, cursor: Cursor, out: Outlet<wire::PullFeedResponse>) {
    if let Err(status) = send(&node, cursor, &out).await {
        out.fail(status);
    }
}

async fn send(node: &Node, mut cursor: Cursor, out: &Outlet<wire::PullFeedResponse>) -> Result<(), Status> {
    let fault = |e: StoreError| gridcare_chassis::status::fault(&e);
    // Subscribed before the first read, so that nothing committed in between is slept over.
    let mut wakeups = node.bus.subscribe(FEED);
    let mut bookmark_at = tokio::time::Instant::now();
    cursor.incarnation = node.store.feed_head().await.map_err(fault)?.cursor.incarnation;
    loop {
        let entries = node.store.feed_after(cursor.position, PAGE).await.map_err(fault)?;
        let full = i64::try_from(entries.len()).unwrap_or(0) == PAGE;
        if let Some(first) = entries.first().filter(|first| first.position != cursor.position + 1) {
            // Compaction overtook this reader, or the file was exchanged under the process.
            let gap = Cursor { position: cursor.position, ..cursor.clone() };
            tracing::warn!(position = first.position, after = gap.position, "the feed has a gap for this reader");
            return match node.check_cursor(&gap).await.map_err(fault)? {
                Err(refusal) => Err(gridcare_chassis::status::refuse(&refusal)),
                Ok(()) => Err(Status::unavailable("the feed has a gap for this reader; pull again")),
            };
        }
        if let Some(last) = entries.last() {
            cursor.position = last.position;
            cursor.batch_id = Some(last.batch_id);
        }
        let due = tokio::time::Instant::now() >= bookmark_at;
        if !entries.is_empty() || due {
            let head = node.store.feed_head().await.map_err(fault)?.cursor;
            if head.incarnation != cursor.incarnation {
                return Err(gridcare_chassis::status::refuse(&Refusal::new(
                    gridcare_domain::refusal::RefusalKind::Precondition,
                    "HISTORY_REWRITTEN",
                    "a new incarnation has begun; take a snapshot",
                )));
            }
            let entries = entries.iter().map(convert::entry_to_wire).collect::<Result<_, _>>();
            let response = wire::PullFeedResponse {
                entries: entries.map_err(|e| gridcare_chassis::status::fault(&e))?,
                cursor: Some(convert::cursor_to_wire(&node.id, &cursor)),
                head: u64::try_from(head.position).unwrap_or(0),
                sent_at: Some(time::timestamp(node.now())),
            };
            if !out.send(response, &cursor.position.to_string()).await {
                return Ok(());
            }
            bookmark_at = tokio::time::Instant::now() + BOOKMARK;
        }
        if full {
            continue;
        }
        tokio::select! {
            () = out.closed() => return Ok(()),
            () = wakeups.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Sends the states of all aggregates at one position, in chunks; the last one carries the cursor.
pub(crate) async fn snapshot(node: SharedNode, out: Outlet<wire::GetSnapshotResponse>, _permit: OwnedSemaphorePermit) {
    let fault = |e: &StoreError| gridcare_chassis::status::fault(e);
    let mut snapshot = match node.store.begin_snapshot().await {
        Ok(snapshot) => snapshot,
        Err(e) => {
            out.fail(fault(&e));
            return;
        }
    };
    loop {
        let (changes, cursor) = match snapshot.next().await {
            Ok(Page::Tickets(tickets)) => {
                let rules = node.rules();
                let change = |t: &Ticket| {
                    let clocks = clocks_to_wire(t, rules.book());
                    convert::ticket_change(t, clocks, rules.leaving(&node.pseudonym_key))
                };
                (tickets.iter().map(change).collect::<Vec<_>>(), None)
            }
            Ok(Page::Buckets(buckets)) => (buckets.iter().map(convert::bucket_change).collect(), None),
            Ok(Page::Served(served)) => {
                (served.into_iter().map(|(served, version)| convert::served_change(served, version)).collect(), None)
            }
            Ok(Page::Notices(notices)) => {
                // The country made the national ones itself, and a draft is told to nobody.
                let told = notices.iter().filter(|stored| !stored.national && stored.notice.published().is_some());
                (told.map(|stored| notice_change(&stored.notice)).collect(), None)
            }
            Ok(Page::Progress(progress)) => {
                let change = |(id, version, progress): &_| super::notice_is_followed::change(*id, *version, progress);
                (progress.iter().map(change).collect(), None)
            }
            Ok(Page::Outages(outages)) => (outages.iter().map(outage_change).collect(), None),
            Ok(Page::Standards(standards)) => {
                (standards.iter().map(super::standard_takes_effect::change).collect(), None)
            }
            Ok(Page::End(capabilities, cursor)) => (
                capabilities.iter().map(|(c, version)| convert::capability_change(c, *version)).collect(),
                Some(cursor),
            ),
            Err(e) => {
                out.fail(fault(&e));
                return;
            }
        };
        let entry = |change| {
            Ok(wire::FeedEntry {
                position: 0,
                batch_id: Uuid::nil().to_string(),
                committed_at: None,
                change: Some(convert::change_to_wire(change)?),
            })
        };
        let entries = match changes.iter().map(entry).collect::<Result<Vec<_>, prost::DecodeError>>() {
            Ok(entries) => entries,
            Err(e) => {
                out.fail(gridcare_chassis::status::fault(&e));
                return;
            }
        };
        let done = cursor.is_some();
        let cursor = cursor.map(|cursor| convert::cursor_to_wire(&node.id, &cursor));
        if !out.send(wire::GetSnapshotResponse { entries, cursor }, "nothing: take the snapshot again").await || done {
            return;
        }
    }
}
