//! A customer is asked, some time after their ticket was closed, how satisfied they are: by a text message, once, in their language.
//! Their answer comes as any other message does.

use std::{error::Error, time::Duration};

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    customer::{Customer, Language},
    standard,
    ticket::{Ticket, TimelineEntry, TimelineKind, Visibility, is_to_be_asked},
};
use gridcare_store::{
    StoreError,
    lease::{self, Lease},
    question::{Asked, Asking, Question},
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::clock_runs_out::BY_STANDARD;
use crate::{DELIVERIES, Node, SharedNode};

/// What is due is looked for this often: nobody waits for a question.
const LOOK: Duration = Duration::from_secs(2);
/// How long a process that stopped is waited for.
const LEASE: Duration = Duration::from_secs(30);
/// Questions that are looked at together.
const AT_ONCE: i64 = 100;
/// Whoever could not be asked within this time after it was due is asked no more: what was settled is long forgotten.
const LATEST_US: i64 = 3 * 24 * 3_600 * 1_000_000;

/// Asks, in one process of the node at a time: so nobody is asked about two tickets at once.
pub(crate) async fn run(node: SharedNode, shutdown: CancellationToken) {
    let holder = new_id().to_string();
    let mut held = None;
    loop {
        match turn(&node, &holder, &shutdown).await {
            Ok(lease) => held = lease.or(held),
            Err(StoreError::LeaseLost(_)) => held = None,
            Err(e) => tracing::warn!(error = &e as &dyn Error, "customers could not be asked; trying again"),
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    if let Some(lease) = held {
        // Another process goes on at once instead of waiting for the lease to end.
        let _ = lease::release(node.store.db(), &lease).await;
    }
}

/// Asks all who are due.
async fn turn(node: &Node, holder: &str, shutdown: &CancellationToken) -> Result<Option<Lease>, StoreError> {
    let mut held = None;
    while !shutdown.is_cancelled() {
        let due = node.store.due_questions(node.now_us(), AT_ONCE).await?;
        if due.is_empty() {
            break;
        }
        let now_us = node.now_us();
        let until = now_us + i64::try_from(LEASE.as_micros()).unwrap_or(0);
        held = lease::take(node.store.db(), "questions", holder, now_us, until).await?;
        let Some(lease) = &held else { break };
        let mut asked = false;
        for question in due {
            asked |= node.ask(lease, &question).await?;
        }
        if asked {
            node.bus.wake(DELIVERIES);
        }
    }
    Ok(held)
}

impl Node {
    /// Asks, unless there is nothing to ask any more; says whether a message waits for a courier.
    async fn ask(&self, lease: &Lease, question: &Question) -> Result<bool, StoreError> {
        let asked = if let Some(asking) = self.asking(question).await? {
            self.store.ask(lease, &asking, self.now_us()).await? == Asked::Queued
        } else {
            self.store.drop_question(question).await?;
            false
        };
        let result = if asked { "asked" } else { "let_be" };
        metrics::counter!("gridcare_satisfaction_questions_total", "result" => result).increment(1);
        Ok(asked)
    }

    /// The question in its words; none where nobody is to be asked: the ticket is open again, they have said already, were asked
    /// about another ticket lately, it is too late, or there is no number at which they could answer.
    async fn asking(&self, question: &Question) -> Result<Option<Asking>, StoreError> {
        let now = self.now();
        let Some(ticket) = self.store.ticket(question.ticket_id).await? else { return Ok(None) };
        let late = now.as_microsecond().saturating_sub(question.due_us) > LATEST_US;
        if late || !is_to_be_asked(&ticket, &question.customer) {
            return Ok(None);
        }
        let window_us = self.standards.current().feedback().repeat_contact_window_us;
        let lately_us = now.as_microsecond().saturating_sub(window_us);
        if self.store.asked_lately(&question.customer, lately_us).await?.is_some() || self.answered_at().is_none() {
            return Ok(None);
        }
        let Some(stored) = self.store.customer(&question.customer).await? else { return Ok(None) };
        let Some(text) = self.question(&ticket, &stored.customer) else { return Ok(None) };
        let entry = questioned(&text, now);
        Ok(Some(Asking { question: question.clone(), text, unless_since_us: lately_us, entry }))
    }

    /// The number at which text messages reach this corporation: that of its keywords, or the first of its own.
    pub(crate) fn answered_at(&self) -> Option<String> {
        let set = self.standards.current().keywords(&self.region).map(|set| set.short_code.clone());
        set.or_else(|| self.sms.own_numbers.first().cloned())
    }

    /// What the customer is asked, by the template of the standard in force.
    fn question(&self, ticket: &Ticket, customer: &Customer) -> Option<String> {
        let standard = self.standards.current();
        let template = standard.template(&standard.feedback().template)?;
        let language = match customer.preferred_language {
            Language::Vi => standard::Language::Vi,
            Language::En => standard::Language::En,
        };
        let value = |name: &str| match name {
            "customer_name" => Some(customer.name.clone()).filter(|name| !name.is_empty()),
            name => self.value_of(name, ticket, &standard, language),
        };
        match template.fill(language, value) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(missing) => {
                let (template, missing) = (&template.id, missing.join(", "));
                tracing::warn!(template, missing, ticket = %ticket.id, "a question lacks what it should say, and is not asked");
                None
            }
        }
    }
}

fn questioned(text: &str, now: Timestamp) -> TimelineEntry {
    TimelineEntry {
        id: new_id(),
        at: now,
        kind: TimelineKind::Questioned,
        visibility: Visibility::Public,
        author: BY_STANDARD.to_owned(),
        text: text.to_owned(),
        state: None,
    }
}
