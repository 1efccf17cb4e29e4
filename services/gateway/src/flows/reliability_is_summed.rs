//! The country's reliability: sums of its members' days, never a mean of their indices.

use gridcare_domain::{
    reliability::{Daily, Event, Served, history_of, reliability},
    report::day::{Days, date_of, local_day},
};
use gridcare_proto::{
    convert::{reliability as convert, time},
    federation::v1::{self as wire, federated_claim},
    outage::v1::ClaimedReliability,
};
use gridcare_store::{
    StoreError,
    gateway::{GatewayStore, Member},
};
use jiff::{Timestamp, tz::TimeZone};
use prost::Message as _;
use uuid::Uuid;

use crate::{country::Country, flows::metric_merges::completeness};

/// Claims under which indices are computed, at most.
const MOST_CLAIMS: usize = 200;

/// What is known of one member.
struct View {
    region: String,
    zone: TimeZone,
    /// It was reached at least once.
    heard: bool,
    /// It is expected for a part of the period only.
    late: bool,
    served: Vec<Served>,
    outages: Vec<wire::FederatedOutage>,
    events: Vec<Event>,
    daily: Daily,
}

impl View {
    /// The member's days, if it says how many it serves: customer time without customers is no index.
    fn daily(&self, span: Days, now_us: i64, onset: Option<(Uuid, i64)>) -> Daily {
        if self.served.is_empty() {
            return Daily::default();
        }
        Daily::of(&self.events, &self.served, span, &self.zone, now_us, onset)
    }
}

/// The reliability of these members' regions and of all of them together.
pub(crate) async fn sum(
    store: &GatewayStore,
    period: Days,
    members: &[Member],
    now: Timestamp,
) -> Result<wire::GetNationalReliabilityResponse, StoreError> {
    let span = Days { from: history_of(period).from, until: period.until };
    let views = members.iter().map(|member| view(store, member, span, period, now));
    let views = futures::future::try_join_all(views).await?;
    let regions = Country::regions(members.iter().map(|member| &member.seat));
    let of = |region: &str| {
        let mut daily = Daily::default();
        for view in views.iter().filter(|view| region.is_empty() || view.region == region) {
            daily.merge(&view.daily);
        }
        let reported = !daily.0.is_empty();
        let reliability = reported.then(|| convert::to_wire(&reliability(&daily, period)));
        reported.then(|| wire::RegionReliability { region: region.to_owned(), reliability })
    };
    Ok(wire::GetNationalReliabilityResponse {
        regions: std::iter::once("").chain(regions.iter().copied()).filter_map(of).collect(),
        claimed: claimed(&views, span, period, now),
        figure: Some(figure(&regions, &views)),
        completeness: Some(completeness(members, now)),
        as_of: Some(time::timestamp(now)),
    })
}

async fn view(
    store: &GatewayStore,
    member: &Member,
    span: Days,
    period: Days,
    now: Timestamp,
) -> Result<View, StoreError> {
    let node = member.seat.node.as_str();
    let zone = member.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
    let us = |day: i32| date_of(day).to_zoned(zone.clone()).map_or(i64::MAX, |at| at.timestamp().as_microsecond());
    let corrupt = |what: String| StoreError::Corrupt { table: "national_outage", what };
    let outages = store.national_outages_between(node, us(span.from), us(span.until)).await?;
    let outages: Vec<wire::FederatedOutage> = outages
        .iter()
        .map(|found| wire::FederatedOutage::decode(found.outage.state.as_slice()).map_err(|e| corrupt(e.to_string())))
        .collect::<Result<_, _>>()?;
    let events = outages.iter().map(convert::event_from_wire).collect::<Result<_, _>>().map_err(corrupt)?;
    let mut view = View {
        region: member.seat.region.clone(),
        heard: member.link.seen_at.is_some(),
        late: local_day(member.seat.expected_from_us, &zone) > period.from,
        served: store.national_served(node).await?,
        daily: Daily::default(),
        zone,
        outages,
        events,
    };
    view.daily = view.daily(span, now.as_microsecond(), None);
    Ok(view)
}

/// The country's indices under each claim of the onset of an outage of which there are several.
fn claimed(views: &[View], span: Days, period: Days, now: Timestamp) -> Vec<ClaimedReliability> {
    let mut found = Vec::new();
    for (i, view) in views.iter().enumerate() {
        let mut others = Daily::default();
        for (_, other) in views.iter().enumerate().filter(|(other, _)| *other != i) {
            others.merge(&other.daily);
        }
        for (outage, event) in view.outages.iter().zip(&view.events) {
            let begins = event.course.onset_us.map(|us| local_day(us, &view.zone));
            let within = begins.is_some_and(|day| period.holds(day));
            if event.course.onset_claims.len() < 2 || !within || found.len() >= MOST_CLAIMS {
                continue;
            }
            for (no, onset) in &event.course.onset_claims {
                let mut daily = view.daily(span, now.as_microsecond(), Some((event.id, *onset)));
                daily.merge(&others);
                let chosen = outage.claims.iter().any(|claim| {
                    claim.no == *no && claim.chosen && matches!(claim.fact, Some(federated_claim::Fact::Onset(_)))
                });
                found.push(ClaimedReliability {
                    outage_id: outage.id.clone(),
                    claim_no: *no,
                    onset: Some(time::micros(*onset)),
                    chosen,
                    indices: reliability(&daily, period).indices.first().map(convert::indices_to_wire),
                });
            }
        }
    }
    found
}

/// Which regions are in the country's indices.
fn figure(regions: &[&str], views: &[View]) -> wire::FigureCompleteness {
    let mut figure = wire::FigureCompleteness::default();
    for region in regions {
        let own = || views.iter().filter(|view| view.region == *region);
        figure.expected += 1;
        if own().any(|view| !view.served.is_empty()) {
            figure.covered += 1;
            if own().any(|view| view.late || view.served.is_empty()) {
                figure.partial.push((*region).to_owned());
            }
        } else if own().any(|view| view.heard) {
            figure.not_reported.push((*region).to_owned());
        }
    }
    figure
}
