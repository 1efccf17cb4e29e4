use std::{collections::BTreeSet, error::Error, time::Duration};

use futures::FutureExt as _;
use gridcare_chassis::id::new_id;
use gridcare_domain::{
    feed::{Entry, Kind},
    report::Facts,
    ticket::Ticket,
};
use gridcare_proto::{
    convert::{feed, report, ticket::clocks_to_wire},
    federation::v1::FederatedTicket,
};
use gridcare_store::{
    StoreError,
    counted::{Tallied, Version},
    lease::{self, Lease},
};
use prost::Message as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{FEED, Node, REPORTS, SharedNode};

/// The tallies are brought up to date at most this often, unless a report is asked for.
const THROTTLE: Duration = Duration::from_secs(2);
/// Without a wake-up, work is looked for this often: the bus is only a hint.
const LOOK: Duration = Duration::from_secs(2);
/// How long a roller that stopped is waited for.
const LEASE: Duration = Duration::from_secs(10);
/// How long nobody else is spared after a report was asked for.
const HURRY: Duration = Duration::from_secs(3);
const ENTRIES_PER_COMMIT: i64 = 2_500;
/// So many entries are taken in one turn while the node is busy.
const ENTRIES_PER_TURN: i64 = 5_000;
/// A node whose feed has grown by so many entries since the turn before is busy.
const BUSY: i64 = 1_000;
/// A feed that has grown by so many entries since the turn before is written in bulk, by a rebase or an import. Nobody waits for
/// the tallies of it, since whoever asks for a report is served at once.
const FLOOD: i64 = 10_000;
/// For so long a flood is let pass, and no longer: a feed that goes on like that must be kept up with.
const FLOOD_PASSES: Duration = Duration::from_mins(2);
const TICKETS_PER_COMMIT: i64 = 1_000;

/// Keeps the tallies of reports: reads the node's own feed, in one process of the node at a time.
pub(crate) async fn run(node: SharedNode, shutdown: CancellationToken) {
    let mut roller = Roller {
        holder: new_id().to_string(),
        asked: node.bus.subscribe(REPORTS),
        node,
        held: None,
        growth: Growth { head: None, looked: Instant::now(), busy: false },
        flood_since: None,
        hurry_until: Instant::now(),
    };
    let mut entries = roller.node.bus.subscribe(FEED);
    loop {
        let began = Instant::now();
        match roller.turn().await {
            Ok(()) => {}
            Err(StoreError::LeaseLost(_)) => roller.held = None,
            Err(e) => tracing::warn!(error = &e as &dyn Error, "tickets could not be tallied; trying again"),
        }
        let go_on = tokio::select! {
            () = shutdown.cancelled() => false,
            () = roller.asked.changed() => {
                roller.hurry_until = Instant::now() + HURRY;
                true
            }
            () = async {
                tokio::time::sleep_until(began + THROTTLE).await;
                tokio::select! { () = entries.changed() => {} () = tokio::time::sleep(LOOK) => {} }
            } => true,
        };
        if !go_on {
            if let Some(lease) = roller.held {
                // Another process goes on at once instead of waiting for the lease to end.
                let _ = lease::release(roller.node.store.db(), &lease).await;
            }
            return;
        }
    }
}

struct Roller {
    node: SharedNode,
    holder: String,
    asked: gridcare_bus::Wakeups,
    held: Option<Lease>,
    growth: Growth,
    /// Since when a flood is let pass.
    flood_since: Option<Instant>,
    hurry_until: Instant,
}

/// How the feed grows, which says what else the node has to do.
struct Growth {
    /// Its newest position when it was last looked at.
    head: Option<i64>,
    /// When that was.
    looked: Instant,
    /// Whether it grew so much by then, or has since, that the node is busy.
    busy: bool,
}

impl Growth {
    /// How much it has grown since it was last looked at; none while that is a moment ago.
    fn look(&mut self, head: i64, now: Instant) -> Option<i64> {
        // One that was never looked at before has not grown.
        let grown = self.head.map_or(0, |before| head - before);
        if self.head.is_some() && now.duration_since(self.looked) < THROTTLE {
            self.busy |= grown >= BUSY;
            return None;
        }
        *self = Self { head: Some(head), looked: now, busy: grown >= BUSY };
        Some(grown)
    }
}

impl Roller {
    fn hurries(&mut self) -> bool {
        if self.asked.changed().now_or_never().is_some() {
            self.hurry_until = Instant::now() + HURRY;
        }
        Instant::now() < self.hurry_until
    }

    /// Whether a feed that has grown by so many entries is left alone for this turn; if nobody has looked again, as it was then.
    fn lets_pass(&mut self, grown: Option<i64>) -> bool {
        let now = Instant::now();
        match grown {
            Some(grown) if grown < FLOOD => self.flood_since = None,
            Some(_) => _ = self.flood_since.get_or_insert(now),
            None => {}
        }
        self.flood_since.is_some_and(|since| now.duration_since(since) < FLOOD_PASSES) && !self.hurries()
    }

    /// One turn: everything there is, or a part of it while the node has better things to do. That may begin in the middle of a
    /// long turn, so the feed's growth is looked at again and again.
    async fn turn(&mut self) -> Result<(), StoreError> {
        let mut taken = 0;
        loop {
            let began = Instant::now();
            let (tallied, head) = self.node.store.tallied().await?;
            let grown = self.growth.look(head, Instant::now());
            if self.lets_pass(grown) {
                return Ok(());
            }
            let foreign = tallied.time_zone != self.node.time_zone;
            if !foreign && tallied.recount_after.is_none() && tallied.position == head {
                return Ok(());
            }
            if self.growth.busy && taken >= ENTRIES_PER_TURN && !self.hurries() {
                return Ok(());
            }
            let now = self.node.now_us();
            let until = now + i64::try_from(LEASE.as_micros()).unwrap_or(0);
            self.held = lease::take(self.node.store.db(), "tally roller", &self.holder, now, until).await?;
            let Some(lease) = self.held.clone() else { return Ok(()) };
            taken += if foreign {
                tracing::info!(
                    from = tallied.time_zone,
                    to = self.node.time_zone,
                    "tickets are tallied from the beginning"
                );
                recount(&self.node, &lease).await?
            } else if let Some(after) = tallied.recount_after {
                recount_part(&self.node, &lease, after).await?
            } else {
                roll(&self.node, &lease, &tallied).await?
            };
            // Catching up takes half of the time at most, unless somebody waits for it.
            if !self.hurries() {
                tokio::time::sleep(began.elapsed()).await;
            }
        }
    }
}

async fn recount(node: &Node, lease: &Lease) -> Result<i64, StoreError> {
    node.store.tally_recount(lease, &node.id, &node.time_zone).await.map(|()| 0)
}

/// Takes the next entries of the feed; begins to recount when they are gone.
async fn roll(node: &Node, lease: &Lease, tallied: &Tallied) -> Result<i64, StoreError> {
    let from = tallied.position;
    let entries = node.store.feed_after(from, ENTRIES_PER_COMMIT).await?;
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        tracing::info!(from, "the feed has been compacted away; tickets are tallied from the beginning");
        return recount(node, lease).await;
    };
    if first.position != from + 1 {
        tracing::info!(
            from,
            first = first.position,
            "the feed has been compacted; tickets are tallied from the beginning"
        );
        return recount(node, lease).await;
    }
    let through = last.position;
    let tickets = entries.iter().filter(|entry| entry.change.kind == Kind::Ticket);
    let versions = if node.rules().standard.exports_all() {
        tickets.filter_map(version_of).collect()
    } else {
        // What stays at home is not in the feed, and is in our own reports all the same.
        versions_at_home(node, tickets).await?
    };
    let difference = node.store.tally_difference(versions, &node.zone).await?;
    node.store.tally_advance(lease, &node.id, from, through, &difference).await?;
    metrics::counter!("gridcare_tally_entries_total").increment(entries.len() as u64);
    Ok(through - from)
}

/// The tickets of these entries as they are now, which may be later than the entries; those then say nothing new.
async fn versions_at_home(node: &Node, entries: impl Iterator<Item = &Entry>) -> Result<Vec<Version>, StoreError> {
    let ids: BTreeSet<Uuid> = entries.filter_map(|entry| Uuid::parse_str(&entry.change.key).ok()).collect();
    let mut versions = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(ticket) = node.store.ticket(id).await? {
            versions.push(Version { id, version: ticket.version, facts: node.facts_of(&ticket)? });
        }
    }
    Ok(versions)
}

/// A version of a ticket as the feed says it. One that says what no node writes is left out, and seen to be left out: the
/// verification finds it.
fn version_of(entry: &Entry) -> Option<Version> {
    let read = || {
        let ticket = FederatedTicket::decode(entry.change.payload.as_slice()).map_err(|e| e.to_string())?;
        let id = Uuid::parse_str(&entry.change.key).map_err(|e| e.to_string())?;
        Ok::<_, String>(Version { id, version: entry.change.version, facts: report::facts_from_wire(&ticket)? })
    };
    read().inspect_err(|error| tracing::error!(position = entry.position, error, "a ticket cannot be tallied")).ok()
}

async fn recount_part(node: &Node, lease: &Lease, after: Uuid) -> Result<i64, StoreError> {
    let tickets = node.store.tickets_after(after, TICKETS_PER_COMMIT).await?;
    let count = i64::try_from(tickets.len()).unwrap_or(TICKETS_PER_COMMIT);
    let through = tickets.last().map(|ticket| ticket.id).filter(|_| count == TICKETS_PER_COMMIT);
    let version = |ticket: &Ticket| {
        let facts = node.facts_of(ticket)?;
        Ok(Version { id: ticket.id, version: ticket.version, facts })
    };
    let versions = tickets.iter().map(version).collect::<Result<_, StoreError>>()?;
    let difference = node.store.tally_difference(versions, &node.zone).await?;
    node.store.tally_recounted(lease, &node.id, after, through, &difference).await?;
    Ok(count)
}

impl Node {
    /// What reports know of a ticket: what the feed says of it, and what it would say if everything left.
    pub(crate) fn facts_of(&self, ticket: &Ticket) -> Result<Facts, StoreError> {
        let rules = self.rules();
        let clocks = clocks_to_wire(ticket, rules.book());
        report::facts_from_wire(&feed::federated_whole(ticket, clocks, &self.pseudonym_key))
            .map_err(|what| StoreError::Corrupt { table: "ticket", what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_that_begins_in_the_middle_of_a_turn_is_seen() {
        let start = Instant::now();
        let mut growth = Growth { head: None, looked: start, busy: false };
        let at = |ms| start + Duration::from_millis(ms);
        let mut look = |head, now| (growth.look(head, now), growth.busy);
        assert_eq!(look(1_000_000, start), (Some(0), false), "nobody knows since when");
        assert_eq!(look(1_000_010, at(500)), (None, false));
        assert_eq!(look(1_001_000, at(900)), (None, true), "a thousand in less than a second");
        assert_eq!(look(1_016_000, at(2_100)), (Some(16_000), true), "the same turn");
        assert_eq!(look(1_016_020, at(2_200)), (None, true), "a turn that begins a moment later knows no better");
        assert_eq!(look(1_016_030, at(4_200)), (Some(30), false), "it is over");
    }

    #[test]
    fn the_first_entries_of_an_empty_feed_are_growth() {
        let start = Instant::now();
        let mut growth = Growth { head: None, looked: start, busy: false };
        assert_eq!(growth.look(0, start), Some(0));
        assert_eq!(growth.look(16_000, start + THROTTLE), Some(16_000));
    }
}
