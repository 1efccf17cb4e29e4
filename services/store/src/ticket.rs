use gridcare_domain::{
    clock::Clocks,
    contact::Channel,
    customer_code::CustomerCode,
    reference::Reference,
    standard::Locality,
    text,
    ticket::{Priority, Repetition, State, Ticket, TimelineEntry, TimelineKind, Visibility},
    topic::Topic,
};
use jiff::Timestamp;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::{Row, Tx},
    statement::{Rows, Statement, Value, statements, values},
    writer::TicketWrite,
};

/// Columns of a ticket, in the order in which rows are read.
macro_rules! columns {
    () => {
        "ticket.id, ticket.number, ticket.prefix, ticket.version, ticket.state, ticket.priority, ticket.topic, ticket.channel,
         ticket.subject, ticket.description, ticket.customer_code, ticket.requester_name, ticket.requester_contact_point,
         ticket.province, ticket.assignee, ticket.opened_us, ticket.updated_us, ticket.resolved_us, ticket.closed_us, ticket.category,
         ticket.locality, ticket.team, ticket.standard, ticket.clocks, ticket.due_us, ticket.deadline_us, ticket.event_us,
         ticket.first_response_us, ticket.parent, ticket.merged_into, ticket.satisfaction, ticket.rated_us, ticket.repetition"
    };
}
pub(crate) use columns;

/// The filters that every list shares: sets of codes are bit masks, since the lists of codes are closed and short. Words
/// that many tickets have are filters like the others; only rare ones are worth their index.
macro_rules! filters {
    () => {
        " AND ((CAST($3 AS BIGINT) >> CAST(ticket.state AS INTEGER)) & 1) = 1
          AND ((CAST($4 AS BIGINT) >> CAST(ticket.priority AS INTEGER)) & 1) = 1
          AND ((CAST($5 AS BIGINT) >> CAST(ticket.topic AS INTEGER)) & 1) = 1
          AND ((CAST($6 AS BIGINT) >> CAST(ticket.channel AS INTEGER)) & 1) = 1
          AND (CAST($7 AS TEXT) IS NULL OR ticket.assignee = $7)
          AND (CAST($8 AS TEXT) IS NULL OR ticket.customer_code = $8)
          AND ticket.opened_us >= $9 AND ticket.opened_us < $10
          AND (CAST($12 AS TEXT) IS NULL OR ticket.team = $12)
          AND (CAST($13 AS BIGINT) = 0 OR ticket.assignee IS NULL)
          AND (CAST($14 AS TEXT) IS NULL OR REPLACE(CAST($14 AS TEXT), '|' || ticket.category || '|', '') <> CAST($14 AS TEXT))
          AND (CAST($15 AS TEXT) IS NULL OR ' ' || ticket.words || ' ' LIKE $15)
          AND (CAST($16 AS TEXT) IS NULL OR ' ' || ticket.words || ' ' LIKE $16)
          AND (CAST($17 AS TEXT) IS NULL OR ' ' || ticket.words || ' ' LIKE $17)
          AND (CAST($18 AS TEXT) IS NULL OR ' ' || ticket.words || ' ' LIKE $18) "
    };
}

/// The same filters for lists that are read in the order of an index until a page is full. Each is written as an inequality
/// of a number, which a planner takes to let nearly everything pass: taken for narrow, as equalities of unknown values are,
/// they would make reading everything and sorting it look cheaper than walking the index.
macro_rules! passes {
    () => {
        " AND ((CAST($3 AS BIGINT) >> CAST(ticket.state AS INTEGER)) & 1) <> 0
          AND ((CAST($4 AS BIGINT) >> CAST(ticket.priority AS INTEGER)) & 1) <> 0
          AND ((CAST($5 AS BIGINT) >> CAST(ticket.topic AS INTEGER)) & 1) <> 0
          AND ((CAST($6 AS BIGINT) >> CAST(ticket.channel AS INTEGER)) & 1) <> 0
          AND (CASE WHEN CAST($7 AS TEXT) IS NULL OR ticket.assignee = $7 THEN 1 ELSE 0 END) <> 0
          AND (CASE WHEN CAST($8 AS TEXT) IS NULL OR ticket.customer_code = $8 THEN 1 ELSE 0 END) <> 0
          AND (CASE WHEN ticket.opened_us >= $9 AND ticket.opened_us < $10 THEN 1 ELSE 0 END) <> 0
          AND (CASE WHEN CAST($12 AS TEXT) IS NULL OR ticket.team = $12 THEN 1 ELSE 0 END) <> 0
          AND (CASE WHEN CAST($13 AS BIGINT) = 0 OR ticket.assignee IS NULL THEN 1 ELSE 0 END) <> 0
          AND (CASE WHEN CAST($14 AS TEXT) IS NULL OR REPLACE(CAST($14 AS TEXT), '|' || ticket.category || '|', '') <> CAST($14 AS TEXT)
               THEN 1 ELSE 0 END) <> 0
          AND (CASE WHEN CAST($15 AS TEXT) IS NULL OR ' ' || ticket.words || ' ' LIKE $15 THEN 1 ELSE 0 END) <> 0
          AND (CASE WHEN CAST($16 AS TEXT) IS NULL OR ' ' || ticket.words || ' ' LIKE $16 THEN 1 ELSE 0 END) <> 0
          AND (CASE WHEN CAST($17 AS TEXT) IS NULL OR ' ' || ticket.words || ' ' LIKE $17 THEN 1 ELSE 0 END) <> 0
          AND (CASE WHEN CAST($18 AS TEXT) IS NULL OR ' ' || ticket.words || ' ' LIKE $18 THEN 1 ELSE 0 END) <> 0 "
    };
}

macro_rules! has {
    () => {
        "WHERE (CAST($2 AS TEXT) IS NULL OR ' ' || near.words || ' ' LIKE $2)
           AND (CAST($3 AS TEXT) IS NULL OR ' ' || near.words || ' ' LIKE $3)
           AND (CAST($4 AS TEXT) IS NULL OR ' ' || near.words || ' ' LIKE $4)
           AND (CAST($5 AS TEXT) IS NULL OR ' ' || near.words || ' ' LIKE $5)"
    };
}

statements! {
    TICKET_INSERT [id Uuid, number Int, prefix Text, version Int, state Int, priority Int, topic Int, channel Int,
                   subject Text, description Text, customer_code Text, requester_name Text, requester_contact_point Text,
                   province Text, assignee Text, opened_us Int, updated_us Int, resolved_us Int, closed_us Int, words Text,
                   category Text, locality Int, team Text, standard Text, clocks Text, due_us Int, deadline_us Int, event_us Int,
                   first_response_us Int, parent Uuid, merged_into Uuid, satisfaction Int, rated_us Int, repetition Int] =
        "INSERT INTO ticket (id, number, prefix, version, state, priority, topic, channel, subject, description, customer_code,
             requester_name, requester_contact_point, province, assignee, opened_us, updated_us, resolved_us, closed_us, words,
             category, locality, team, standard, clocks, due_us, deadline_us, event_us, first_response_us, parent, merged_into,
             satisfaction, rated_us, repetition)
         SELECT id, number, prefix, version, state, priority, topic, channel, subject, description, customer_code,
             requester_name, requester_contact_point, province, assignee, opened_us, updated_us, resolved_us, closed_us, words,
             category, locality, team, standard, clocks, due_us, deadline_us, event_us, first_response_us, parent, merged_into,
             satisfaction, rated_us, repetition
         FROM v WHERE true";
    TICKET_UPDATE [id Uuid, version Int, state Int, priority Int, topic Int, assignee Text, updated_us Int, resolved_us Int, closed_us Int,
                   category Text, locality Int, team Text, standard Text, clocks Text, due_us Int, deadline_us Int, event_us Int,
                   first_response_us Int, parent Uuid, merged_into Uuid, satisfaction Int, rated_us Int, repetition Int] =
        "UPDATE ticket SET version = v.version, state = v.state, priority = v.priority, topic = v.topic, assignee = v.assignee,
             updated_us = v.updated_us, resolved_us = v.resolved_us, closed_us = v.closed_us, category = v.category, locality = v.locality,
             team = v.team, standard = v.standard, clocks = v.clocks, due_us = v.due_us, deadline_us = v.deadline_us, event_us = v.event_us,
             first_response_us = v.first_response_us, parent = v.parent, merged_into = v.merged_into, satisfaction = v.satisfaction,
             rated_us = v.rated_us, repetition = v.repetition
         FROM v WHERE ticket.id = v.id";
    // A change of the standard touches nothing else, and no version but the one that it was decided of.
    TICKET_REBASE [id Uuid, version Int, updated_us Int, standard Text, clocks Text, due_us Int, deadline_us Int] =
        "UPDATE ticket SET version = v.version, updated_us = v.updated_us, standard = v.standard, clocks = v.clocks, due_us = v.due_us,
             deadline_us = v.deadline_us
         FROM v WHERE ticket.id = v.id AND ticket.version = v.version - 1 RETURNING ticket.id";
    // Ordered by a state that is one alone: an order of ids alone would let Postgres walk the tickets of all states.
    TICKET_OF_STATE = concat!("SELECT ", columns!(), " FROM ticket WHERE (ticket.state, ticket.id) > ($1, $2) AND ticket.state <= $1
         ORDER BY ticket.state, ticket.id LIMIT $3");
    // The ids of a page that are not under this version, and its last one whatever it is under, where the walk goes on: whether
    // any of them is another's or none, no more than a page of the index is read.
    TICKET_OF_OTHER_STANDARD =
        "WITH page AS (SELECT id, standard FROM ticket WHERE (state, id) > ($1, $2) AND state <= $1 ORDER BY state, id LIMIT $3)
         SELECT id, standard FROM page WHERE standard <> $4 OR id = (SELECT id FROM page ORDER BY id DESC LIMIT 1) ORDER BY id";
    TICKET_DUE = "SELECT id, due_us FROM ticket WHERE due_us IS NOT NULL AND due_us <= $1 ORDER BY due_us, id LIMIT $2";
    TICKET_NEXT_DUE = "SELECT MIN(due_us) FROM ticket WHERE due_us IS NOT NULL";
    TICKET_CAME_BACK =
        "SELECT 1 FROM ticket WHERE customer_code = $1 AND topic = $2 AND id <> $3 AND opened_us > $4 AND opened_us <= $5
             AND merged_into IS NULL LIMIT 1";
    TICKET_CHILDREN = "SELECT id FROM ticket WHERE parent = $1 ORDER BY id LIMIT $2";
    TICKET_MERGED_INTO = "SELECT merged_into FROM ticket WHERE id = $1";
    TICKET_DEADLINE = concat!("SELECT * FROM (SELECT ", columns!(), " FROM ticket WHERE ticket.deadline_us IS NOT NULL AND ticket.deadline_us >= $19 AND (ticket.deadline_us > $19 OR ticket.id > $1) AND (ticket.id < $2) IS TRUE ", passes!(), " ORDER BY ticket.deadline_us, ticket.id LIMIT 101) AS page LIMIT $11");
    TICKET_TEAM_DEADLINE = concat!("SELECT * FROM (SELECT ", columns!(), " FROM ticket WHERE ticket.team = $20 AND ticket.deadline_us IS NOT NULL AND ticket.deadline_us >= $19 AND (ticket.deadline_us > $19 OR ticket.id > $1) AND (ticket.id < $2) IS TRUE ", passes!(), " ORDER BY ticket.deadline_us, ticket.id LIMIT 101) AS page LIMIT $11");
    TICKET_WORDS_DEADLINE = concat!("SELECT ", columns!(), " FROM ticket WHERE {words:$20} AND (ticket.deadline_us >= $19) IS TRUE AND (ticket.deadline_us > $19 OR ticket.id > $1) IS TRUE AND (ticket.id < $2) IS TRUE ", filters!(), " ORDER BY ticket.deadline_us, ticket.id LIMIT $11");
    TIMELINE_INSERT [ticket_id Uuid, id Uuid, at_us Int, kind Int, visibility Int, author Text, text Text, state Int] =
        "INSERT INTO timeline (ticket_id, id, at_us, kind, visibility, author, text, state)
         SELECT ticket_id, id, at_us, kind, visibility, author, text, state FROM v WHERE true";
    TICKET_LOCK [id Uuid] = concat!("SELECT ", columns!(), " FROM ticket JOIN v ON v.id = ticket.id ORDER BY ticket.id {lock:ticket}");
    TICKET_BY_ID = concat!("SELECT ", columns!(), " FROM ticket WHERE ticket.id = $1");
    TICKET_BY_NUMBER = concat!("SELECT ", columns!(), " FROM ticket WHERE ticket.number = $1");
    TICKET_ID_OF = "SELECT id, prefix FROM ticket WHERE number = $1";
    TIMELINE_OF = "SELECT id, at_us, kind, visibility, author, text, state FROM timeline WHERE ticket_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    TICKET_NEWEST = concat!("SELECT * FROM (SELECT ", columns!(), " FROM ticket WHERE ticket.id < $1 AND ticket.id > $2 ", passes!(), " ORDER BY ticket.id DESC LIMIT 101) AS page LIMIT $11");
    TICKET_OLDEST = concat!("SELECT * FROM (SELECT ", columns!(), " FROM ticket WHERE ticket.id > $1 AND ticket.id < $2 ", passes!(), " ORDER BY ticket.id LIMIT 101) AS page LIMIT $11");
    TICKET_STATE_NEWEST = concat!("SELECT * FROM (SELECT ", columns!(), " FROM ticket WHERE ticket.state = $19 AND ticket.id < $1 AND ticket.id > $2 ", passes!(), " ORDER BY ticket.id DESC LIMIT 101) AS page LIMIT $11");
    TICKET_STATE_OLDEST = concat!("SELECT * FROM (SELECT ", columns!(), " FROM ticket WHERE ticket.state = $19 AND ticket.id > $1 AND ticket.id < $2 ", passes!(), " ORDER BY ticket.id LIMIT 101) AS page LIMIT $11");
    TICKET_CUSTOMER = concat!("SELECT * FROM (SELECT ", columns!(), " FROM ticket WHERE ticket.customer_code = $19 AND ticket.id < $1 AND ticket.id > $2 ", passes!(), " ORDER BY ticket.id DESC LIMIT 101) AS page LIMIT $11");
    TICKET_ASSIGNEE = concat!("SELECT * FROM (SELECT ", columns!(), " FROM ticket WHERE ticket.assignee = $19 AND ticket.id < $1 AND ticket.id > $2 ", passes!(), " ORDER BY ticket.id DESC LIMIT 101) AS page LIMIT $11");
    TICKET_CUSTOMER_OLDEST = concat!("SELECT * FROM (SELECT ", columns!(), " FROM ticket WHERE ticket.customer_code = $19 AND ticket.id > $1 AND ticket.id < $2 ", passes!(), " ORDER BY ticket.id LIMIT 101) AS page LIMIT $11");
    TICKET_ASSIGNEE_OLDEST = concat!("SELECT * FROM (SELECT ", columns!(), " FROM ticket WHERE ticket.assignee = $19 AND ticket.id > $1 AND ticket.id < $2 ", passes!(), " ORDER BY ticket.id LIMIT 101) AS page LIMIT $11");
    TICKET_CUSTOMER_UPDATED = concat!("SELECT ", columns!(), " FROM ticket WHERE ticket.customer_code = $20 AND (ticket.updated_us <= $19) IS TRUE AND (ticket.updated_us < $19 OR ticket.id < $1) IS TRUE AND (ticket.id > $2) IS TRUE ", filters!(), " ORDER BY ticket.updated_us DESC, ticket.id DESC LIMIT $11");
    TICKET_ASSIGNEE_UPDATED = concat!("SELECT ", columns!(), " FROM ticket WHERE ticket.assignee = $20 AND (ticket.updated_us <= $19) IS TRUE AND (ticket.updated_us < $19 OR ticket.id < $1) IS TRUE AND (ticket.id > $2) IS TRUE ", filters!(), " ORDER BY ticket.updated_us DESC, ticket.id DESC LIMIT $11");
    TICKET_CUSTOMER_DEADLINE = concat!("SELECT ", columns!(), " FROM ticket WHERE ticket.customer_code = $20 AND (ticket.deadline_us >= $19) IS TRUE AND (ticket.deadline_us > $19 OR ticket.id > $1) IS TRUE AND (ticket.id < $2) IS TRUE ", filters!(), " ORDER BY ticket.deadline_us, ticket.id LIMIT $11");
    TICKET_ASSIGNEE_DEADLINE = concat!("SELECT ", columns!(), " FROM ticket WHERE ticket.assignee = $20 AND (ticket.deadline_us >= $19) IS TRUE AND (ticket.deadline_us > $19 OR ticket.id > $1) IS TRUE AND (ticket.id < $2) IS TRUE ", filters!(), " ORDER BY ticket.deadline_us, ticket.id LIMIT $11");
    // The inner limit is that of a slice, as a number: a plan is made once, and of a limit that it does not know the planner
    // supposes a tenth of the table. One that may be a thousand already makes it sort a whole agent's or team's tickets.
    // `IS TRUE` hides a condition from the choice of an index: a plan is made once for all values (see `db.rs`), and a span of
    // ids looks narrow to it where it is everything.
    TICKET_UPDATED = concat!("SELECT * FROM (SELECT ", columns!(), " FROM ticket WHERE ticket.updated_us <= $19 AND (ticket.updated_us < $19 OR ticket.id < $1) AND (ticket.id > $2) IS TRUE ", passes!(), " ORDER BY ticket.updated_us DESC, ticket.id DESC LIMIT 101) AS page LIMIT $11");
    TICKET_WORDS_NEWEST = concat!("SELECT ", columns!(), " FROM ticket WHERE {words:$19} AND (ticket.id < $1) IS TRUE AND (ticket.id > $2) IS TRUE ", filters!(), " ORDER BY ticket.id DESC LIMIT $11");
    TICKET_WORDS_OLDEST = concat!("SELECT ", columns!(), " FROM ticket WHERE {words:$19} AND (ticket.id > $1) IS TRUE AND (ticket.id < $2) IS TRUE ", filters!(), " ORDER BY ticket.id LIMIT $11");
    TICKET_WORDS_UPDATED = concat!("SELECT ", columns!(), " FROM ticket WHERE {words:$20} AND (ticket.updated_us <= $19) IS TRUE AND (ticket.updated_us < $19 OR ticket.id < $1) IS TRUE AND (ticket.id > $2) IS TRUE ", filters!(), " ORDER BY ticket.updated_us DESC, ticket.id DESC LIMIT $11");
    TICKET_PAGE = concat!("SELECT ", columns!(), " FROM ticket WHERE ticket.id > $1 ORDER BY ticket.id LIMIT $2");
    // How many of the thousand nearest to where a page begins have these words.
    TICKET_NEAR_NEWEST = concat!("SELECT COUNT(*) FROM (SELECT words FROM ticket WHERE id < $1 ORDER BY id DESC LIMIT 1000) AS near ", has!());
    TICKET_NEAR_OLDEST = concat!("SELECT COUNT(*) FROM (SELECT words FROM ticket WHERE id > $1 ORDER BY id LIMIT 1000) AS near ", has!());
    TICKET_HITS = "SELECT COUNT(*) FROM ({hits:$1} LIMIT $2) AS hits";
    REFERENCE_BLOCK = "UPDATE reference_block SET next = next + $1 WHERE one = 1 RETURNING next";
}

/// Numbers of tickets taken from the database in blocks; what a process does not use is a gap.
#[derive(Default)]
pub struct Blocks(Mutex<std::ops::Range<i64>>);

const BLOCK: i64 = 1_000;

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    OpenedDesc,
    /// Oldest first.
    OpenedAsc,
    /// Last changed first.
    UpdatedDesc,
    /// Soonest deadline first; those without one are left out.
    DeadlineAsc,
}

impl Order {
    const fn rises(self) -> bool {
        matches!(self, Self::OpenedAsc | Self::DeadlineAsc)
    }

    /// The place behind a ticket.
    #[must_use]
    pub fn after(self, last: &Ticket) -> After {
        let key_us = match self {
            Self::UpdatedDesc => last.updated_at.as_microsecond(),
            Self::DeadlineAsc => last.deadline_us.unwrap_or(i64::MAX),
            Self::OpenedDesc | Self::OpenedAsc => 0,
        };
        After { id: last.id, key_us }
    }
}

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// The last ticket's id.
    pub id: Uuid,
    /// What the order goes by, unless by id: its time of change, or its deadline; microseconds since 1970.
    pub key_us: i64,
}

/// What a list asks for. Empty sets mean all.
#[derive(Debug, Clone, Default)]
pub struct TicketQuery {
    /// States.
    pub states: Vec<State>,
    /// Priorities.
    pub priorities: Vec<Priority>,
    /// Topics.
    pub topics: Vec<Topic>,
    /// Channels.
    pub channels: Vec<Channel>,
    /// Who works on it.
    pub assignee: Option<String>,
    /// Whose it is.
    pub customer_code: Option<String>,
    /// Opened at or after, microseconds since 1970.
    pub opened_from_us: Option<i64>,
    /// Opened before, microseconds since 1970.
    pub opened_until_us: Option<i64>,
    /// Folded words, the last a prefix.
    pub words: Vec<String>,
    /// Whose queue.
    pub team: Option<String>,
    /// Nobody has it.
    pub unassigned: bool,
    /// Codes of categories.
    pub categories: Vec<String>,
}

impl TicketQuery {
    /// Whether a ticket passes every filter but the words.
    #[must_use]
    pub fn admits(&self, t: &Ticket) -> bool {
        let opened = t.opened_at.as_microsecond();
        (self.states.is_empty() || self.states.contains(&t.state))
            && (self.priorities.is_empty() || self.priorities.contains(&t.priority))
            && (self.topics.is_empty() || self.topics.contains(&t.topic))
            && (self.channels.is_empty() || self.channels.contains(&t.channel))
            && (self.assignee.is_none() || self.assignee == t.assignee)
            && self
                .customer_code
                .as_deref()
                .is_none_or(|code| t.customer_code.as_ref().is_some_and(|c| c.as_str() == code))
            && self.opened_from_us.is_none_or(|from| opened >= from)
            && self.opened_until_us.is_none_or(|until| opened < until)
            && (self.team.is_none() || self.team == t.team)
            && (!self.unassigned || t.assignee.is_none())
            && (self.categories.is_empty() || self.categories.contains(&t.category))
    }
}

fn mask(numbers: impl ExactSizeIterator<Item = i64>) -> i64 {
    if numbers.len() == 0 { i64::MAX } else { numbers.fold(0, |mask, n| mask | (1 << n)) }
}

/// A word that so many tickets have is common.
const COMMON: i64 = 10_000;
/// So is one that so many of the thousand nearest to where a page begins have: a page is full after a few hundred more.
const COMMON_NEAR: i64 = 100;
/// Tickets that an ordered list reads at once; a longer page is read in several.
const SLICE: usize = 101;
/// Words that a list can look for in each ticket at most.
const PATTERNS: usize = 4;

/// What the column of words is like when it holds a word; the last is a prefix. Words have no character that LIKE minds.
fn patterns(words: &[String]) -> [Option<String>; PATTERNS] {
    let last = words.len().saturating_sub(1);
    let pattern = |i: usize| Some(format!("% {}{}", words.get(i)?, if i == last { "%" } else { " %" }));
    std::array::from_fn(pattern)
}

/// What all statements of lists have in common.
struct Terms<'a> {
    query: &'a TicketQuery,
    order: Order,
    first: Uuid,
    second: Uuid,
    key_us: i64,
    limit: usize,
    /// Filled where words are looked for in each ticket.
    patterns: [Option<String>; PATTERNS],
    categories: Option<String>,
}

impl<'a> Terms<'a> {
    fn of(query: &'a TicketQuery, order: Order, after: Option<After>, limit: usize, look: bool) -> Self {
        let (floor, ceiling) = (Uuid::nil(), Uuid::max());
        let (first, second) = match (after, order.rises()) {
            (Some(after), true) => (after.id, ceiling),
            (Some(after), false) => (after.id, floor),
            (None, true) => (floor, ceiling),
            (None, false) => (ceiling, floor),
        };
        let edge = if order == Order::DeadlineAsc { i64::MIN } else { i64::MAX };
        Self {
            query,
            order,
            first,
            second,
            key_us: after.map_or(edge, |after| after.key_us),
            limit,
            patterns: if look { patterns(&query.words) } else { Default::default() },
            categories: (!query.categories.is_empty()).then(|| format!("|{}|", query.categories.join("|"))),
        }
    }

    /// The values of a statement: `$1` to `$18`, then its own.
    fn with(&self, states: &[State], more: Vec<Value>) -> Vec<Value> {
        let query = self.query;
        let mut values = values![
            self.first,
            self.second,
            mask(states.iter().map(|s| s.number())),
            mask(query.priorities.iter().map(|p| p.number())),
            mask(query.topics.iter().map(|t| t.number())),
            mask(query.channels.iter().map(|c| c.number())),
            query.assignee.as_deref(),
            query.customer_code.as_deref(),
            query.opened_from_us.unwrap_or(i64::MIN),
            query.opened_until_us.unwrap_or(i64::MAX),
            i64::try_from(self.limit).unwrap_or(i64::MAX),
            query.team.as_deref(),
            i64::from(query.unassigned),
            self.categories.as_deref(),
        ];
        values.extend(self.patterns.iter().map(|pattern| Value::from(pattern.as_deref())));
        values.extend(more);
        values
    }
}

/// The statement that sorts all tickets of a customer, or else of an agent, and whose they are: some thousands at most, where
/// an order's own index would be walked through everybody's until a page is full.
fn sorted(query: &TicketQuery, order: Order) -> Option<(&'static Statement, &str)> {
    match (order, query.customer_code.as_deref(), query.assignee.as_deref()) {
        (Order::UpdatedDesc, Some(code), _) => Some((&TICKET_CUSTOMER_UPDATED, code)),
        (Order::UpdatedDesc, None, Some(who)) => Some((&TICKET_ASSIGNEE_UPDATED, who)),
        (Order::DeadlineAsc, Some(code), _) => Some((&TICKET_CUSTOMER_DEADLINE, code)),
        (Order::DeadlineAsc, None, Some(who)) => Some((&TICKET_ASSIGNEE_DEADLINE, who)),
        _ => None,
    }
}

/// The words by which a ticket is found.
///
/// Reference and customer code are not among them: they have indexes of their own, and would be most of the words.
pub(crate) fn words(ticket: &Ticket) -> String {
    let texts = [
        ticket.subject.as_str(),
        ticket.description.as_str(),
        ticket.requester_name.as_deref().unwrap_or_default(),
        ticket.requester_contact_point.as_deref().unwrap_or_default(),
    ];
    text::search_column(&texts)
}

fn row_of(TicketWrite { ticket: t, words, clocks, .. }: &TicketWrite) -> Vec<Value> {
    let us = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
    values![
        t.id,
        i64::try_from(t.reference.number()).unwrap_or(i64::MAX),
        t.reference.prefix(),
        t.version,
        t.state.number(),
        t.priority.number(),
        t.topic.number(),
        t.channel.number(),
        t.subject.as_str(),
        t.description.as_str(),
        t.customer_code.as_ref().map(CustomerCode::as_str),
        t.requester_name.as_deref(),
        t.requester_contact_point.as_deref(),
        t.province.as_deref(),
        t.assignee.as_deref(),
        t.opened_at.as_microsecond(),
        t.updated_at.as_microsecond(),
        us(t.resolved_at),
        us(t.closed_at),
        words.as_str(),
        t.category.as_str(),
        t.locality.map(Locality::number),
        t.team.as_deref(),
        t.standard.as_str(),
        clocks.as_str(),
        t.due_us,
        t.deadline_us,
        us(t.event_at),
        us(t.first_response_at),
        t.parent,
        t.merged_into,
        t.satisfaction,
        us(t.rated_at),
        t.repetition.map(Repetition::number),
    ]
}

pub(crate) fn ticket(row: &Row) -> Result<Ticket, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt { table: "ticket", what: what.to_owned() };
    let at = |us: i64| Timestamp::from_microsecond(us).map_err(|e| corrupt(&e.to_string()));
    Ok(Ticket {
        id: row.uuid(0)?,
        reference: Reference::new(row.text(2)?, u64::try_from(row.int(1)?).map_err(|_| corrupt("negative number"))?)
            .map_err(|e| corrupt(&e.to_string()))?,
        version: row.int(3)?,
        state: State::from_number(row.int(4)?).ok_or_else(|| corrupt("unknown state"))?,
        priority: Priority::from_number(row.int(5)?).ok_or_else(|| corrupt("unknown priority"))?,
        topic: Topic::from_number(row.int(6)?).ok_or_else(|| corrupt("unknown topic"))?,
        channel: Channel::from_number(row.int(7)?).ok_or_else(|| corrupt("unknown channel"))?,
        subject: row.text(8)?,
        description: row.text(9)?,
        customer_code: match row.text_or_null(10)? {
            Some(code) => Some(CustomerCode::parse(&code).map_err(|_| corrupt("malformed customer code"))?),
            None => None,
        },
        requester_name: row.text_or_null(11)?,
        requester_contact_point: row.text_or_null(12)?,
        province: row.text_or_null(13)?,
        assignee: row.text_or_null(14)?,
        opened_at: at(row.int(15)?)?,
        updated_at: at(row.int(16)?)?,
        resolved_at: row.int_or_null(17)?.map(at).transpose()?,
        closed_at: row.int_or_null(18)?.map(at).transpose()?,
        category: row.text(19)?,
        locality: row.int_or_null(20)?.and_then(Locality::from_number),
        team: row.text_or_null(21)?,
        standard: row.text(22)?,
        clocks: Clocks::decode(&row.text(23)?).map_err(|e| corrupt(&e.to_string()))?,
        due_us: row.int_or_null(24)?,
        deadline_us: row.int_or_null(25)?,
        event_at: row.int_or_null(26)?.map(at).transpose()?,
        first_response_at: row.int_or_null(27)?.map(at).transpose()?,
        parent: row.uuid_or_null(28)?,
        merged_into: row.uuid_or_null(29)?,
        satisfaction: row.int_or_null(30)?,
        rated_at: row.int_or_null(31)?.map(at).transpose()?,
        repetition: row.int_or_null(32)?.and_then(Repetition::from_number),
    })
}

fn entry(row: &Row) -> Result<TimelineEntry, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt { table: "timeline", what: what.to_owned() };
    Ok(TimelineEntry {
        id: row.uuid(0)?,
        at: Timestamp::from_microsecond(row.int(1)?).map_err(|e| corrupt(&e.to_string()))?,
        kind: TimelineKind::from_number(row.int(2)?).ok_or_else(|| corrupt("unknown kind"))?,
        visibility: Visibility::from_number(row.int(3)?).ok_or_else(|| corrupt("unknown visibility"))?,
        author: row.text(4)?,
        text: row.text(5)?,
        state: row.int_or_null(6)?.and_then(State::from_number),
    })
}

pub(crate) async fn insert(tx: &mut Tx, writes: &[&TicketWrite]) -> Result<(), StoreError> {
    let mut rows = Rows::of(&TICKET_INSERT, writes.len());
    for write in writes {
        rows.push(row_of(write));
    }
    tx.execute_rows(&TICKET_INSERT, rows).await.map(drop)
}

/// Writes what may change of tickets, each with its clocks as they are stored.
pub(crate) async fn update<'t>(
    tx: &mut Tx,
    tickets: impl ExactSizeIterator<Item = (&'t Ticket, &'t str)>,
) -> Result<(), StoreError> {
    let mut rows = Rows::of(&TICKET_UPDATE, tickets.len());
    for (t, clocks) in tickets {
        let us = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
        rows.push(values![
            t.id,
            t.version,
            t.state.number(),
            t.priority.number(),
            t.topic.number(),
            t.assignee.as_deref(),
            t.updated_at.as_microsecond(),
            us(t.resolved_at),
            us(t.closed_at),
            t.category.as_str(),
            t.locality.map(Locality::number),
            t.team.as_deref(),
            t.standard.as_str(),
            clocks,
            t.due_us,
            t.deadline_us,
            us(t.event_at),
            us(t.first_response_at),
            t.parent,
            t.merged_into,
            t.satisfaction,
            us(t.rated_at),
            t.repetition.map(Repetition::number),
        ]);
    }
    tx.execute_rows(&TICKET_UPDATE, rows).await.map(drop)
}

pub(crate) async fn add_entries(tx: &mut Tx, entries: &[(Uuid, &TimelineEntry)]) -> Result<(), StoreError> {
    let mut rows = Rows::of(&TIMELINE_INSERT, entries.len());
    for (ticket_id, e) in entries {
        rows.push(values![
            *ticket_id,
            e.id,
            e.at.as_microsecond(),
            e.kind.number(),
            e.visibility.number(),
            e.author.as_str(),
            e.text.as_str(),
            e.state.map(State::number),
        ]);
    }
    tx.execute_rows(&TIMELINE_INSERT, rows).await.map(drop)
}

/// Reads tickets and locks them, in the order of their ids.
pub(crate) async fn lock(tx: &mut Tx, ids: impl ExactSizeIterator<Item = Uuid>) -> Result<Vec<Ticket>, StoreError> {
    let mut rows = Rows::of(&TICKET_LOCK, ids.len());
    for id in ids {
        rows.push(values![id]);
    }
    tx.fetch_rows(&TICKET_LOCK, rows).await?.iter().map(ticket).collect()
}

/// A page of all tickets in the order of their ids, for a snapshot.
pub(crate) async fn page_in(tx: &mut Tx, after: Uuid, limit: i64) -> Result<Vec<Ticket>, StoreError> {
    tx.fetch(&TICKET_PAGE, values![after, limit]).await?.iter().map(ticket).collect()
}

impl NodeStore {
    /// The next ticket number of this node; unique in its database, with gaps.
    pub async fn next_number(&self) -> Result<u64, StoreError> {
        let mut block = self.blocks.0.lock().await;
        if block.is_empty() {
            let mut tx = self.db.begin().await?;
            let row = tx.fetch_one(&REFERENCE_BLOCK, values![BLOCK]).await?;
            let corrupt = || StoreError::Corrupt { table: "reference_block", what: "the one row is missing".into() };
            let next = row.ok_or_else(corrupt)?.int(0)?;
            tx.commit().await?;
            *block = next - BLOCK..next;
        }
        let number = block.start;
        block.start += 1;
        Ok(u64::try_from(number).unwrap_or(u64::MAX))
    }

    /// A ticket by its id.
    pub async fn ticket(&self, id: Uuid) -> Result<Option<Ticket>, StoreError> {
        self.db.fetch_one(&TICKET_BY_ID, values![id]).await?.as_ref().map(ticket).transpose()
    }

    /// A ticket with the newest entries of its timeline, as of one moment.
    pub async fn ticket_with_timeline(
        &self,
        id: Uuid,
        limit: i64,
    ) -> Result<Option<(Ticket, Vec<TimelineEntry>)>, StoreError> {
        let mut tx = self.db.snapshot().await?;
        let Some(row) = tx.fetch_one(&TICKET_BY_ID, values![id]).await? else { return Ok(None) };
        let timeline = tx.fetch(&TIMELINE_OF, values![id, Uuid::max(), limit]).await?;
        Ok(Some((ticket(&row)?, timeline.iter().map(entry).collect::<Result<_, _>>()?)))
    }

    /// A ticket by its reference.
    pub async fn ticket_by_reference(&self, reference: &Reference) -> Result<Option<Ticket>, StoreError> {
        let number = i64::try_from(reference.number()).unwrap_or(i64::MAX);
        let found = self.db.fetch_one(&TICKET_BY_NUMBER, values![number]).await?.as_ref().map(ticket).transpose()?;
        Ok(found.filter(|t| t.reference == *reference))
    }

    /// The id behind a reference.
    pub async fn ticket_id(&self, reference: &Reference) -> Result<Option<Uuid>, StoreError> {
        let number = i64::try_from(reference.number()).unwrap_or(i64::MAX);
        let Some(row) = self.db.fetch_one(&TICKET_ID_OF, values![number]).await? else { return Ok(None) };
        Ok((row.text(1)? == reference.prefix()).then_some(row.uuid(0)?))
    }

    /// The newest entries of a ticket's timeline.
    pub async fn timeline(&self, id: Uuid, limit: i64) -> Result<Vec<TimelineEntry>, StoreError> {
        self.timeline_before(id, Uuid::max(), limit).await
    }

    /// The newest of those entries of a ticket's timeline that are older than this one.
    pub async fn timeline_before(&self, id: Uuid, before: Uuid, limit: i64) -> Result<Vec<TimelineEntry>, StoreError> {
        self.db.fetch(&TIMELINE_OF, values![id, before, limit]).await?.iter().map(entry).collect()
    }

    /// A page of tickets. The narrowest filter chooses the index.
    pub async fn tickets(
        &self,
        query: &TicketQuery,
        order: Order,
        after: Option<After>,
        limit: usize,
    ) -> Result<Vec<Ticket>, StoreError> {
        self.tickets_of_words(query, order, after, limit, COMMON).await
    }

    /// The same; words that at least `common` tickets have are looked for in each ticket.
    pub async fn tickets_of_words(
        &self,
        query: &TicketQuery,
        order: Order,
        after: Option<After>,
        limit: usize,
        common: i64,
    ) -> Result<Vec<Ticket>, StoreError> {
        let common = !query.words.is_empty() && self.is_common(query, order, after, common).await?;
        if !query.words.is_empty() && !common {
            let words = self.db.words_query(&query.words);
            let terms = Terms::of(query, order, after, limit, false);
            return match order {
                Order::OpenedDesc => self.list(&TICKET_WORDS_NEWEST, terms.with(&query.states, values![words])).await,
                Order::OpenedAsc => self.list(&TICKET_WORDS_OLDEST, terms.with(&query.states, values![words])).await,
                Order::UpdatedDesc => {
                    self.list(&TICKET_WORDS_UPDATED, terms.with(&query.states, values![terms.key_us, words])).await
                }
                Order::DeadlineAsc => {
                    self.list(&TICKET_WORDS_DEADLINE, terms.with(&query.states, values![terms.key_us, words])).await
                }
            };
        }
        if let Some((statement, owner)) = sorted(query, order) {
            let terms = Terms::of(query, order, after, limit, common);
            return self.list(statement, terms.with(&query.states, values![terms.key_us, owner])).await;
        }
        let mut page: Vec<Ticket> = Vec::new();
        let mut after = after;
        while page.len() < limit {
            let wanted = SLICE.min(limit - page.len());
            let slice = self.slice(&Terms::of(query, order, after, wanted, common)).await?;
            let full = slice.len() == wanted;
            page.extend(slice);
            match page.last() {
                Some(last) if full => after = Some(order.after(last)),
                _ => break,
            }
        }
        Ok(page)
    }

    /// As much of a page as is read at once, in the order of an index.
    async fn slice(&self, terms: &Terms<'_>) -> Result<Vec<Ticket>, StoreError> {
        let (query, states) = (terms.query, terms.query.states.as_slice());
        match (terms.order, &query.customer_code, &query.assignee) {
            (Order::UpdatedDesc, ..) => self.list(&TICKET_UPDATED, terms.with(states, values![terms.key_us])).await,
            (Order::DeadlineAsc, ..) => match &query.team {
                Some(team) => {
                    self.list(&TICKET_TEAM_DEADLINE, terms.with(states, values![terms.key_us, team.as_str()])).await
                }
                None => self.list(&TICKET_DEADLINE, terms.with(states, values![terms.key_us])).await,
            },
            (Order::OpenedDesc, Some(code), _) => {
                self.list(&TICKET_CUSTOMER, terms.with(states, values![code.as_str()])).await
            }
            (Order::OpenedDesc, None, Some(who)) => {
                self.list(&TICKET_ASSIGNEE, terms.with(states, values![who.as_str()])).await
            }
            (Order::OpenedAsc, Some(code), _) => {
                self.list(&TICKET_CUSTOMER_OLDEST, terms.with(states, values![code.as_str()])).await
            }
            (Order::OpenedAsc, None, Some(who)) => {
                self.list(&TICKET_ASSIGNEE_OLDEST, terms.with(states, values![who.as_str()])).await
            }
            _ if states.is_empty() => {
                let statement = if terms.order.rises() { &TICKET_OLDEST } else { &TICKET_NEWEST };
                self.list(statement, terms.with(states, vec![])).await
            }
            _ => {
                // One ordered read per state, merged: each is served by the index of states.
                let rising = terms.order.rises();
                let statement = if rising { &TICKET_STATE_OLDEST } else { &TICKET_STATE_NEWEST };
                let mut merged = Vec::new();
                for state in states {
                    merged.extend(self.list(statement, terms.with(&[*state], values![state.number()])).await?);
                }
                merged.sort_by(|a, b| if rising { a.id.cmp(&b.id) } else { b.id.cmp(&a.id) });
                merged.dedup_by_key(|t| t.id);
                merged.truncate(terms.limit);
                Ok(merged)
            }
        }
    }

    /// Whether so many tickets have these words that reading in order and looking at each ticket finds a page sooner than
    /// sorting all hits does. Where a page begins, a look at its neighbours says so sooner than any index.
    async fn is_common(
        &self,
        query: &TicketQuery,
        order: Order,
        after: Option<After>,
        common: i64,
    ) -> Result<bool, StoreError> {
        if query.words.len() > PATTERNS {
            return Ok(false);
        }
        let count = |row: Option<Row>| Ok::<_, StoreError>(row.map(|row| row.int(0)).transpose()?.unwrap_or(0));
        let near = match order {
            Order::OpenedDesc => Some((&TICKET_NEAR_NEWEST, Uuid::max())),
            Order::OpenedAsc => Some((&TICKET_NEAR_OLDEST, Uuid::nil())),
            Order::UpdatedDesc | Order::DeadlineAsc => None,
        };
        if let Some((statement, edge)) = near {
            let mut values = values![after.map_or(edge, |after| after.id)];
            values.extend(patterns(&query.words).map(|pattern| Value::from(pattern.as_deref())));
            if count(self.db.fetch_one(statement, values).await?)? >= COMMON_NEAR {
                return Ok(true);
            }
        }
        let hits = values![self.db.words_query(&query.words), common];
        Ok(count(self.db.fetch_one(&TICKET_HITS, hits).await?)? >= common)
    }

    async fn list(&self, statement: &'static Statement, values: Vec<Value>) -> Result<Vec<Ticket>, StoreError> {
        self.db.fetch(statement, values).await?.iter().map(ticket).collect()
    }
}
