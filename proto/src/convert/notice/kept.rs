//! Notices that are kept as the wire shows them.

use gridcare_domain::notice::{Act, Notice, Revision};
use jiff::Timestamp;
use uuid::Uuid;

use super::content_from_wire;
use crate::{
    convert::{code, time},
    notice::v1 as wire,
};

/// A notice as [`super::notice_to_wire`] wrote it, or what is wrong with it.
pub fn notice_from_wire(given: &wire::Notice) -> Result<Notice, String> {
    let missing = |what: &str| format!("a notice has no valid {what}");
    let version = given.etag.strip_prefix('v').and_then(|digits| digits.parse().ok());
    let outage_id = (!given.outage_id.is_empty()).then(|| Uuid::try_parse(&given.outage_id)).transpose();
    Ok(Notice {
        id: Uuid::try_parse(&given.id).map_err(|_| missing("id"))?,
        version: version.ok_or_else(|| missing("etag"))?,
        outage_id: outage_id.map_err(|_| missing("outage_id"))?,
        incident: given.incident.clone(),
        revisions: given.revisions.iter().map(revision).collect::<Result<_, _>>()?,
    })
}

fn revision(given: &wire::NoticeRevision) -> Result<Revision, String> {
    let missing = |what: &str| format!("revision {} has no valid {what}", given.number);
    let at = |at: &Option<prost_types::Timestamp>| -> Option<Timestamp> { at.as_ref().and_then(time::instant) };
    let name = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let created_at = at(&given.created_at).ok_or_else(|| missing("created_at"))?;
    // It kept the rules when it was written.
    let content = given.content.as_ref().map(|content| content_from_wire(content, created_at, ""));
    Ok(Revision {
        number: given.number,
        content: content.and_then(Result::ok).ok_or_else(|| missing("content"))?,
        state: code::revision_state_from_wire(given.state).ok_or_else(|| missing("state"))?,
        author: given.author.clone(),
        created_at,
        approver: name(&given.approver),
        published_at: at(&given.published_at),
        reviewer: name(&given.reviewer),
    })
}

/// What somebody does to the newest revision; `None` when unspecified or unknown.
#[must_use]
pub fn act_from_wire(number: i32) -> Option<Act> {
    Some(match wire::RevisionAct::try_from(number).ok()? {
        wire::RevisionAct::Unspecified => return None,
        wire::RevisionAct::Submit => Act::Submit,
        wire::RevisionAct::Approve => Act::Approve,
        wire::RevisionAct::Reject => Act::Reject,
        wire::RevisionAct::Publish => Act::Publish,
        wire::RevisionAct::Withdraw => Act::Withdraw,
        wire::RevisionAct::Review => Act::Review,
    })
}

#[cfg(test)]
mod tests {
    use gridcare_domain::{
        audience::Audience,
        notice::{Content, NoticeChannel, NoticeText, Phase, RevisionKind, RevisionState, Urgency},
        outage::Area,
    };

    use super::{super::notice_to_wire, *};

    #[test]
    fn a_notice_survives_the_wire() {
        let text = |title: &str| NoticeText { title: title.into(), body: "22 tỉnh phía Nam".into() };
        let place = Area { province: Some("VN-57".into()), district: Some("Dĩ An".into()), ..Area::default() };
        let content = Content {
            kind: RevisionKind::Initial,
            phase: Phase::First,
            urgency: Urgency::Emergency,
            audience: Audience { regions: vec!["SPC".into()], places: vec![place], customers: Vec::new() },
            channels: vec![NoticeChannel::Web, NoticeChannel::Sms],
            vi: text("Mất điện"),
            en: text("Power cut"),
            expires_at: Timestamp::from_second(3_600).unwrap(),
            diacritics: true,
        };
        let revision = Revision {
            number: 1,
            content,
            state: RevisionState::Published,
            author: "lan".into(),
            created_at: Timestamp::UNIX_EPOCH,
            approver: None,
            published_at: Some(Timestamp::from_second(5).unwrap()),
            reviewer: Some("minh".into()),
        };
        let notice = Notice {
            id: Uuid::from_u128(7),
            version: 3,
            outage_id: Some(Uuid::from_u128(8)),
            incident: "2013-05-22".into(),
            revisions: vec![revision],
        };
        assert_eq!(notice_from_wire(&notice_to_wire(&notice, true)), Ok(notice));
    }
}
