//! What the country may know of a regional notice: what was published to the public, and no customer.

use gridcare_domain::{
    feed::{Change, Kind},
    notice::{Notice, NoticeChannel, NoticeText, PublicNotice, PublicRevision, Revision, RevisionKind, RevisionState},
    outage::Area,
};
use prost::Message as _;
use uuid::Uuid;

use super::told::text_to_wire;
use crate::{
    convert::{code, time},
    federation::v1 as wire,
};

/// A code may leave; whatever else somebody wrote where a code belongs stays.
fn code_of(text: Option<&String>) -> String {
    let plain =
        |text: &&String| text.len() <= 40 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:".contains(&b));
    text.filter(plain).cloned().unwrap_or_default()
}

fn revision(revision: &Revision) -> wire::FederatedRevision {
    let content = &revision.content;
    let place = |place: &gridcare_domain::outage::Area| wire::FederatedNoticePlace {
        province: code_of(place.province.as_ref()),
        area_code: code_of(place.area_code.as_ref()),
        feeder: code_of(place.feeder.as_ref()),
    };
    wire::FederatedRevision {
        number: revision.number,
        kind: code::revision_kind_to_wire(content.kind),
        phase: code::phase_to_wire(content.phase),
        urgency: code::urgency_to_wire(content.urgency),
        audience: Some(wire::FederatedAudience {
            places: content.audience.places.iter().map(place).collect(),
            named_customers: i64::try_from(content.audience.customers.len()).unwrap_or(i64::MAX),
        }),
        channels: content.channels.iter().map(|channel| code::notice_channel_to_wire(*channel)).collect(),
        vi: Some(text_to_wire(&content.vi)),
        en: Some(text_to_wire(&content.en)),
        published_at: revision.published_at.map(time::timestamp),
        expires_at: Some(time::timestamp(content.expires_at)),
        approved: revision.approver.is_some(),
        reviewed: revision.reviewer.is_some(),
    }
}

/// What the country may know of a regional notice.
#[must_use]
pub fn notice_to_federation(notice: &Notice) -> wire::FederatedNotice {
    let published = notice.revisions.iter().filter(|revision| revision.state == RevisionState::Published);
    wire::FederatedNotice {
        id: notice.id.to_string(),
        version: u64::try_from(notice.version).unwrap_or(0),
        incident: notice.incident.clone(),
        outage_id: notice.outage_id.map(|id| id.to_string()).unwrap_or_default(),
        revisions: published.map(revision).collect(),
    }
}

/// The feed's change of a regional notice.
#[must_use]
pub fn notice_change(notice: &Notice) -> Change {
    let payload = notice_to_federation(notice).encode_to_vec();
    Change { kind: Kind::Notice, key: notice.id.to_string(), version: notice.version, payload }
}

/// What everybody may read of a member's notice, as the country knows it; none when the message is malformed. `region` is the
/// corporation whose customers it is for.
#[must_use]
pub fn public_notice_from_wire(given: &wire::FederatedNotice, region: &str) -> Option<PublicNotice> {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let place = |place: &wire::FederatedNoticePlace| Area {
        province: some(&place.province),
        area_code: some(&place.area_code),
        feeder: some(&place.feeder),
        ..Area::default()
    };
    // A channel of a later version is one that we do not tell by.
    let channels = |given: &wire::FederatedRevision| -> Vec<NoticeChannel> {
        given.channels.iter().filter_map(|channel| code::notice_channel_from_wire(*channel)).collect()
    };
    let public = |given: &&wire::FederatedRevision| {
        let named_alone =
            |audience: &wire::FederatedAudience| audience.places.is_empty() && audience.named_customers > 0;
        PublicRevision::is_public(&channels(given), given.audience.as_ref().is_some_and(named_alone))
    };
    let revision = |given: &wire::FederatedRevision| {
        let text = |text: &Option<crate::notice::v1::NoticeText>| {
            let text = text.clone().unwrap_or_default();
            NoticeText { title: text.title, body: text.body }
        };
        let audience = given.audience.clone().unwrap_or_default();
        let everybody = audience.places.is_empty() && audience.named_customers == 0;
        Some(PublicRevision {
            number: given.number,
            kind: code::revision_kind_from_wire(given.kind)?,
            phase: code::phase_from_wire(given.phase)?,
            urgency: code::urgency_from_wire(given.urgency)?,
            regions: vec![region.to_owned()],
            // A place of which nothing is a code is known at home alone.
            places: audience.places.iter().map(place).filter(|place| !place.is_empty()).collect(),
            everybody,
            channels: channels(given),
            vi: text(&given.vi),
            en: text(&given.en),
            published_at: given.published_at.as_ref().and_then(time::instant)?,
            expires_at: given.expires_at.as_ref().and_then(time::instant)?,
        })
    };
    let letters = given.revisions.iter().rev().take_while(|last| !public(last));
    let stopped = letters.filter_map(|letter| code::revision_kind_from_wire(letter.kind)).any(RevisionKind::stops);
    Some(PublicNotice {
        id: Uuid::try_parse(&given.id).ok()?,
        incident: given.incident.clone(),
        outage_areas: Vec::new(),
        revisions: given.revisions.iter().filter(public).map(revision).collect::<Option<_>>()?,
        stopped,
    })
}
