use std::time::Duration;

use gridcare_chassis::status::refuse;
use gridcare_domain::{
    customer::phone,
    delivery::{DeliveryState, Way},
    refusal::Violation,
};
use gridcare_proto::{
    convert::{code, notice::text_to_wire, time},
    delivery::v1::{self as wire, delivery_service_server::DeliveryService},
};
use gridcare_store::{
    delivery::{LeasedText, Outcome},
    receipt::Receipt,
};
use jiff::Timestamp;
use tonic::{Request, Response, Status};

use super::{Deliveries, failed, refuse_if};
use crate::flows::messages_are_leased::{Asked, lease_lost};

/// Messages of one request at most.
const MOST: usize = 5_000;
/// Parts of one message at most: what a text of 1000 characters in the dearest encoding takes, many times over.
const MOST_PARTS: usize = 64;
/// Longest id that a message centre or mail server may give a part, in bytes.
const ID_LIMIT: usize = 200;

#[tonic::async_trait]
impl DeliveryService for Deliveries {
    async fn lease_messages(
        &self,
        request: Request<wire::LeaseMessagesRequest>,
    ) -> Result<Response<wire::LeaseMessagesResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        courier(&body.courier, &mut found);
        let way = code::notice_channel_from_wire(body.channel).and_then(Way::of);
        if way.is_none() {
            found.push(Violation::new("channel", "UNKNOWN_CODE", "give SMS, EMAIL or WEBHOOK"));
        }
        if !(1..=5_000).contains(&body.limit) {
            found.push(Violation::new("limit", "OUT_OF_RANGE", "give 1 to 5000"));
        }
        let lease = lease_of(body.lease_seconds, &mut found);
        if !(0..=30).contains(&body.wait_seconds) {
            found.push(Violation::new("wait_seconds", "OUT_OF_RANGE", "give 0 to 30"));
        }
        refuse_if(found)?;
        let asked = Asked {
            courier: body.courier,
            way: way.unwrap_or(Way::Sms),
            limit: i64::from(body.limit),
            lease,
            wait: seconds(body.wait_seconds),
        };
        let (batch, until_us) = self.0.lease_messages(&asked).await.map_err(|e| failed(&e))?;
        let message = |leased: gridcare_store::delivery::Leased| wire::LeasedMessage {
            number: leased.number,
            dispatch: leased.dispatch,
            address: leased.address,
            language: i32::try_from(leased.language.number()).unwrap_or(0),
            text: leased.text.unwrap_or_default(),
        };
        Ok(Response::new(wire::LeaseMessagesResponse {
            epoch: batch.epoch,
            leased_until: (batch.epoch != 0).then(|| time::micros(until_us)),
            texts: batch.texts.iter().map(|said| text(said, self.0.answered_at())).collect(),
            messages: batch.messages.into_iter().map(message).collect(),
        }))
    }

    async fn renew_lease(
        &self,
        request: Request<wire::RenewLeaseRequest>,
    ) -> Result<Response<wire::RenewLeaseResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        courier(&body.courier, &mut found);
        let lease = lease_of(body.lease_seconds, &mut found);
        refuse_if(found)?;
        let until = self.0.renew_messages(&body.courier, body.epoch, lease).await.map_err(|e| failed(&e))?;
        Ok(Response::new(wire::RenewLeaseResponse { held: until.is_some(), leased_until: until.map(time::micros) }))
    }

    async fn begin_submitting(
        &self,
        request: Request<wire::BeginSubmittingRequest>,
    ) -> Result<Response<wire::BeginSubmittingResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        courier(&body.courier, &mut found);
        at_most("numbers", body.numbers.len(), &mut found);
        refuse_if(found)?;
        let granted = self.0.begin_submitting(&body.courier, body.epoch, &body.numbers).await;
        let Some(granted) = granted.map_err(|e| failed(&e))? else { return Err(refuse(&lease_lost())) };
        Ok(Response::new(wire::BeginSubmittingResponse { granted }))
    }

    async fn report_outcomes(
        &self,
        request: Request<wire::ReportOutcomesRequest>,
    ) -> Result<Response<wire::ReportOutcomesResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        at_most("outcomes", body.outcomes.len(), &mut found);
        let outcomes = body.outcomes.into_iter().take(MOST).enumerate();
        let outcomes: Vec<_> = outcomes.filter_map(|(i, given)| outcome(i, given, &mut found)).collect();
        refuse_if(found)?;
        let changed = self.0.report_outcomes(body.epoch, &outcomes).await.map_err(|e| failed(&e))?;
        Ok(Response::new(wire::ReportOutcomesResponse { changed: changed.into_iter().collect() }))
    }

    async fn report_receipts(
        &self,
        request: Request<wire::ReportReceiptsRequest>,
    ) -> Result<Response<wire::ReportReceiptsResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        at_most("receipts", body.receipts.len(), &mut found);
        let receipts = body.receipts.into_iter().take(MOST).enumerate();
        let receipts: Vec<_> = receipts.filter_map(|(i, given)| receipt(i, given, &mut found)).collect();
        refuse_if(found)?;
        let unknown_message_ids = self.0.report_receipts(&receipts).await.map_err(|e| failed(&e))?;
        Ok(Response::new(wire::ReportReceiptsResponse { unknown_message_ids }))
    }
}

fn text(text: &LeasedText, answered_at: Option<String>) -> wire::MessageText {
    let of_notice = !text.notice_id.is_nil();
    wire::MessageText {
        dispatch: text.dispatch,
        notice_id: if of_notice { text.notice_id.to_string() } else { String::new() },
        revision: text.revision,
        incident: text.incident.clone(),
        kind: if of_notice { code::revision_kind_to_wire(text.kind) } else { 0 },
        phase: if of_notice { code::phase_to_wire(text.phase) } else { 0 },
        vi: Some(text_to_wire(&text.vi)),
        en: Some(text_to_wire(&text.en)),
        diacritics: text.diacritics,
        expires_at: Some(time::micros(text.expires_us)),
        published_at: Some(time::micros(text.published_us)),
        answered_at: answered_at.filter(|_| !of_notice).unwrap_or_default(),
    }
}

fn courier(given: &str, found: &mut Vec<Violation>) {
    if !(1..=64).contains(&given.len()) || !given.bytes().all(|b| b.is_ascii_graphic()) {
        found.push(Violation::new("courier", "REQUIRED", "give the courier's name: 1 to 64 visible ASCII characters"));
    }
}

fn seconds(given: i32) -> Duration {
    Duration::from_secs(u64::try_from(given).unwrap_or(0))
}

fn lease_of(given: i32, found: &mut Vec<Violation>) -> Duration {
    match given {
        0 => Duration::from_mins(1),
        5..=600 => seconds(given),
        _ => {
            found.push(Violation::new("lease_seconds", "OUT_OF_RANGE", "give 5 to 600, or 0 for 60"));
            Duration::ZERO
        }
    }
}

fn at_most(field: &str, given: usize, found: &mut Vec<Violation>) {
    if given > MOST {
        found.push(Violation::new(field, "TOO_MANY", format!("give at most {MOST}")));
    }
}

fn message_id(id: &str) -> bool {
    (1..=ID_LIMIT).contains(&id.len()) && !id.contains('\0')
}

/// A time; what is none is added to `found`.
fn moment(field: String, given: Option<&prost_types::Timestamp>, found: &mut Vec<Violation>) -> i64 {
    let at = given.and_then(time::instant);
    if at.is_none() {
        found.push(Violation::new(field, "REQUIRED", "say when, between the years -9999 and 9999"));
    }
    at.map_or(0, Timestamp::as_microsecond)
}

fn outcome(i: usize, given: wire::SubmitOutcome, found: &mut Vec<Violation>) -> Option<(i64, Outcome)> {
    let outcome = match given.result() {
        wire::SubmitResult::Sent => {
            if given.message_ids.len() > MOST_PARTS || !given.message_ids.iter().all(|id| message_id(id)) {
                let cure = format!("give at most {MOST_PARTS} ids of 1 to {ID_LIMIT} bytes");
                found.push(Violation::new(format!("outcomes[{i}].message_ids"), "LENGTH", cure));
            }
            let at_us = moment(format!("outcomes[{i}].at"), given.at.as_ref(), found);
            Outcome::Sent { message_ids: given.message_ids, at_us }
        }
        wire::SubmitResult::Failed => Outcome::Failed,
        wire::SubmitResult::Returned => Outcome::Returned,
        wire::SubmitResult::Unknown => Outcome::Unknown,
        wire::SubmitResult::Unspecified => {
            let cure = "say what became of it: SENT, FAILED, RETURNED or UNKNOWN";
            found.push(Violation::new(format!("outcomes[{i}].result"), "UNKNOWN_CODE", cure));
            return None;
        }
    };
    Some((given.number, outcome))
}

fn receipt(i: usize, given: wire::DeliveryReceipt, found: &mut Vec<Violation>) -> Option<Receipt> {
    if !message_id(&given.message_id) {
        let cure = format!("give the id that the message centre gave it, 1 to {ID_LIMIT} bytes");
        found.push(Violation::new(format!("receipts[{i}].message_id"), "LENGTH", cure));
    }
    let state = match given.state.as_str() {
        // A centre that does not know says nothing that its having taken it did not say.
        "unknown" => Some(DeliveryState::Sent),
        word => DeliveryState::parse(word).filter(|state| *state >= DeliveryState::Sent),
    };
    if state.is_none() {
        let cure = "give sent, delivered, failed, expired or unknown";
        found.push(Violation::new(format!("receipts[{i}].state"), "UNKNOWN_CODE", cure));
    }
    let at_us = moment(format!("receipts[{i}].at"), given.at.as_ref(), found);
    let number = Some(given.number).filter(|number| *number != 0);
    let of = Some(given.phone).filter(|text| !text.is_empty()).map(|text| phone(&text)).transpose();
    if let Err(error) = &of {
        found.push(Violation::new(format!("receipts[{i}].phone"), "MALFORMED", error.to_string()));
    }
    let submitted_us =
        given.submitted_at.as_ref().map(|at| moment(format!("receipts[{i}].submitted_at"), Some(at), found));
    Some(Receipt { message_id: given.message_id, number, state: state?, at_us, phone: of.ok()?, submitted_us })
}
