use std::time::Duration;

use gridcare_bus::Bytes;
use gridcare_proto::{convert::time, federation::v1 as wire};
use gridcare_store::gateway::Member;
use prost::Message as _;
use tonic::Status;

use super::{Parts, check, failed, refuse_if};
use crate::{
    country::Country,
    flows::metric_merges::{Period, completeness, figures, month_so_far, tickets},
};

/// How old a complete answer may be that is given again; an incomplete one is made anew each time.
const FRESH: Duration = Duration::from_secs(1);

pub(super) async fn get(
    parts: &Parts,
    request: &wire::GetNationalStatusRequest,
) -> Result<wire::GetNationalStatusResponse, Status> {
    let now = parts.clock.now();
    let period = match (&request.from, &request.until) {
        (None, None) => month_so_far(now, &parts.country.zone),
        (from, until) => {
            let mut found = Vec::new();
            let period = check::period(from.as_ref(), until.as_ref(), &mut found);
            refuse_if(found)?;
            period.ok_or_else(|| Status::internal("unreachable"))?
        }
    };
    let members = parts.members(period.until).await.map_err(|e| failed(&e))?;
    let completeness = completeness(&members, now);
    let whole = completeness.covered == completeness.expected;
    let head = wire::GetNationalStatusResponse {
        from: Some(time::timestamp(period.from)),
        until: Some(time::timestamp(period.until)),
        as_of: Some(time::timestamp(now)),
        completeness: Some(completeness),
        ..Default::default()
    };
    let key = key(period, &members, &parts.definition.id);
    if whole && let Some(kept) = cached(parts, &key).await {
        return Ok(wire::GetNationalStatusResponse { figures: kept.figures, tickets: kept.tickets, ..head });
    }
    let views = parts.views(members, Some(period)).await.map_err(|e| failed(&e))?;
    let regions = Country::regions(views.iter().map(|view| &view.member.seat));
    let figures = figures(&regions, &views, period, &parts.definition.id);
    let answer = wire::GetNationalStatusResponse { figures, tickets: tickets(&regions, &views), ..head };
    if whole {
        parts.bus.put(&key, Bytes::from(answer.encode_to_vec()), FRESH).await;
    }
    Ok(answer)
}

async fn cached(parts: &Parts, key: &str) -> Option<wire::GetNationalStatusResponse> {
    wire::GetNationalStatusResponse::decode(parts.bus.get(key).await?).ok()
}

/// What the figures depend on: the period, and how far each member's feed has been applied.
fn key(period: Period, members: &[Member], definition: &str) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(definition.as_bytes());
    for Member { seat, cursor, .. } in members {
        hash.update(seat.node.as_bytes()).update(seat.region.as_bytes()).update(cursor.incarnation.as_bytes());
        hash.update(&cursor.position.to_le_bytes());
    }
    format!("national-status:{}:{}:{}", period.begins_us(), period.ends_us(), hash.finalize().to_hex())
}
