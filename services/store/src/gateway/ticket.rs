use std::collections::{BTreeMap, HashMap};

use gridcare_domain::{report::Tally, ticket::State};
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::{
    GatewayStore, member,
    ticket_row::{FederatedTicket, NationalTicket, columns, national_ticket, row_of},
};
use crate::{
    StoreError,
    db::Tx,
    statement::{Rows, Statement, Value, statements, values},
    tally,
};

/// The filters that every list shares. Topics are words, since a member may know one that we do not: `|a|b|` or NULL.
macro_rules! filters {
    () => {
        " AND ((CAST($3 AS BIGINT) >> CAST(t.state AS INTEGER)) & 1) = 1
          AND (CAST($4 AS TEXT) IS NULL OR CAST($4 AS TEXT) LIKE '%|' || t.topic || '|%') "
    };
}

statements! {
    NATIONAL_TICKET_HELD [node Text, id Uuid] =
        concat!("SELECT ", columns!(), " FROM v JOIN national_ticket AS t ON t.node = v.node AND t.id = v.id");
    NATIONAL_TICKET_PUT [node Text, id Uuid, reference Text, version Int, state Int, priority Int, topic Text, channel Text, province Text,
                         customer_pseudonym Text, assignee_pseudonym Text, opened_us Int, updated_us Int, resolved_us Int, closed_us Int,
                         category Text, team Text, standard Text, clocks Blob, first_response_us Int, parent_id Uuid, merged_into_id Uuid,
                         satisfaction Int, rated_us Int, repetition Int, locality Int, snapshot_no Int] =
        "INSERT INTO national_ticket (node, id, reference, version, state, priority, topic, channel, province, customer_pseudonym,
             assignee_pseudonym, opened_us, updated_us, resolved_us, closed_us, category, team, standard, clocks, first_response_us,
             parent_id, merged_into_id, satisfaction, rated_us, repetition, locality, snapshot_no)
         SELECT node, id, reference, version, state, priority, topic, channel, province, customer_pseudonym,
             assignee_pseudonym, opened_us, updated_us, resolved_us, closed_us, category, team, standard, clocks, first_response_us,
             parent_id, merged_into_id, satisfaction, rated_us, repetition, locality, snapshot_no
         FROM v WHERE true
         ON CONFLICT (node, id) DO UPDATE SET reference = excluded.reference, version = excluded.version, state = excluded.state,
             priority = excluded.priority, topic = excluded.topic, channel = excluded.channel, province = excluded.province,
             customer_pseudonym = excluded.customer_pseudonym, assignee_pseudonym = excluded.assignee_pseudonym,
             opened_us = excluded.opened_us, updated_us = excluded.updated_us, resolved_us = excluded.resolved_us,
             closed_us = excluded.closed_us, category = excluded.category, team = excluded.team, standard = excluded.standard,
             clocks = excluded.clocks, first_response_us = excluded.first_response_us, parent_id = excluded.parent_id,
             merged_into_id = excluded.merged_into_id, satisfaction = excluded.satisfaction, rated_us = excluded.rated_us,
             repetition = excluded.repetition, locality = excluded.locality, snapshot_no = excluded.snapshot_no
         WHERE excluded.snapshot_no > 0 OR excluded.version > national_ticket.version";
    NATIONAL_TICKET_OTHERS = concat!("SELECT ", columns!(), " FROM national_ticket AS t WHERE t.node = $1 AND t.id > $2 AND t.snapshot_no <> $3 ORDER BY t.id LIMIT $4");
    NATIONAL_TICKET_SWEEP = "DELETE FROM national_ticket WHERE node = $1 AND snapshot_no <> $2";
    NATIONAL_TICKET_COUNT_ADD [node Text, state Int, tickets Int] =
        "INSERT INTO national_ticket_count (node, state, tickets) SELECT node, state, tickets FROM v WHERE true
         ON CONFLICT (node, state) DO UPDATE SET tickets = national_ticket_count.tickets + excluded.tickets";
    NATIONAL_TICKET_COUNT_CLEAR = "DELETE FROM national_ticket_count WHERE node = $1";
    NATIONAL_TICKET_COUNT_AGAIN =
        "INSERT INTO national_ticket_count (node, state, tickets)
         SELECT node, state, COUNT(*) FROM national_ticket WHERE node = $1 GROUP BY node, state";
    NATIONAL_TICKET_COUNT_OF = "SELECT state, tickets FROM national_ticket_count WHERE node = $1";
    NATIONAL_TICKET_NEWEST = concat!("SELECT ", columns!(), " FROM national_ticket AS t WHERE (t.id, t.node) < ($1, $2) ", filters!(),
        " ORDER BY t.id DESC, t.node DESC LIMIT $5");
    NATIONAL_TICKET_OF_STATE = concat!("SELECT ", columns!(), " FROM national_ticket AS t WHERE t.state = $6 AND (t.id, t.node) < ($1, $2) ", filters!(),
        " ORDER BY t.id DESC, t.node DESC LIMIT $5");
    NATIONAL_TICKET_OF_NODE = concat!("SELECT ", columns!(), " FROM national_ticket AS t WHERE t.node = $6 AND t.id <= $1 AND (t.id < $1 OR t.node < $2) ", filters!(),
        " ORDER BY t.id DESC LIMIT $5");
    NATIONAL_TICKET_OF_NODE_STATE = concat!("SELECT ", columns!(), " FROM national_ticket AS t WHERE t.node = $6 AND t.state = $7 AND t.id <= $1 AND (t.id < $1 OR t.node < $2) ",
        filters!(), " ORDER BY t.id DESC LIMIT $5");
}

/// What a list asks for. Empty sets mean all.
#[derive(Debug, Clone, Default)]
pub struct NationalTicketQuery {
    /// Nodes.
    pub nodes: Vec<String>,
    /// States.
    pub states: Vec<State>,
    /// Words of topics.
    pub topics: Vec<String>,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketAfter {
    /// The last ticket's id.
    pub id: Uuid,
    /// Its node.
    pub node: String,
}

/// How many tickets a node has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TicketTotals {
    /// Neither closed nor cancelled.
    pub open: i64,
    /// All.
    pub total: i64,
}

/// Keeps the greater versions; a snapshot's whatever they are, since its history may have been rewritten.
pub(super) async fn put(
    tx: &mut Tx,
    node: &str,
    tickets: &[&FederatedTicket],
    snapshot_no: i64,
) -> Result<(), StoreError> {
    // One statement may touch a row once.
    let mut newest: BTreeMap<Uuid, &FederatedTicket> = BTreeMap::new();
    for ticket in tickets {
        let kept = newest.entry(ticket.id).or_insert(ticket);
        if ticket.version > kept.version {
            *kept = ticket;
        }
    }
    if newest.is_empty() {
        return Ok(());
    }
    let held = held(tx, node, newest.keys()).await?;
    // A snapshot counts states anew at its end.
    if snapshot_no == 0 {
        newest.retain(|id, ticket| held.get(id).is_none_or(|held| ticket.version > held.version));
        count(tx, node, &newest, &held).await?;
    }
    let zone = member::zone(tx, node).await?;
    let mut tally = Tally::default();
    for (id, ticket) in &newest {
        if let Some(held) = held.get(id) {
            tally.count(&held.facts(), &zone, -1);
        }
        tally.count(&ticket.facts(), &zone, 1);
    }
    let mut rows = Rows::of(&NATIONAL_TICKET_PUT, newest.len());
    for ticket in newest.into_values() {
        rows.push(row_of(node, ticket, snapshot_no));
    }
    tx.execute_rows(&NATIONAL_TICKET_PUT, rows).await?;
    tally::add(tx, node, &tally).await
}

/// Those of these tickets that are known. Nobody else writes this node's tickets meanwhile: the member's row is locked.
async fn held(
    tx: &mut Tx,
    node: &str,
    ids: impl ExactSizeIterator<Item = &Uuid>,
) -> Result<HashMap<Uuid, FederatedTicket>, StoreError> {
    let mut keys = Rows::of(&NATIONAL_TICKET_HELD, ids.len());
    for id in ids {
        keys.push(values![node, *id]);
    }
    let mut held = HashMap::with_capacity(keys.len());
    for row in tx.fetch_rows(&NATIONAL_TICKET_HELD, keys).await? {
        let ticket = national_ticket(&row)?.ticket;
        held.insert(ticket.id, ticket);
    }
    Ok(held)
}

/// Moves tickets between the counts of states.
async fn count(
    tx: &mut Tx,
    node: &str,
    newest: &BTreeMap<Uuid, &FederatedTicket>,
    held: &HashMap<Uuid, FederatedTicket>,
) -> Result<(), StoreError> {
    let mut deltas: BTreeMap<i64, i64> = BTreeMap::new();
    for (id, ticket) in newest {
        *deltas.entry(ticket.state.number()).or_default() += 1;
        if let Some(held) = held.get(id) {
            *deltas.entry(held.state.number()).or_default() -= 1;
        }
    }
    deltas.retain(|_, delta| *delta != 0);
    let mut rows = Rows::of(&NATIONAL_TICKET_COUNT_ADD, deltas.len());
    for (state, delta) in deltas {
        rows.push(values![node, state, delta]);
    }
    tx.execute_rows(&NATIONAL_TICKET_COUNT_ADD, rows).await.map(drop)
}

/// Takes what the snapshot did not bring out of the tallies, deletes it, and counts states anew.
pub(super) async fn sweep(tx: &mut Tx, node: &str, snapshot_no: i64) -> Result<(), StoreError> {
    let zone = member::zone(tx, node).await?;
    let gone = tally_others(tx, node, snapshot_no, &zone, -1).await?;
    tally::add(tx, node, &gone).await?;
    tx.execute(&NATIONAL_TICKET_SWEEP, values![node, snapshot_no]).await?;
    tx.execute(&NATIONAL_TICKET_COUNT_CLEAR, values![node]).await?;
    tx.execute(&NATIONAL_TICKET_COUNT_AGAIN, values![node]).await.map(drop)
}

/// Tallies a member's tickets anew: its days begin at other moments now.
pub(super) async fn retally(tx: &mut Tx, node: &str, zone: &TimeZone) -> Result<(), StoreError> {
    tally::clear(tx, node).await?;
    // No snapshot has a number below zero, so these are all.
    let all = tally_others(tx, node, -1, zone, 1).await?;
    tally::add(tx, node, &all).await
}

/// What the tickets of all snapshots but this one come to.
async fn tally_others(
    tx: &mut Tx,
    node: &str,
    snapshot_no: i64,
    zone: &TimeZone,
    sign: i64,
) -> Result<Tally, StoreError> {
    const PAGE: i64 = 2_000;
    let mut tally = Tally::default();
    let mut after = Some(Uuid::nil());
    while let Some(id) = after {
        let page = tx.fetch(&NATIONAL_TICKET_OTHERS, values![node, id, snapshot_no, PAGE]).await?;
        after = None;
        for row in &page {
            let ticket = national_ticket(row)?.ticket;
            tally.count(&ticket.facts(), zone, sign);
            after = Some(ticket.id);
        }
    }
    Ok(tally)
}

impl GatewayStore {
    /// How many tickets a node has.
    pub async fn ticket_totals(&self, node: &str) -> Result<TicketTotals, StoreError> {
        let mut totals = TicketTotals::default();
        for row in self.db.fetch(&NATIONAL_TICKET_COUNT_OF, values![node]).await? {
            let (state, tickets) = (State::from_number(row.int(0)?), row.int(1)?);
            totals.total += tickets;
            if !matches!(state, Some(State::Closed | State::Cancelled)) {
                totals.open += tickets;
            }
        }
        Ok(totals)
    }

    /// A page of tickets, newest first. One ordered read per node and state that is asked for, merged: each is served
    /// by an index whatever the filter is.
    pub async fn national_tickets(
        &self,
        query: &NationalTicketQuery,
        after: Option<&TicketAfter>,
        limit: usize,
    ) -> Result<Vec<NationalTicket>, StoreError> {
        let (id, node) = after.map_or((Uuid::max(), ""), |after| (after.id, after.node.as_str()));
        let topics = (!query.topics.is_empty()).then(|| format!("|{}|", query.topics.join("|")));
        let shared = |mask: i64| values![id, node, mask, topics.as_deref(), i64::try_from(limit).unwrap_or(i64::MAX)];
        let mut reads: Vec<(&'static Statement, Vec<Value>)> = Vec::new();
        match (query.nodes.as_slice(), query.states.as_slice()) {
            ([], []) => reads.push((&NATIONAL_TICKET_NEWEST, shared(i64::MAX))),
            ([], states) => reads.extend(states.iter().map(|state| {
                (&NATIONAL_TICKET_OF_STATE, [shared(1 << state.number()), values![state.number()]].concat())
            })),
            (nodes, []) => reads.extend(
                nodes
                    .iter()
                    .map(|node| (&NATIONAL_TICKET_OF_NODE, [shared(i64::MAX), values![node.as_str()]].concat())),
            ),
            (nodes, states) => reads.extend(
                nodes.iter().flat_map(|node| states.iter().map(move |state| (node, state))).map(|(node, state)| {
                    let own = values![node.as_str(), state.number()];
                    (&NATIONAL_TICKET_OF_NODE_STATE, [shared(1 << state.number()), own].concat())
                }),
            ),
        }
        let mut found = Vec::new();
        for (statement, values) in reads {
            for row in self.db.fetch(statement, values).await? {
                found.push(national_ticket(&row)?);
            }
        }
        found.sort_by(|a, b| (b.ticket.id, &b.node).cmp(&(a.ticket.id, &a.node)));
        found.dedup_by(|a, b| a.ticket.id == b.ticket.id && a.node == b.node);
        found.truncate(limit);
        Ok(found)
    }
}
