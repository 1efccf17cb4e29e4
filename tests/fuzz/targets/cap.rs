//! Whatever a notice may say: an alert is always a document that others can read.

use gridcare_domain::notice::{
    NoticeChannel, NoticeText, Phase, PublicNotice, PublicRevision, Publisher, RevisionKind, Urgency, cap::alert,
};
use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

/// No text ends an element, and none but what XML may hold is in the document.
pub(crate) fn run(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let (title, body) = text.split_once('\n').unwrap_or((&text, ""));
    let said = NoticeText { title: title.to_owned(), body: body.to_owned() };
    let revision = PublicRevision {
        number: 1,
        kind: RevisionKind::Initial,
        phase: Phase::First,
        urgency: Urgency::Safety,
        regions: Vec::new(),
        places: Vec::new(),
        everybody: true,
        channels: vec![NoticeChannel::Web],
        vi: said.clone(),
        en: said,
        published_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::UNIX_EPOCH,
    };
    let notice = PublicNotice {
        id: Uuid::nil(),
        incident: title.to_owned(),
        stopped: false,
        outage_areas: Vec::new(),
        revisions: vec![revision],
    };
    let publisher = Publisher {
        sender: "example.vn".to_owned(),
        name: title.to_owned(),
        url: String::new(),
        contact: body.to_owned(),
        exercise: true,
        zone: TimeZone::UTC,
    };
    let document = alert(&notice, 1, &publisher).expect("the revision is there");
    assert_eq!(document.matches("<info>").count(), 2);
    assert!(document.ends_with("</alert>\n"));
    assert!(!document.contains(|c: char| c < ' ' && !"\t\n".contains(c)));
}
