//! A notice is planned: every member of its audience is asked what sending will take, and regions are sums of their nodes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use gridcare_chassis::serve::Deadline;
use gridcare_domain::notice::Content;
use gridcare_proto::{convert::notice::content_to_wire, notice::v1 as wire};
use gridcare_store::gateway::Seat;
use uuid::Uuid;

use crate::{
    country::Country,
    peers::{PATIENCE, Peer},
};

/// What is planned.
pub(crate) struct Planned {
    pub(crate) content: Content,
    /// Empty where nobody has named it yet.
    pub(crate) incident: String,
    /// The notice that it would be a revision of, if there is one.
    pub(crate) of: Option<Uuid>,
}

/// Asks the members that the content concerns, and sums what they say. Of what remains until the caller's deadline they have
/// four fifths.
pub(crate) async fn plan(
    peers: &Arc<BTreeMap<String, Peer>>,
    seats: &[Seat],
    planned: &Planned,
) -> wire::PlanNoticeResponse {
    let content = &planned.content;
    let patience = Deadline::current().map_or(PATIENCE, |deadline| PATIENCE.min(deadline.remaining())) * 4 / 5;
    let concerned: Vec<_> = seats.iter().filter(|seat| content.audience.concerns_region(&seat.region)).collect();
    let asked = concerned.iter().map(|seat| async {
        let peer = peers.get(&seat.node)?;
        ask(peer.clone(), seat, planned, patience).await
    });
    let answers = futures::future::join_all(asked).await;
    let (mut regions, mut missing_regions) = (Vec::new(), Vec::new());
    for region in Country::regions(concerned.iter().copied()) {
        let own = concerned.iter().zip(&answers).filter(|(seat, _)| seat.region == region);
        // One of several nodes is not the region.
        match own.map(|(_, answer)| answer.clone()).collect::<Option<Vec<_>>>() {
            Some(plans) => regions.push(sum(region, &plans.concat())),
            None => missing_regions.push(region.to_owned()),
        }
    }
    wire::PlanNoticeResponse { regions, missing_regions }
}

async fn ask(mut peer: Peer, seat: &Seat, planned: &Planned, patience: Duration) -> Option<Vec<wire::RegionPlan>> {
    let mut content = content_to_wire(&planned.content);
    // A node plans for its own corporation's customers alone.
    content.audience.get_or_insert_default().regions = vec![seat.region.clone()];
    let mut request = tonic::Request::new(wire::PlanNoticeRequest {
        content: Some(content),
        incident: planned.incident.clone(),
        notice_id: planned.of.map(|id| id.to_string()).unwrap_or_default(),
        outage_id: String::new(),
    });
    request.set_timeout(patience);
    match tokio::time::timeout(patience, peer.notices.plan_notice(request)).await {
        Ok(Ok(answer)) => Some(answer.into_inner().regions),
        Ok(Err(status)) => {
            tracing::info!(node = seat.node, code = ?status.code(), said = status.message(), "a member does not plan");
            None
        }
        Err(_) => {
            tracing::info!(node = seat.node, "a member does not plan in time");
            None
        }
    }
}

/// A region's plan: that of its nodes together, each of which sends to its own customers over its own centres.
fn sum(region: &str, plans: &[wire::RegionPlan]) -> wire::RegionPlan {
    let mut whole = wire::RegionPlan { region: region.to_owned(), ..Default::default() };
    let minutes = plans.iter().map(|plan| plan.curve.len()).max().unwrap_or(0);
    whole.curve = vec![0; minutes];
    for plan in plans {
        whole.recipients = whole.recipients.saturating_add(plan.recipients);
        whole.parts = whole.parts.saturating_add(plan.parts);
        whole.parts_per_second = whole.parts_per_second.saturating_add(plan.parts_per_second);
        whole.within_30_minutes = whole.within_30_minutes.saturating_add(plan.within_30_minutes);
        for (minute, told) in whole.curve.iter_mut().enumerate() {
            // After its end a curve stays where it is.
            *told = told.saturating_add(plan.curve.get(minute).or(plan.curve.last()).copied().unwrap_or(0));
        }
        for group in &plan.groups {
            let same = |known: &&mut wire::PlannedGroup| {
                let key = |group: &wire::PlannedGroup| (group.wave.clone(), group.language, group.parts, group.ucs2);
                key(known) == key(group)
            };
            match whole.groups.iter_mut().find(same) {
                Some(known) => {
                    known.recipients = known.recipients.saturating_add(group.recipients);
                    // One that never ends is never done.
                    known.done_after_s = known.done_after_s.zip(group.done_after_s).map(|(a, b)| a.max(b));
                }
                None => whole.groups.push(group.clone()),
            }
        }
        // Nodes of a region work by one standard, and ask for the same.
        for remark in &plan.remarks {
            if !whole.remarks.contains(remark) {
                whole.remarks.push(remark.clone());
            }
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_the_sum_of_its_nodes() {
        let group = |wave: &str, recipients, done_after_s| wire::PlannedGroup {
            wave: wave.into(),
            language: 1,
            recipients,
            parts: 2,
            ucs2: false,
            done_after_s,
        };
        let plan = |groups: Vec<wire::PlannedGroup>, curve: &[i64]| wire::RegionPlan {
            recipients: groups.iter().map(|group| group.recipients).sum(),
            parts: 10,
            parts_per_second: 5,
            within_30_minutes: 7,
            curve: curve.to_vec(),
            groups,
            ..Default::default()
        };
        let one = plan(vec![group("medical", 3, Some(4)), group("others", 7, Some(90))], &[6, 10]);
        let other = plan(vec![group("others", 5, Some(30))], &[5]);
        let whole = sum("SPC", &[one, other]);
        assert_eq!((whole.recipients, whole.parts, whole.parts_per_second), (15, 20, 10));
        assert_eq!((whole.within_30_minutes, whole.curve.as_slice()), (14, &[11, 15][..]));
        assert_eq!(whole.groups, [group("medical", 3, Some(4)), group("others", 12, Some(90))]);
        let stuck = plan(vec![group("others", 1, None)], &[]);
        let whole = sum("SPC", &[plan(vec![group("others", 1, Some(1))], &[1]), stuck]);
        assert_eq!((whole.groups[0].done_after_s, whole.curve), (None, vec![1]));
    }

    #[test]
    fn what_all_nodes_of_a_region_ask_for_is_asked_for_once() {
        let remark = |channel: &str| wire::NoticeRemark {
            code: "MISSING_CHANNEL".into(),
            channel: channel.into(),
            ..Default::default()
        };
        let plan = |channels: &[&str]| wire::RegionPlan {
            remarks: channels.iter().copied().map(remark).collect(),
            ..Default::default()
        };
        let whole = sum("SPC", &[plan(&["web"]), plan(&["web", "sms"])]);
        assert_eq!(whole.remarks, [remark("web"), remark("sms")]);
    }
}
