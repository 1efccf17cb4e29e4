//! The hottest path: a batch of nothing but openings. On Postgres it is one statement, so that a batch is one round trip
//! and the feed's lock is held for it alone. `SQLite` has no writing CTE, and no round trips to save.

use std::collections::HashSet;

use gridcare_domain::{customer_code::CustomerCode, feed::Kind, ticket::State};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    StoreError,
    db::Db,
    request::Request,
    statement::{Rows, row, statements},
    writer::TicketWrite,
};

statements! {
    OPENING [key Uuid, body Uuid, response Blob, batch_id Uuid, now_us Int, payload Blob, feed_key Text,
             id Uuid, number Int, prefix Text, version Int, state Int, priority Int, topic Int, channel Int,
             subject Text, description Text, customer_code Text, requester_name Text, requester_contact_point Text,
             province Text, assignee Text, opened_us Int, updated_us Int, resolved_us Int, closed_us Int, words Text,
             entry_id Uuid, at_us Int, kind Int, visibility Int, author Text, said Text, then_state Int] =
        ", asked AS (
             INSERT INTO request (key, body, created_us, response) SELECT key, body, now_us, response FROM v
             ON CONFLICT (key) DO NOTHING RETURNING key),
         fresh AS (SELECT v.*, row_number() OVER (ORDER BY v.key) AS place FROM v JOIN asked ON asked.key = v.key),
         opened AS (
             INSERT INTO ticket (id, number, prefix, version, state, priority, topic, channel, subject, description, customer_code,
                 requester_name, requester_contact_point, province, assignee, opened_us, updated_us, resolved_us, closed_us, words)
             SELECT id, number, prefix, version, state, priority, topic, channel, subject, description, customer_code,
                 requester_name, requester_contact_point, province, assignee, opened_us, updated_us, resolved_us, closed_us, words
             FROM fresh),
         told AS (
             INSERT INTO timeline (ticket_id, id, at_us, kind, visibility, author, text, state)
             SELECT id, entry_id, at_us, kind, visibility, author, said, then_state FROM fresh),
         head AS (UPDATE feed_head SET position = position + (SELECT COUNT(*) FROM fresh) WHERE one = 1 RETURNING position),
         fed AS (
             INSERT INTO feed (position, batch_id, committed_us, kind, key, version, payload)
             SELECT head.position - (SELECT COUNT(*) FROM fresh) + fresh.place, fresh.batch_id, fresh.now_us, 1, fresh.feed_key,
                 fresh.version, fresh.payload FROM fresh CROSS JOIN head)
         SELECT key FROM asked";
}

// The statement's text says it with a number.
const _: () = assert!(Kind::Ticket as i64 == 1);

/// Opens tickets and commits; returns the keys of the requests that were new. The others have written nothing.
pub(crate) async fn commit(
    db: &Db,
    batch_id: Uuid,
    now_us: i64,
    writes: &[(Request, &TicketWrite)],
) -> Result<HashSet<Uuid>, StoreError> {
    let mut rows = Rows::of(&OPENING, writes.len());
    for (request, TicketWrite { ticket: t, words, entry, change, response }) in writes {
        rows.push(row![
            request.key,
            request.body,
            response.as_slice(),
            batch_id,
            now_us,
            change.payload.as_slice(),
            change.key.as_str(),
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
            t.resolved_at.map(Timestamp::as_microsecond),
            t.closed_at.map(Timestamp::as_microsecond),
            words.as_str(),
            entry.id,
            entry.at.as_microsecond(),
            entry.kind.number(),
            entry.visibility.number(),
            entry.author.as_str(),
            entry.text.as_str(),
            entry.state.map(State::number),
        ]);
    }
    db.commit_rows(&OPENING, rows).await?.iter().map(|row| row.uuid(0)).collect()
}
