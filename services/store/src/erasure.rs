//! Erasing a customer: one transaction takes away what names the person and leaves what must be kept under a pseudonym; the
//! stored answers that carry the person's data are gone through afterwards, for as long as it takes.

use std::collections::{BTreeSet, HashSet};

use gridcare_domain::{
    customer::{ErasureReason, Traces, forget},
    customer_code::CustomerCode,
    feed::Change,
    metric::BucketKey,
    refusal::{Refusal, RefusalKind},
    ticket::Ticket,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Committed, NodeStore, StoreError,
    contact::{self, StoredContact},
    customer::{drop_parts, lock_head},
    customer_page::{self, StoredCustomer},
    db::Tx,
    delivery, feed, metric, notice, open311, question,
    request::{self, Request},
    statement::{Rows, Statement, row, statements, values},
    ticket,
    writer::Answer,
};

statements! {
    POINT_SHARED [value Text, code Text] =
        "SELECT customer_point.value FROM customer_point JOIN v ON v.value = customer_point.value
         WHERE customer_point.customer_code <> v.code";
    TICKET_ID_OF_CUSTOMER = "SELECT id FROM ticket WHERE customer_code = $1 ORDER BY id";
    // Of nobody's code, but with a number or an address in their texts.
    TICKET_SAYING =
        "SELECT ticket.id, ticket.requester_contact_point, ticket.requester_name, ticket.subject, ticket.description FROM ticket
         WHERE {words:$1} AND (ticket.customer_code IS NULL) IS TRUE";
    // Of nobody's code, and merged into one of these.
    TICKET_ENDED_IN [id Uuid] =
        "SELECT ticket.id FROM v JOIN ticket ON ticket.merged_into = v.id WHERE (ticket.customer_code IS NULL) IS TRUE";
    // Of nobody's code or number, and one of these was merged into it; with each ticket that was.
    TICKET_LIVES_IN [id Uuid] =
        "SELECT DISTINCT ticket.id, other.id FROM v JOIN ticket AS merged ON merged.id = v.id
         JOIN ticket ON ticket.id = merged.merged_into JOIN ticket AS other ON other.merged_into = ticket.id
         WHERE (ticket.customer_code IS NULL) IS TRUE AND (ticket.requester_contact_point IS NULL) IS TRUE";
    TICKET_ERASE [id Uuid, version Int, subject Text, customer_code Text, updated_us Int, words Text] =
        "UPDATE ticket SET version = v.version, subject = v.subject, description = '', customer_code = v.customer_code,
             requester_name = NULL, requester_contact_point = NULL, updated_us = v.updated_us, words = v.words
         FROM v WHERE ticket.id = v.id";
    TIMELINE_ERASE [ticket_id Uuid] = "UPDATE timeline SET text = '' FROM v WHERE timeline.ticket_id = v.ticket_id AND timeline.text <> ''";
    // Files are kept elsewhere, where whoever erases must remove them; here their names and places go.
    ATTACHMENT_ERASE [ticket_id Uuid] = "DELETE FROM ticket_attachment WHERE ticket_id IN (SELECT ticket_id FROM v)";
    TIMELINE_AUTHORS [ticket_id Uuid] =
        "SELECT DISTINCT timeline.ticket_id, timeline.author FROM timeline JOIN v ON v.ticket_id = timeline.ticket_id";
    TIMELINE_DISOWN [ticket_id Uuid, author Text] =
        "UPDATE timeline SET author = 'customer' FROM v WHERE timeline.ticket_id = v.ticket_id AND timeline.author = v.author";
    CONTACT_ERASE [id Uuid, customer_code Text] =
        "UPDATE contact SET version = contact.version + 1, customer_code = v.customer_code, contact_point = NULL, note = NULL
         FROM v WHERE contact.id = v.id";
    CUSTOMER_DROP = "DELETE FROM customer WHERE code = $1";
    ERASURE_OF = "SELECT erased_us, returned_us FROM customer_erasure WHERE pseudonym = $1";
    ERASURE_PUT =
        "INSERT INTO customer_erasure (pseudonym, erased_us, reason, by_whom) VALUES ($1, $2, $3, $4)
         ON CONFLICT (pseudonym) DO UPDATE SET erased_us = excluded.erased_us, reason = excluded.reason, by_whom = excluded.by_whom,
             returned_us = NULL, swept_us = NULL";
    ERASED_MORE = "UPDATE customer_head SET erased = erased + 1 WHERE one = 1";
    ERASURE_OPEN = "SELECT pseudonym, erased_us FROM customer_erasure WHERE swept_us IS NULL AND pseudonym > $1 ORDER BY pseudonym LIMIT $2";
    // Not when they were erased once more meanwhile.
    ERASURE_SWEPT = "UPDATE customer_erasure SET swept_us = $3 WHERE pseudonym = $1 AND erased_us = $2";
    REQUEST_SCAN = "SELECT key, response FROM request WHERE key > $1 ORDER BY key LIMIT $2";
    REQUEST_ERASE [key Uuid, response Blob] = "UPDATE request SET response = v.response FROM v WHERE request.key = v.key";
}

/// A deadlock or a race is run again this often.
const RETRIES: usize = 3;
/// Stored answers that are looked at together.
const PAGE: i64 = 1_000;

/// Whom to erase, why, and by whose decision.
#[derive(Debug, Clone)]
pub struct Erasure {
    /// The customer.
    pub code: CustomerCode,
    /// What stands for them from now on.
    pub pseudonym: CustomerCode,
    /// Why.
    pub reason: ErasureReason,
    /// Who decided.
    pub by: String,
    /// When.
    pub now: Timestamp,
    /// Names the commit batch of the feed.
    pub batch_id: Uuid,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// What stands for them from now on.
    pub pseudonym: CustomerCode,
    /// When, microseconds since 1970.
    pub erased_us: i64,
    /// Tickets that are kept.
    pub tickets: u32,
    /// Contacts that are kept.
    pub contacts: u32,
}

/// All that a node holds of one customer.
pub struct Traced {
    /// The customer, if stored.
    pub customer: Option<StoredCustomer>,
    /// Tickets, in the order of their ids: with the code, or of no code and with a number or an address of this customer alone;
    /// those of no code that were merged into one of these; and those of no code or number into which only such tickets were.
    pub tickets: Vec<Uuid>,
    /// Contacts, by the same rule.
    pub contacts: Vec<StoredContact>,
}

async fn trace(tx: &mut Tx, code: &CustomerCode) -> Result<(Traced, Traces), StoreError> {
    let customer = customer_page::find(tx, code).await?;
    let mut traces = Traces::of(code, customer.as_ref().map(|stored| &stored.customer));
    let mut rows = Rows::of(&POINT_SHARED, traces.points().len());
    for point in traces.points() {
        rows.push(row![point.as_str(), code.as_str()]);
    }
    for shared in tx.fetch_rows(&POINT_SHARED, rows).await? {
        traces.shared(&shared.text(0)?);
    }
    let own = tx.fetch(&TICKET_ID_OF_CUSTOMER, values![code.as_str()]).await?;
    let mut tickets = own.iter().map(|row| row.uuid(0)).collect::<Result<BTreeSet<_>, _>>()?;
    for words in traces.searches() {
        let query = tx.words_query(&words);
        for row in tx.fetch(&TICKET_SAYING, values![query]).await? {
            let point = row.text_or_null(1)?;
            let texts = [row.text_or_null(2)?.unwrap_or_default(), row.text(3)?, row.text(4)?];
            if traces.concerns(point.as_deref(), &texts.each_ref().map(String::as_str)) {
                tickets.insert(row.uuid(0)?);
            }
        }
    }
    add_merged(tx, &mut tickets).await?;
    let mut contacts = contact::of_customer(tx, code).await?;
    contacts.extend(contact::at_points(tx, &traces.point_spellings()).await?);
    contacts.sort_by_key(|stored| stored.arrival_no);
    Ok((Traced { customer, tickets: tickets.into_iter().collect(), contacts }, traces))
}

fn of_tickets(statement: &Statement, ids: &[Uuid]) -> Rows {
    let mut rows = Rows::of(statement, ids.len());
    for id in ids {
        rows.push(row![*id]);
    }
    rows
}

/// Adds the tickets that a merge made theirs: whoever merged one told whose it is. Each is found once, and so both ways end.
async fn add_merged(tx: &mut Tx, tickets: &mut BTreeSet<Uuid>) -> Result<(), StoreError> {
    let mut found: Vec<Uuid> = tickets.iter().copied().collect();
    while !found.is_empty() {
        let ended = tx.fetch_rows(&TICKET_ENDED_IN, of_tickets(&TICKET_ENDED_IN, &found)).await?;
        let ended = ended.iter().map(|row| row.uuid(0)).collect::<Result<Vec<_>, _>>()?;
        found = ended.into_iter().filter(|id| tickets.insert(*id)).collect();
    }
    // Where a ticket of anybody else was merged too, its words stand beside theirs: that one is not theirs to see or to erase.
    let mut found: Vec<Uuid> = tickets.iter().copied().collect();
    while !found.is_empty() {
        let merged = tx.fetch_rows(&TICKET_LIVES_IN, of_tickets(&TICKET_LIVES_IN, &found)).await?;
        let merged =
            merged.iter().map(|row| Ok((row.uuid(0)?, row.uuid(1)?))).collect::<Result<Vec<_>, StoreError>>()?;
        let strange = merged.iter().filter(|(_, ended)| !tickets.contains(ended));
        let shared: HashSet<Uuid> = strange.map(|(living, _)| *living).collect();
        let theirs = merged.iter().map(|(living, _)| *living).filter(|living| !shared.contains(living));
        found = theirs.filter(|living| tickets.insert(*living)).collect();
    }
    Ok(())
}

impl NodeStore {
    /// All that is held of one customer, as of one moment.
    pub async fn trace_customer(&self, code: &CustomerCode) -> Result<Traced, StoreError> {
        Ok(trace(&mut self.db().snapshot().await?, code).await?.0)
    }

    /// Erases a customer in one transaction. `change_of` says what the feed tells of a ticket that is kept.
    pub async fn erase_customer(
        &self,
        request: Request,
        erasure: &Erasure,
        change_of: impl Fn(&Ticket) -> Change + Send + Sync,
        respond: fn(&Erased) -> Vec<u8>,
    ) -> Answer {
        let mut tries = 0;
        loop {
            match self.erase_once(request, erasure, &change_of, respond).await {
                Err(e) if e.is_transient() && tries < RETRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn erase_once(
        &self,
        request: Request,
        erasure: &Erasure,
        change_of: &(impl Fn(&Ticket) -> Change + Send + Sync),
        respond: fn(&Erased) -> Vec<u8>,
    ) -> Answer {
        let now_us = erasure.now.as_microsecond();
        let pseudonym = erasure.pseudonym.as_str();
        let mut tx = self.db().begin().await?;
        // In this order everywhere: customers, tickets, contacts, requests, feed.
        lock_head(&mut tx).await?;
        if let Some(answered) = request::find(&mut tx, [request].into_iter()).await?.get(&request.key) {
            return Ok(answered.replay(&request));
        }
        let (held, mut traces) = trace(&mut tx, &erasure.code).await?;
        let before = tx.fetch_one(&ERASURE_OF, values![pseudonym]).await?;
        let before = before.map(|row| Ok::<_, StoreError>((row.int(0)?, row.int_or_null(1)?))).transpose()?;
        if held.customer.is_none() && held.tickets.is_empty() && held.contacts.is_empty() {
            return Ok(Err(nothing(before.map(|(erased_us, _)| erased_us))));
        }
        let kept = erase_tickets(&mut tx, erasure, held.tickets, &mut traces).await?;
        // Contacts may have come meanwhile: under the lock of their order they are looked for again.
        contact::lock_order(&mut tx).await?;
        let mut contacts = contact::of_customer(&mut tx, &erasure.code).await?;
        contacts.extend(contact::at_points(&mut tx, &traces.point_spellings()).await?);
        erase_contacts(&mut tx, pseudonym, &contacts).await?;
        drop_parts(&mut tx, std::iter::once(erasure.code.as_str())).await?;
        tx.execute(&CUSTOMER_DROP, values![erasure.code.as_str()]).await?;
        question::forget(&mut tx, erasure.code.as_str()).await?;
        delivery::forget(&mut tx, erasure.code.as_str()).await?;
        notice::forget(&mut tx, erasure.code.as_str(), pseudonym).await?;
        let put = values![pseudonym, now_us, erasure.reason.number(), erasure.by.as_str()];
        tx.execute(&ERASURE_PUT, put).await?;
        if before.is_none_or(|(_, returned_us)| returned_us.is_some()) {
            tx.execute(&ERASED_MORE, vec![]).await?;
        }
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let erased = Erased {
            pseudonym: erasure.pseudonym.clone(),
            erased_us: now_us,
            tickets: count(kept.len()),
            contacts: count(contacts.len()),
        };
        let response = respond(&erased);
        if request::insert(&mut tx, now_us, [(request, response.clone())].into_iter()).await?.is_empty() {
            return Err(StoreError::Raced);
        }
        let changes: Vec<Change> = kept.iter().map(change_of).collect();
        let fed = !changes.is_empty();
        feed::append(&mut tx, erasure.batch_id, now_us, changes).await?;
        tx.commit().await?;
        self.writer.committed(Committed { feed: fed, contacts: false });
        Ok(Ok(response))
    }

    /// Goes through the stored answers for all erasures after which that has not been done, or not been finished; returns how many
    /// erasures were finished. An answer that tells of an erased customer's ticket or contact, or of a notice that named them, is
    /// forgotten, but not that there was one: repeating its request is refused and does nothing twice.
    pub async fn sweep_answers(&self, now_us: i64) -> Result<usize, StoreError> {
        let open = self.db().fetch(&ERASURE_OPEN, values!["", 100_i64]).await?;
        let open = open.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect::<Result<Vec<_>, StoreError>>()?;
        if open.is_empty() {
            return Ok(0);
        }
        let mut ids = HashSet::new();
        for (pseudonym, _) in &open {
            let rows = self.db().fetch(&TICKET_ID_OF_CUSTOMER, values![pseudonym.as_str()]).await?;
            ids.extend(rows.iter().map(|row| row.uuid(0)).collect::<Result<Vec<_>, _>>()?);
            let Ok(pseudonym) = CustomerCode::parse(pseudonym) else { continue };
            ids.extend(self.notices_naming(&pseudonym).await?.into_iter().map(|(notice, _)| notice));
            let mut tx = self.db().snapshot().await?;
            ids.extend(contact::of_customer(&mut tx, &pseudonym).await?.iter().map(|stored| stored.contact.id));
        }
        let mut after = Uuid::nil();
        loop {
            let page = self.db().fetch(&REQUEST_SCAN, values![after, PAGE]).await?;
            let Some(last) = page.last() else { break };
            after = last.uuid(0)?;
            let mut rows = Rows::of(&REQUEST_ERASE, page.len());
            for row in &page {
                if tells_of(&row.blob(1)?, &ids) {
                    rows.push(row![row.uuid(0)?, request::ERASED]);
                }
            }
            if !rows.is_empty() {
                let mut tx = self.db().begin().await?;
                tx.execute_rows(&REQUEST_ERASE, rows).await?;
                tx.commit().await?;
            }
        }
        self.db().merge_words().await?;
        let mut tx = self.db().begin().await?;
        for (pseudonym, erased_us) in &open {
            tx.execute(&ERASURE_SWEPT, values![pseudonym.as_str(), *erased_us, now_us]).await?;
        }
        tx.commit().await?;
        Ok(open.len())
    }
}

fn nothing(erased_us: Option<i64>) -> Refusal {
    match erased_us.and_then(|us| Timestamp::from_microsecond(us).ok()) {
        Some(at) => {
            let message = format!("this customer was erased at {at}, and nothing has come since");
            Refusal::new(RefusalKind::Precondition, "ALREADY_ERASED", message).with("erased_at", at.to_string())
        }
        None => {
            Refusal::new(RefusalKind::NotFound, "NO_SUCH_CUSTOMER", "nothing is stored of such a customer at this node")
        }
    }
}

async fn erase_tickets(
    tx: &mut Tx,
    erasure: &Erasure,
    ids: Vec<Uuid>,
    traces: &mut Traces,
) -> Result<Vec<Ticket>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let tickets = ticket::lock(tx, ids.into_iter()).await?;
    for name in tickets.iter().filter_map(|ticket| ticket.requester_name.as_deref()) {
        traces.name(name);
    }
    let kept: Vec<Ticket> = tickets.iter().map(|ticket| forget(ticket, &erasure.pseudonym, erasure.now)).collect();
    let mut rows = Rows::of(&TICKET_ERASE, kept.len());
    for ticket in &kept {
        rows.push(row![
            ticket.id,
            ticket.version,
            ticket.subject.as_str(),
            erasure.pseudonym.as_str(),
            ticket.updated_at.as_microsecond(),
            ticket::words(ticket),
        ]);
    }
    tx.execute_rows(&TICKET_ERASE, rows).await?;
    let ids: Vec<Uuid> = kept.iter().map(|ticket| ticket.id).collect();
    tx.execute_rows(&TIMELINE_ERASE, of_tickets(&TIMELINE_ERASE, &ids)).await?;
    tx.execute_rows(&ATTACHMENT_ERASE, of_tickets(&ATTACHMENT_ERASE, &ids)).await?;
    open311::forget(tx, ids.iter().copied()).await?;
    let authors = tx.fetch_rows(&TIMELINE_AUTHORS, of_tickets(&TIMELINE_AUTHORS, &ids)).await?;
    let mut rows = Rows::of(&TIMELINE_DISOWN, authors.len());
    for found in &authors {
        let author = found.text(1)?;
        if traces.is_author(&author) {
            rows.push(row![found.uuid(0)?, author]);
        }
    }
    if !rows.is_empty() {
        tx.execute_rows(&TIMELINE_DISOWN, rows).await?;
    }
    Ok(kept)
}

async fn erase_contacts(tx: &mut Tx, pseudonym: &str, contacts: &[StoredContact]) -> Result<(), StoreError> {
    let mut rows = Rows::of(&CONTACT_ERASE, contacts.len());
    for stored in contacts {
        rows.push(row![stored.contact.id, pseudonym]);
    }
    tx.execute_rows(&CONTACT_ERASE, rows).await?;
    // Unique customers are counted by a sketch of their codes: it is made anew, of the pseudonym.
    let counted = contacts.iter().filter(|stored| stored.contact.counts());
    let mut keys: Vec<BucketKey> = counted.map(|stored| BucketKey::of(&stored.contact)).collect();
    keys.sort_unstable_by_key(|key| (key.start_us, key.channel, key.direction));
    keys.dedup();
    metric::mark_rebuild(tx, keys.iter()).await
}

/// Whether an answer names one of these ids, which stand in answers as text.
fn tells_of(response: &[u8], ids: &HashSet<Uuid>) -> bool {
    const LENGTH: usize = 36;
    response.windows(LENGTH).any(|window| {
        let shaped = [8, 13, 18, 23].iter().all(|at| window[*at] == b'-');
        shaped && Uuid::try_parse_ascii(window).is_ok_and(|id| ids.contains(&id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_wherever_it_stands_in_an_answer() {
        let id = Uuid::from_u128(0x0197_89ab_cdef_7123_8456_789a_bcde_f012);
        let ids = HashSet::from([id]);
        for before in 0..40 {
            let answer = format!("{}{id}{}", "-".repeat(before), "x".repeat(before));
            assert!(tells_of(answer.as_bytes(), &ids), "{answer}");
        }
        assert!(!tells_of(Uuid::nil().to_string().as_bytes(), &ids));
        assert!(!tells_of(&id.to_string().as_bytes()[1..], &ids));
    }
}
