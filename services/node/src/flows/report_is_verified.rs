use std::collections::BTreeSet;

use gridcare_domain::report::{
    Amount, Key, Tally,
    day::{Grain, date_of},
};
use gridcare_proto::report::v1 as wire;
use gridcare_store::{StoreError, counted::Audited};
use tokio::sync::OwnedSemaphorePermit;

use crate::{Node, SharedNode, outlet::Outlet};

/// Mismatches that the sum repeats.
const REPEATED: usize = 1_000;
/// Progress is told after so many tickets.
const TOLD_EVERY: u64 = 20_000;
const RESUME: &str = "nothing: verify again";

/// Recounts all tickets one by one and compares with the tallies, as of one moment.
pub(crate) async fn verify(node: SharedNode, out: Outlet<wire::VerifyReportResponse>, _permit: OwnedSemaphorePermit) {
    if let Err(e) = compare(&node, &out).await {
        out.fail(gridcare_chassis::status::fault(&e));
    }
}

async fn compare(node: &Node, out: &Outlet<wire::VerifyReportResponse>) -> Result<(), StoreError> {
    let mut audit = node.store.begin_audit(&node.id).await?;
    let mut sum = wire::VerifyReportResponse {
        position: u64::try_from(audit.tallied.position).unwrap_or(0),
        ..Default::default()
    };
    let (mut days, mut told) = (Tally::default(), 0);
    loop {
        let audited = audit.next().await?;
        if audited.is_empty() {
            break;
        }
        sum.tickets_read += audited.len() as u64;
        for one in &audited {
            recount(node, one, &mut days, &mut sum.mismatches)?;
        }
        if sum.tickets_read - told >= TOLD_EVERY {
            told = sum.tickets_read;
            let progress = wire::VerifyReportResponse { mismatches: Vec::new(), ..sum.clone() };
            if !out.send(progress, RESUME).await {
                return Ok(());
            }
        }
    }
    let months = days.months();
    for (grain, stored, recounted) in [(Grain::Day, &audit.days, &days), (Grain::Month, &audit.months, &months)] {
        let keys: BTreeSet<&Key> = stored.iter().chain(recounted.iter()).map(|(key, _)| key).collect();
        sum.tallies_checked += keys.len() as u64;
        let differing = keys.into_iter().filter(|key| stored.get(key) != recounted.get(key));
        // Nobody would look at more; the number of those that were checked says how large the rest is.
        let room = REPEATED.saturating_sub(sum.mismatches.len());
        sum.mismatches
            .extend(differing.take(room).map(|key| mismatch(grain, key, stored.get(key), recounted.get(key))));
    }
    out.send(sum, RESUME).await;
    Ok(())
}

fn recount(
    node: &Node,
    one: &Audited,
    days: &mut Tally,
    found: &mut Vec<wire::TallyMismatch>,
) -> Result<(), StoreError> {
    let now = node.facts_of(&one.ticket)?;
    if !one.pending && one.counted.as_ref() != Some(&now) && found.len() < REPEATED {
        let told = one.counted.as_ref().map_or_else(|| "nothing".to_owned(), |_| "an earlier state".to_owned());
        found.push(wire::TallyMismatch {
            measure: "counted".to_owned(),
            ticket_id: one.ticket.id.to_string(),
            stored: told,
            recounted: format!("version {}", one.ticket.version),
            ..Default::default()
        });
    }
    // A version that waits to be counted is not in the tallies; what was counted before it is.
    let counted = if one.pending { one.counted.as_ref() } else { Some(&now) };
    if let Some(facts) = counted {
        days.count(facts, &node.zone, 1);
    }
    Ok(())
}

fn mismatch(grain: Grain, key: &Key, stored: Amount, recounted: Amount) -> wire::TallyMismatch {
    let told = |amount: Amount| match amount.total {
        0 => amount.n.to_string(),
        total => format!("{} with a sum of {total}", amount.n),
    };
    wire::TallyMismatch {
        measure: key.measure.code().to_owned(),
        grain: grain.code().to_owned(),
        day: date_of(key.day).to_string(),
        category: key.category.clone(),
        detail: key.detail.clone(),
        ticket_id: String::new(),
        stored: told(stored),
        recounted: told(recounted),
    }
}
