//! The hottest path: a batch of nothing but openings. On Postgres it is one statement, so that a batch is one round trip
//! and the feed's lock is held for its end alone. `SQLite` has no writing CTE, and no round trips to save.

use gridcare_domain::{
    customer_code::CustomerCode,
    feed::Kind,
    standard::Locality,
    ticket::{TimelineKind, Visibility},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    StoreError,
    db::Db,
    request::Request,
    statement::{LentRows, lent, statements},
    writer::TicketWrite,
};

statements! {
    // What every opening has alike stands in the text, and is not sent with each: version 1, nothing resolved, the first entry.
    // All or nothing: if one of the requests was answered before, the index of them refuses the whole. The feed's one row comes last,
    // since its lock is held until the commit and the next batch waits for it: Postgres writes the others first because they are
    // counted. Each insertion has rows of its own columns: rows of all of them would be put together and taken apart for each.
    OPENING [key Uuid, body Uuid, response Blob, batch_id Uuid, now_us Int, payload Blob,
             id Uuid, number Int, prefix Text, state Int, priority Int, topic Int, channel Int,
             subject Text, description Text, customer_code Text, requester_name Text, requester_contact_point Text,
             province Text, assignee Text, opened_us Int, words Text, category Text, locality Int, team Text, standard Text,
             clocks Text, due_us Int, deadline_us Int, event_us Int,
             entry_id Uuid, author Text, said Text, place Int] =
        "WITH asked AS (
             INSERT INTO request (key, body, created_us, response)
             SELECT key, body, now_us, response FROM {rows:key body now_us response} RETURNING 1),
         opened AS (
             INSERT INTO ticket (id, number, prefix, version, state, priority, topic, channel, subject, description, customer_code,
                 requester_name, requester_contact_point, province, assignee, opened_us, updated_us, words, category, locality, team,
                 standard, clocks, due_us, deadline_us, event_us)
             SELECT id, number, prefix, 1, state, priority, topic, channel, subject, description, customer_code,
                 requester_name, requester_contact_point, province, assignee, opened_us, opened_us, words, category, locality, team,
                 standard, clocks, due_us, deadline_us, event_us
             FROM {rows:id number prefix state priority topic channel subject description customer_code requester_name \
             requester_contact_point province assignee opened_us words category locality team standard clocks due_us deadline_us \
             event_us} RETURNING 1),
         told AS (
             INSERT INTO timeline (ticket_id, id, at_us, kind, visibility, author, text, state)
             SELECT id, entry_id, opened_us, 1, 2, author, said, state
             FROM {rows:id entry_id opened_us author said state} RETURNING 1),
         head AS MATERIALIZED (
             SELECT feed_advance((SELECT COUNT(*) FROM asked)) AS position
             WHERE (SELECT COUNT(*) FROM asked) + (SELECT COUNT(*) FROM opened) + (SELECT COUNT(*) FROM told) > 0),
         fed AS (
             INSERT INTO feed (position, batch_id, committed_us, kind, key, version, payload)
             SELECT head.position - (SELECT COUNT(*) FROM asked) + v.place, v.batch_id, v.now_us, 1, CAST(v.id AS TEXT), 1, v.payload
             FROM {rows:place batch_id now_us id payload} CROSS JOIN head)
         SELECT position FROM head";
}

/// Whether it can be written by the statement: it is as every opening is.
pub(crate) fn is_plain(write: &TicketWrite) -> bool {
    let (t, entry) = (&write.ticket, &write.entry);
    let untouched = t.resolved_at.is_none()
        && t.closed_at.is_none()
        && t.first_response_at.is_none()
        && t.parent.is_none()
        && t.merged_into.is_none()
        && t.satisfaction.is_none()
        && t.repetition.is_none();
    let first = entry.kind == TimelineKind::Opened
        && entry.visibility == Visibility::Public
        && entry.state == Some(t.state)
        && entry.at == t.opened_at;
    untouched && first && t.version == 1 && t.updated_at == t.opened_at && write.more.is_empty()
}

// The statement's text says it with a number.
const _: () = assert!(Kind::Ticket as i64 == 1 && TimelineKind::Opened as i64 == 1 && Visibility::Public as i64 == 2);

/// Opens tickets and commits; or writes nothing and says so, if one of the requests is not new.
pub(crate) async fn commit(
    db: &Db,
    batch_id: Uuid,
    now_us: i64,
    writes: &[(Request, &TicketWrite)],
) -> Result<bool, StoreError> {
    let mut rows = LentRows::of(&OPENING, writes.len());
    for (place, (request, TicketWrite { ticket: t, words, clocks, entry, change, response, .. })) in
        (1_i64..).zip(writes)
    {
        rows.push(lent![
            request.key,
            request.body,
            response.as_slice(),
            batch_id,
            now_us,
            change.payload.as_slice(),
            t.id,
            i64::try_from(t.reference.number()).unwrap_or(i64::MAX),
            t.reference.prefix(),
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
            words.as_str(),
            t.category.as_str(),
            t.locality.map(Locality::number),
            t.team.as_deref(),
            t.standard.as_str(),
            clocks.as_str(),
            t.due_us,
            t.deadline_us,
            t.event_at.map(Timestamp::as_microsecond),
            entry.id,
            entry.author.as_str(),
            entry.text.as_str(),
            place,
        ]);
    }
    match db.commit_rows(&OPENING, rows).await {
        Ok(_) => Ok(true),
        Err(failure) if failure.is_repetition() => Ok(false),
        Err(failure) => Err(failure),
    }
}
