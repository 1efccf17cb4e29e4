use gridcare_domain::{
    audience::Audience,
    notice::{Asked, Content, Notice, NoticeText, Remark, Revision},
    outage::Area,
};

use crate::{
    convert::{code, ticket::etag, time},
    notice::v1 as wire,
};

/// A text in one language on the wire.
#[must_use]
pub fn text_to_wire(text: &NoticeText) -> wire::NoticeText {
    wire::NoticeText { title: text.title.clone(), body: text.body.clone() }
}

fn place(place: &Area) -> wire::NoticePlace {
    wire::NoticePlace {
        province: place.province.clone().unwrap_or_default(),
        district: place.district.clone().unwrap_or_default(),
        area_code: place.area_code.clone().unwrap_or_default(),
        feeder: place.feeder.clone().unwrap_or_default(),
    }
}

fn audience(audience: &Audience) -> wire::NoticeAudience {
    wire::NoticeAudience {
        regions: audience.regions.clone(),
        places: audience.places.iter().map(place).collect(),
        customer_codes: audience.customers.iter().map(|code| code.as_str().to_owned()).collect(),
    }
}

/// What an author decided, on the wire.
#[must_use]
pub fn content_to_wire(content: &Content) -> wire::NoticeContent {
    wire::NoticeContent {
        kind: code::revision_kind_to_wire(content.kind),
        phase: code::phase_to_wire(content.phase),
        urgency: code::urgency_to_wire(content.urgency),
        audience: Some(audience(&content.audience)),
        channels: content.channels.iter().map(|channel| code::notice_channel_to_wire(*channel)).collect(),
        vi: Some(text_to_wire(&content.vi)),
        en: Some(text_to_wire(&content.en)),
        expires_at: Some(time::timestamp(content.expires_at)),
        diacritics: content.diacritics,
    }
}

fn revision(revision: &Revision) -> wire::NoticeRevision {
    wire::NoticeRevision {
        number: revision.number,
        content: Some(content_to_wire(&revision.content)),
        state: code::revision_state_to_wire(revision.state),
        author: revision.author.clone(),
        created_at: Some(time::timestamp(revision.created_at)),
        approver: revision.approver.clone().unwrap_or_default(),
        published_at: revision.published_at.map(time::timestamp),
        reviewer: revision.reviewer.clone().unwrap_or_default(),
        awaits_review: revision.awaits_review(),
    }
}

/// A notice on the wire; `national` when it came from the gateway.
#[must_use]
pub fn notice_to_wire(notice: &Notice, national: bool) -> wire::Notice {
    wire::Notice {
        id: notice.id.to_string(),
        etag: etag(notice.version),
        incident: notice.incident.clone(),
        outage_id: notice.outage_id.map(|id| id.to_string()).unwrap_or_default(),
        national,
        revisions: notice.revisions.iter().map(revision).collect(),
    }
}

/// What a standard asks of a notice, on the wire; `standard` is its version.
#[must_use]
pub fn remark_to_wire(remark: &Remark, standard: &str) -> wire::NoticeRemark {
    let mut told = wire::NoticeRemark {
        code: remark.asked.code().to_owned(),
        rule: remark.rule.clone(),
        standard: standard.to_owned(),
        source: remark.source.clone(),
        message: remark.asked.to_string(),
        ..wire::NoticeRemark::default()
    };
    match remark.asked {
        Asked::Channel(channel) => channel.code().clone_into(&mut told.channel),
        Asked::Content(said) => said.code().clone_into(&mut told.content),
        Asked::FirstBy(due) | Asked::FirstSince(due) => told.due_at = Some(time::timestamp(due)),
    }
    told
}
