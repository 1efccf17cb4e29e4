//! Calls and messages of customers, what becomes of them, and who looks at the pages.

use std::collections::BTreeMap;

use gridcare_domain::contact::Outcome;
use gridcare_proto::{
    contact::v1::{
        BatchImportContactsRequest, Channel, ContactDraft, Direction, contact_service_client::ContactServiceClient,
    },
    outage::v1::{
        JoinReportsRequest, ProposeGroupsRequest, report_grouping_service_client::ReportGroupingServiceClient,
    },
    ticket::v1::{Locality, OpenTicketRequest, ticket_service_client::TicketServiceClient},
};
use jiff::{SignedDuration, Timestamp};
use prost_types::Duration;

use super::{country::Seat, grid::wire, people, script::ended, storm::Call};
use crate::{failure::Failure, health};

/// How many calls there were in a region, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Calls {
    pub(super) offered: u64,
    pub(super) answered: u64,
    pub(super) abandoned: u64,
    pub(super) busy: u64,
    /// Tickets that they became.
    pub(super) reports: u64,
    /// Of these, joined to the outage.
    pub(super) joined: u64,
    /// Messages that customers wrote.
    pub(super) written: u64,
}

/// What the desks did, by region.
#[derive(Debug, Default)]
pub(super) struct Desks {
    pub(super) calls: BTreeMap<String, Calls>,
    steps: u32,
}

impl Desks {
    fn of(&mut self, seat: &Seat) -> &mut Calls {
        self.calls.entry(seat.region.code.clone()).or_default()
    }

    fn request_id(&mut self, seat: &Seat) -> String {
        self.steps += 1;
        format!("replay/desk/{}/{}", seat.region.code, self.steps)
    }

    /// Calls have ended: they are kept, and those that were answered become tickets.
    pub(super) async fn end_calls(&mut self, seat: &Seat, onset: Timestamp, calls: &[Call]) -> Result<(), Failure> {
        let failed = |status: tonic::Status| Failure::answered(format!("the calls of {}", seat.region.code), &status);
        let request = BatchImportContactsRequest {
            request_id: self.request_id(seat),
            source: "replay".to_owned(),
            contacts: calls.iter().map(|call| contact(seat, onset, call)).collect(),
            checkpoint: String::new(),
        };
        let mut client = ContactServiceClient::new(seat.node.clone());
        let answer = client.batch_import_contacts(request).await.map_err(failed)?.into_inner();
        if let Some(refused) = answer.rejections.first() {
            let why = refused.violations.first().map_or("", |violation| violation.description.as_str());
            return Err(Failure::said(format!("{} refuses a call: {why}", seat.region.code)));
        }
        let mut tickets = TicketServiceClient::new(seat.node.clone());
        for call in calls.iter().filter(|call| call.outcome == Outcome::Answered) {
            let request = OpenTicketRequest {
                request_id: self.request_id(seat),
                topic: "outage".to_owned(),
                channel: "hotline".to_owned(),
                subject: "Mất điện".to_owned(),
                customer_code: people::code(seat, call.customer),
                province: people::province_of(seat, call.customer).to_owned(),
                locality: Locality::Town.into(),
                event_at: wire(onset + millis(call.at_ms)),
                author: "tổng đài".to_owned(),
                ..OpenTicketRequest::default()
            };
            tickets.open_ticket(request).await.map_err(failed)?;
        }
        let kept = self.of(seat);
        kept.offered += calls.len() as u64;
        kept.answered += ended(calls, Outcome::Answered);
        kept.abandoned += ended(calls, Outcome::Abandoned);
        kept.busy += ended(calls, Outcome::Busy);
        kept.reports += ended(calls, Outcome::Answered);
        Ok(())
    }

    /// Reports that mean the outage are joined to it.
    pub(super) async fn group(&mut self, seat: &Seat, outage: &str, since: Timestamp) -> Result<(), Failure> {
        let failed = |status: tonic::Status| Failure::answered(format!("the reports of {}", seat.region.code), &status);
        let mut client = ReportGroupingServiceClient::new(seat.node.clone());
        let asked = client.propose_groups(ProposeGroupsRequest { since: wire(since) }).await.map_err(failed)?;
        for group in asked.into_inner().groups {
            if group.outage_id != outage {
                continue;
            }
            self.of(seat).joined += group.ticket_ids.len() as u64;
            let request = JoinReportsRequest {
                request_id: self.request_id(seat),
                author: "điều độ".to_owned(),
                outage_id: group.outage_id,
                tickets: group.ticket_ids,
            };
            client.join_reports(request).await.map_err(failed)?;
        }
        Ok(())
    }

    /// A customer asks by SMS why it is dark.
    pub(super) fn write(&mut self, seat: &Seat, customer: u64) {
        let Some(centre) = seat.centres.first() else { return };
        let text = format!("MD {}", people::code(seat, customer));
        let phone = people::phone(seat, customer);
        centre.write_from(phone.trim_start_matches('+'), "8055", &text, gridcare_domain::sms_text::Encoding::Gsm7, 0);
        self.of(seat).written += 1;
    }
}

/// Somebody outside looks at a page.
pub(super) async fn look(http: &str) -> Result<(), Failure> {
    let host = http.strip_prefix("http://").unwrap_or(http);
    let answer = health::get(host, "/notices").await;
    let answer = answer.map_err(|error| Failure::because(format!("{http}/notices"), &error))?;
    match answer.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(Failure::said(format!("{http}/notices: {}", answer.lines().next().unwrap_or_default()))),
    }
}

fn contact(seat: &Seat, onset: Timestamp, call: &Call) -> ContactDraft {
    let answered = call.outcome == Outcome::Answered;
    ContactDraft {
        source_key: format!("{}-{}", call.at_ms, call.customer),
        channel: Channel::Hotline.into(),
        direction: Direction::Inbound.into(),
        arrived_at: wire(onset + millis(call.at_ms)),
        answered_at: if answered { wire(onset + millis(call.at_ms + call.wait_ms)) } else { None },
        ended_at: wire(onset + millis(call.ended_ms())),
        outcome: i32::try_from(call.outcome.number()).unwrap_or_default(),
        wait: (call.outcome != Outcome::Busy).then(|| duration(call.wait_ms)),
        talk: answered.then(|| duration(call.talk_ms)),
        topic: "outage".to_owned(),
        customer_code: if answered { people::code(seat, call.customer) } else { String::new() },
        ..ContactDraft::default()
    }
}

fn millis(ms: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}

fn duration(ms: u64) -> Duration {
    let nanos = i32::try_from(ms % 1_000 * 1_000_000).unwrap_or_default();
    Duration { seconds: i64::try_from(ms / 1_000).unwrap_or_default(), nanos }
}
