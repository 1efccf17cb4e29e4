use gridcare_domain::{metric::fold::Grain, refusal::Violation};
use gridcare_proto::{convert::metric::definition_to_wire, federation::v1 as wire, metric::v1::Granularity};
use prost::Message as _;
use tonic::Status;

use super::{Parts, check, failed, refuse_if};
use crate::{
    country::Country,
    flows::metric_merges::{Intervals, Question, completeness, formulas, table},
};

/// Intervals of one answer at most: half a year of hours.
const INTERVALS: usize = 4_416;
/// What common clients take in one message, with room for headers.
const ANSWER_BYTES: usize = (4 << 20) - 4_096;

pub(super) async fn query(
    parts: &Parts,
    request: &wire::QueryNationalMetricsRequest,
) -> Result<wire::QueryNationalMetricsResponse, Status> {
    let mut found = Vec::new();
    let period = check::period(request.from.as_ref(), request.until.as_ref(), &mut found);
    let grain = match Granularity::try_from(request.granularity) {
        Ok(Granularity::Unspecified | Granularity::Total) => Grain::Total,
        Ok(Granularity::Hour) => Grain::Hour,
        Ok(Granularity::Day) => Grain::Day,
        Ok(Granularity::Month) => Grain::Month,
        Err(_) => {
            found.push(Violation::new("granularity", "UNKNOWN_CODE", "give TOTAL, HOUR, DAY or MONTH"));
            Grain::Total
        }
    };
    let channels = check::channels(&request.channels, &mut found);
    let asked = check::regions(&request.regions, &parts.country, &mut found);
    let intervals = period.and_then(|period| {
        let intervals = Intervals::of(period, grain, &parts.country.zone, INTERVALS);
        if intervals.is_none() {
            found.push(too_much(&format!("there would be more than {INTERVALS} intervals")));
        }
        Some((period, intervals?))
    });
    refuse_if(found)?;
    let Some((period, intervals)) = intervals else { return Err(Status::internal("unreachable")) };

    let mut members = parts.members(period.until).await.map_err(|e| failed(&e))?;
    members.retain(|member| asked.is_empty() || asked.contains(&member.seat.region.as_str()));
    let completeness = completeness(&members, parts.clock.now());
    let views = parts.views(members, None).await.map_err(|e| failed(&e))?;
    let regions = Country::regions(views.iter().map(|view| &view.member.seat));
    let question = Question {
        regions: &regions,
        period,
        intervals: &intervals,
        channels: &channels,
        with_sketches: request.with_sketches,
        definition: &parts.definition,
    };
    let answer = wire::QueryNationalMetricsResponse {
        definition: Some(definition_to_wire(&parts.definition)),
        rows: table(&parts.store, &question, &views).await.map_err(|e| failed(&e))?,
        formulas: formulas(&channels),
        completeness: Some(completeness),
    };
    if answer.encoded_len() > ANSWER_BYTES {
        refuse_if(vec![too_much("the answer would be larger than 4 MiB")])?;
    }
    Ok(answer)
}

fn too_much(what: &str) -> Violation {
    let cure = "give a shorter period, a coarser granularity, fewer channels or regions, or no sketches";
    Violation::new("until", "TOO_MUCH", format!("{what}; {cure}"))
}
