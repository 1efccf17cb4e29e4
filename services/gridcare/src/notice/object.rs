//! Notices for programs.

use gridcare_proto::{convert::code, notice::v1 as wire};
use serde_json::{Value, json};

use crate::status::json::instant;

fn text(text: Option<&wire::NoticeText>) -> Value {
    json!(text.map(|text| json!({ "title": text.title, "body": text.body })))
}

fn revision(revision: &wire::NoticeRevision) -> Value {
    let content = revision.content.clone().unwrap_or_default();
    let audience = content.audience.unwrap_or_default();
    let place = |place: &wire::NoticePlace| {
        json!({
            "province": place.province, "district": place.district, "area_code": place.area_code, "feeder": place.feeder,
        })
    };
    let channel =
        |number: &i32| code::notice_channel_from_wire(*number).map(gridcare_domain::notice::NoticeChannel::code);
    json!({
        "number": revision.number,
        "state": code::revision_state_from_wire(revision.state).map(gridcare_domain::notice::RevisionState::code),
        "kind": code::revision_kind_from_wire(content.kind).map(gridcare_domain::notice::RevisionKind::code),
        "phase": code::phase_from_wire(content.phase).map(gridcare_domain::notice::Phase::code),
        "urgency": code::urgency_from_wire(content.urgency).map(gridcare_domain::notice::Urgency::code),
        "regions": audience.regions,
        "places": audience.places.iter().map(place).collect::<Vec<_>>(),
        "customers": audience.customer_codes.len(),
        "channels": content.channels.iter().map(channel).collect::<Vec<_>>(),
        "vi": text(content.vi.as_ref()),
        "en": text(content.en.as_ref()),
        "expires_at": instant(content.expires_at.as_ref()),
        "diacritics": content.diacritics,
        "author": revision.author,
        "created_at": instant(revision.created_at.as_ref()),
        "approver": revision.approver,
        "published_at": instant(revision.published_at.as_ref()),
        "reviewer": revision.reviewer,
        "awaits_review": revision.awaits_review,
    })
}

pub(super) fn notice(notice: &wire::Notice) -> Value {
    json!({
        "id": notice.id, "etag": notice.etag, "incident": notice.incident, "outage": notice.outage_id,
        "national": notice.national, "revisions": notice.revisions.iter().map(revision).collect::<Vec<_>>(),
    })
}

pub(super) fn plan(plan: &wire::PlanNoticeResponse) -> Value {
    let group = |group: &wire::PlannedGroup| {
        json!({
            "wave": group.wave, "language": super::plan::language(group), "recipients": group.recipients,
            "parts": group.parts, "ucs2": group.ucs2, "done_after_s": group.done_after_s,
        })
    };
    let remark = |remark: &wire::NoticeRemark| {
        json!({
            "code": remark.code, "rule": remark.rule, "standard": remark.standard, "source": remark.source,
            "channel": remark.channel, "content": remark.content, "due_at": instant(remark.due_at.as_ref()),
            "message": remark.message,
        })
    };
    let region = |region: &wire::RegionPlan| {
        json!({
            "region": region.region, "recipients": region.recipients, "parts": region.parts,
            "parts_per_second": region.parts_per_second, "within_30_minutes": region.within_30_minutes,
            "groups": region.groups.iter().map(group).collect::<Vec<_>>(), "curve": region.curve,
            "remarks": region.remarks.iter().map(remark).collect::<Vec<_>>(),
        })
    };
    json!({
        "regions": plan.regions.iter().map(region).collect::<Vec<_>>(), "missing_regions": plan.missing_regions,
    })
}

pub(super) fn progress(progress: &[wire::NoticeProgress]) -> Value {
    let channel =
        |number: i32| code::notice_channel_from_wire(number).map(gridcare_domain::notice::NoticeChannel::code);
    let count = |count: &wire::DeliveryCount| json!({ "channel": channel(count.channel), "state": count.state, "deliveries": count.deliveries });
    let minute =
        |minute: &wire::MinuteCount| json!({ "minute": instant(minute.minute.as_ref()), "accepted": minute.accepted });
    let revision = |revision: &wire::RevisionProgress| {
        json!({
            "revision": revision.revision, "published_at": instant(revision.published_at.as_ref()),
            "counts": revision.counts.iter().map(count).collect::<Vec<_>>(),
            "accepted": revision.accepted.iter().map(minute).collect::<Vec<_>>(),
            "predicted_recipients": revision.predicted_recipients,
            "predicted_within_30_minutes": revision.predicted_within_30_minutes,
        })
    };
    let first = |first: &wire::FirstReached| json!({ "province": first.province, "channel": channel(first.channel), "at": instant(first.at.as_ref()) });
    let node = |node: &wire::NoticeProgress| {
        json!({
            "region": node.region, "node": node.node,
            "revisions": node.revisions.iter().map(revision).collect::<Vec<_>>(),
            "first": node.first.iter().map(first).collect::<Vec<_>>(),
        })
    };
    json!(progress.iter().map(node).collect::<Vec<_>>())
}
