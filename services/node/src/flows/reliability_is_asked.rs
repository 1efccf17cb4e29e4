use gridcare_domain::{
    outage::Fact,
    reliability::{Daily, Event, Exposure, Served, frequent, history_of, reliability},
    report::day::{Days, date_of},
};
use gridcare_proto::{
    convert::{reliability as convert, time},
    outage::v1 as wire,
};
use gridcare_store::StoreError;
use jiff::{Timestamp, tz::TimeZone};

use crate::Node;

/// Claims under which indices are computed, at most.
const MOST_CLAIMS: usize = 200;

/// The moment at which a local day begins, microseconds since 1970.
fn begins_us(day: i32, zone: &TimeZone) -> i64 {
    date_of(day).to_zoned(zone.clone()).map_or(i64::MAX, |at| at.timestamp().as_microsecond())
}

impl Node {
    /// The indices of a period from the outages that are recorded, under what is believed and under each claim of an onset.
    pub(crate) async fn reliability(&self, period: Days, n: u32) -> Result<wire::GetReliabilityResponse, StoreError> {
        let now = self.now();
        let span = Days { from: history_of(period).from, until: period.until };
        let bounds = (begins_us(span.from, &self.zone), begins_us(span.until, &self.zone));
        let outages = self.store.outages_between(bounds.0, bounds.1).await?;
        let served = self.store.served().await?;
        let events: Vec<Event> = outages.iter().map(Event::of).collect();
        let daily = self.daily(&events, &served, span, now, None);
        let within = begins_us(period.from, &self.zone)..bounds.1;
        let mut claimed = Vec::new();
        for outage in &outages {
            let onsets = outage.claims.iter().filter_map(|claim| match claim.fact {
                Fact::Onset(at) => Some((claim, at)),
                _ => None,
            });
            let onsets: Vec<_> = onsets.collect();
            let begins = outage.begins_at.as_microsecond();
            if onsets.len() < 2 || !within.contains(&begins) || claimed.len() >= MOST_CLAIMS {
                continue;
            }
            for (claim, onset) in onsets {
                let under = Some((outage.id, onset.as_microsecond()));
                let found = reliability(&self.daily(&events, &served, span, now, under), period);
                claimed.push(wire::ClaimedReliability {
                    outage_id: outage.id.to_string(),
                    claim_no: claim.no,
                    onset: Some(time::timestamp(onset)),
                    chosen: claim.chosen,
                    indices: found.indices.first().map(convert::indices_to_wire),
                });
            }
        }
        let exposures = Exposure::of(&outages, &within, now.as_microsecond());
        let places = self.store.places().await?;
        let sites = places.iter().map(|place| (place.site(), place.premises));
        let often = frequent(usize::try_from(n).unwrap_or(usize::MAX), &within, sites, &exposures);
        Ok(wire::GetReliabilityResponse {
            reliability: Some(convert::to_wire(&reliability(&daily, period))),
            claimed,
            frequent: Some(convert::frequent_to_wire(n, often)),
            as_of: Some(time::timestamp(now)),
        })
    }

    fn daily(
        &self,
        events: &[Event],
        served: &[Served],
        span: Days,
        now: Timestamp,
        onset: Option<(uuid::Uuid, i64)>,
    ) -> Daily {
        Daily::of(events, served, span, &self.zone, now.as_microsecond(), onset)
    }
}
