//! A report is drawn: regions are sums of their nodes, the country is the sum of its regions, and each figure says which
//! regions are in it.

mod coverage;
mod standards;

use gridcare_domain::{
    completeness::Link,
    report::{Measure, Sums, day::local_day, wants},
};
use gridcare_proto::{
    convert::{
        report::{self as convert, Asked},
        time,
    },
    report::v1 as wire,
};
use gridcare_store::{
    StoreError,
    gateway::{GatewayStore, Member},
    tally,
};
use jiff::{Timestamp, tz::TimeZone};

use self::coverage::{Reported, coverage};
use crate::{country::Country, flows::metric_merges::completeness};

/// What is known of one member, for one report.
struct View {
    region: String,
    sums: Sums,
    categories: Vec<String>,
    reported: Reported,
}

/// The report that was asked for over these members; `None`: there are too many categories for one answer.
pub(crate) async fn draw(
    store: &GatewayStore,
    asked: &Asked,
    members: &[Member],
    now: Timestamp,
) -> Result<Option<wire::GetNationalReportResponse>, StoreError> {
    let views = futures::future::try_join_all(members.iter().map(|member| view(store, asked, member, now))).await?;
    let mut known: Vec<String> = views.iter().flat_map(|view| view.categories.iter().cloned()).collect();
    known.sort_unstable();
    known.dedup();
    let regions = Country::regions(members.iter().map(|member| &member.seat));
    if asked.too_much(asked.reads(&known).len().saturating_mul(regions.len() + 1)).is_some() {
        return Ok(None);
    }
    let known_rules = standards::known(store).await?;
    let in_force = known_rules.in_force(now.as_microsecond());
    let reported: Vec<_> = views.iter().map(|view| (view.region.as_str(), &view.reported)).collect();
    let mut answer = wire::GetNationalReportResponse {
        figures: convert::figures_to_wire(in_force.map(|standard| standard.bundle())),
        coverage: coverage(&regions, &reported),
        completeness: Some(completeness(members, now)),
        as_of: Some(time::timestamp(now)),
        ..Default::default()
    };
    // The country first; a region that was never heard of has no rows: nothing known is not zero.
    let of = |region: &str| views.iter().filter(|view| region.is_empty() || view.region == region).collect::<Vec<_>>();
    for region in std::iter::once("").chain(regions) {
        let own = of(region);
        if !own.iter().any(|view| view.reported.heard) {
            continue;
        }
        let mut sums = Sums::default();
        for view in own {
            sums.merge(&view.sums);
        }
        let drawn = convert::draw(region, asked, &sums, &known, &|rule| known_rules.text(rule))
            .map_err(|e| StoreError::Corrupt { table: "ticket_tally", what: e.to_string() })?;
        answer.rows.extend(drawn.rows);
        answer.open.extend(drawn.open);
    }
    Ok(Some(answer))
}

async fn view(store: &GatewayStore, asked: &Asked, member: &Member, now: Timestamp) -> Result<View, StoreError> {
    let node = member.seat.node.as_str();
    let zone = member.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
    let today = local_day(now.as_microsecond(), &zone);
    let read = tally::read(store.db(), node, |known| {
        let reads = asked.reads(known);
        if asked.too_much(reads.len()).is_some() { Vec::new() } else { wants(&asked.intervals, &reads, today) }
    });
    let (reading, ever) = futures::future::try_join(read, tally::ever(store.db(), node, Measure::ALL)).await?;
    let Link { seen_at, .. } = member.link;
    let reported = Reported {
        heard: seen_at.is_some(),
        late: local_day(member.seat.expected_from_us, &zone) > asked.days().from,
        ever,
    };
    Ok(View { region: member.seat.region.clone(), sums: reading.sums, categories: reading.categories, reported })
}
