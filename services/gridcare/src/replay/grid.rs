//! What control rooms record about the outage.

use std::collections::BTreeMap;

use gridcare_domain::province;
use gridcare_proto::outage::v1::{
    ChangeOutageRequest, ClaimMade, Confidence, CustomersServed, EstimateSource, FactClaim, OutageArea, OutageChange,
    OutageDraft, OutageKind, RecordOutageRequest, ReturnEstimate, SetCustomersServedRequest, StepKind, SupplyStep,
    fact_claim::Fact, outage_change::Change, outage_service_client::OutageServiceClient,
    reliability_service_client::ReliabilityServiceClient,
};
use jiff::{SignedDuration, Timestamp};
use prost_types::Timestamp as Wire;

use super::{country::Seat, incident::Story};
use crate::failure::Failure;

const AUTHOR: &str = "điều độ";

/// The outages of a replay, by region.
#[derive(Debug, Default)]
pub(super) struct Grid {
    outages: BTreeMap<String, String>,
    steps: u32,
}

#[expect(clippy::unnecessary_wraps, reason = "messages of the wire are optional within others")]
pub(super) fn wire(at: Timestamp) -> Option<Wire> {
    Some(Wire { seconds: at.as_second(), nanos: at.subsec_nanosecond() })
}

impl Grid {
    /// The outage of a region, once it is recorded.
    pub(super) fn outage(&self, seat: &Seat) -> Option<&str> {
        self.outages.get(&seat.region.code).map(String::as_str)
    }

    fn request_id(&mut self, seat: &Seat) -> String {
        self.steps += 1;
        format!("replay/{}/{}", seat.region.code, self.steps)
    }

    /// Says how many customers a region serves.
    pub(super) async fn serve(&mut self, seat: &Seat, customers: u64) -> Result<(), Failure> {
        let request = SetCustomersServedRequest {
            request_id: self.request_id(seat),
            author: AUTHOR.to_owned(),
            served: Some(CustomersServed { from: "2013-01-01".to_owned(), customers: count(customers) }),
        };
        let mut client = ReliabilityServiceClient::new(seat.node.clone());
        client.set_customers_served(request).await.map(drop).map_err(|status| failed(seat, &status))
    }

    /// The outage becomes known, under the first claim of its onset.
    pub(super) async fn record(&mut self, story: &Story, seat: &Seat, customers: u64) -> Result<(), Failure> {
        let Some(claim) = story.incident.onset_claims.first() else { return Ok(()) };
        let areas = province::all().iter().filter(|province| province.region == seat.region.code);
        let area =
            |province: &province::Province| OutageArea { province: province.code.to_owned(), ..OutageArea::default() };
        let estimate = ReturnEstimate {
            earliest: wire(claim.at + SignedDuration::from_mins(90)),
            latest: wire(claim.at + SignedDuration::from_hours(8)),
            source: EstimateSource::Dispatcher.into(),
            confidence: Confidence::Low.into(),
        };
        let request = RecordOutageRequest {
            request_id: self.request_id(seat),
            outage: Some(OutageDraft {
                kind: OutageKind::Unplanned.into(),
                cause: "transmission".to_owned(),
                areas: areas.map(area).collect(),
                begins_at: wire(claim.at),
                estimate: Some(estimate),
                source: claim.source.clone(),
                ..OutageDraft::default()
            }),
            author: AUTHOR.to_owned(),
        };
        let mut client = OutageServiceClient::new(seat.node.clone());
        let outage = client.record_outage(request).await.map_err(|status| failed(seat, &status))?.into_inner().outage;
        self.outages.insert(seat.region.code.clone(), outage.unwrap_or_default().id);
        self.change(seat, "", Change::Step(step(claim.at, StepKind::Lost, customers))).await
    }

    /// Another claim of the onset; the last one is believed.
    pub(super) async fn claim(&mut self, story: &Story, seat: &Seat, number: usize) -> Result<(), Failure> {
        let Some(claim) = story.incident.onset_claims.get(number) else { return Ok(()) };
        let last = number + 1 == story.incident.onset_claims.len();
        let fact = FactClaim { source: claim.source.clone(), fact: wire(claim.at).map(Fact::Onset) };
        let reason = if last { "thông báo sau cùng của EVN nêu rõ thời điểm" } else { "" };
        self.change(seat, reason, Change::Claim(ClaimMade { claim: Some(fact), choose: last })).await
    }

    /// So many have supply again.
    pub(super) async fn restore(&mut self, seat: &Seat, at: Timestamp, customers: u64) -> Result<(), Failure> {
        self.change(seat, "", Change::Step(step(at, StepKind::Regained, customers))).await
    }

    /// All have.
    pub(super) async fn restore_all(&mut self, seat: &Seat, at: Timestamp) -> Result<(), Failure> {
        let fact = FactClaim { source: "SCADA".to_owned(), fact: wire(at).map(Fact::Restoration) };
        self.change(seat, "", Change::Claim(ClaimMade { claim: Some(fact), choose: false })).await
    }

    async fn change(&mut self, seat: &Seat, reason: &str, change: Change) -> Result<(), Failure> {
        let Some(id) = self.outage(seat).map(str::to_owned) else {
            return Err(Failure::said(format!(
                "{}: no outage was recorded yet; move known_after_minutes",
                seat.region.code
            )));
        };
        let request = ChangeOutageRequest {
            request_id: self.request_id(seat),
            id,
            etag: String::new(),
            author: AUTHOR.to_owned(),
            reason: reason.to_owned(),
            changes: vec![OutageChange { change: Some(change) }],
        };
        let mut client = OutageServiceClient::new(seat.node.clone());
        client.change_outage(request).await.map(drop).map_err(|status| failed(seat, &status))
    }
}

fn step(at: Timestamp, kind: StepKind, customers: u64) -> SupplyStep {
    SupplyStep { at: wire(at), kind: kind.into(), customers: count(customers), area: None, source: "SCADA".to_owned() }
}

fn count(customers: u64) -> i64 {
    i64::try_from(customers).unwrap_or(i64::MAX)
}

fn failed(seat: &Seat, status: &tonic::Status) -> Failure {
    Failure::answered(format!("the outage of {}", seat.region.code), status)
}
