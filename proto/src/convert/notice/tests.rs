use gridcare_domain::notice::{Asked, Notice, NoticeChannel, PublicNotice, Remark, Revision, RevisionState, Said};
use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::notice::v1 as wire;

fn content() -> wire::NoticeContent {
    let text = |title: &str| Some(wire::NoticeText { title: title.into(), body: format!("{title}.") });
    wire::NoticeContent {
        kind: wire::RevisionKind::Initial.into(),
        phase: wire::Phase::FirstNotice.into(),
        urgency: wire::Urgency::Safety.into(),
        audience: Some(wire::NoticeAudience {
            regions: vec!["HCMC".into()],
            places: vec![wire::NoticePlace {
                province: "VN-SG".into(),
                district: "Quận 1".into(),
                feeder: "see the note, Mr Lan".into(),
                ..wire::NoticePlace::default()
            }],
            customer_codes: vec!["PE01000000001".into()],
        }),
        channels: vec![wire::NoticeChannel::Sms.into(), wire::NoticeChannel::Web.into()],
        vi: text("Mất điện"),
        en: text("Power cut"),
        expires_at: Some(prost_types::Timestamp { seconds: 3_600, nanos: 0 }),
        diacritics: true,
    }
}

#[test]
fn what_an_author_gives_comes_back_in_the_order_of_its_channels() {
    let read = content_from_wire(&content(), Timestamp::UNIX_EPOCH, "content.").unwrap();
    let mut expected = content();
    expected.channels.reverse();
    assert_eq!(content_to_wire(&read), expected);
}

#[test]
fn every_violation_of_a_content_is_named_once() {
    let mut broken = content();
    broken.kind = 9;
    broken.channels.push(99);
    broken.expires_at = None;
    broken.vi = None;
    broken.audience.as_mut().unwrap().customer_codes.push("?".into());
    let found = content_from_wire(&broken, Timestamp::UNIX_EPOCH, "content.").unwrap_err();
    let fields: Vec<_> = found.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "content.kind",
            "content.channels[2]",
            "content.expires_at",
            "content.audience.customer_codes[1]",
            "content.vi.title",
            "content.vi.body",
        ]
    );
}

#[test]
fn what_leaves_of_a_notice_names_no_customer_and_no_prose_but_what_was_published() {
    let read = content_from_wire(&content(), Timestamp::UNIX_EPOCH, "").unwrap();
    let revision = |number, state| Revision {
        number,
        content: read.clone(),
        state,
        author: "lan".into(),
        created_at: Timestamp::UNIX_EPOCH,
        approver: Some("minh".into()),
        published_at: Some(Timestamp::UNIX_EPOCH),
        reviewer: None,
    };
    let notice = Notice {
        id: Uuid::nil(),
        version: 3,
        outage_id: None,
        incident: "storm-1".into(),
        revisions: vec![revision(1, RevisionState::Published), revision(2, RevisionState::Draft)],
    };
    let leaves = notice_to_federation(&notice);
    assert_eq!(leaves.revisions.len(), 1, "a draft stays at home");
    let audience = leaves.revisions[0].audience.as_ref().unwrap();
    assert_eq!((audience.named_customers, audience.places[0].feeder.as_str()), (1, ""));
    let text = format!("{leaves:?}");
    for stays in ["PE01000000001", "lan", "minh", "Quận 1"] {
        assert!(!text.contains(stays), "{stays} in {text}");
    }
}

#[test]
fn the_country_may_read_what_everybody_may_read_at_home() {
    let read = content_from_wire(&content(), Timestamp::UNIX_EPOCH, "").unwrap();
    let revision = |number, feeder: Option<&str>, channel| {
        let mut content = read.clone();
        content.channels = vec![channel];
        content.audience.places.truncate(usize::from(feeder.is_some()));
        for place in &mut content.audience.places {
            (place.province, place.district, place.feeder) = (None, None, feeder.map(str::to_owned));
        }
        Revision {
            number,
            content,
            state: RevisionState::Published,
            author: "lan".into(),
            created_at: Timestamp::UNIX_EPOCH,
            approver: None,
            published_at: Some(Timestamp::UNIX_EPOCH),
            reviewer: None,
        }
    };
    let revisions = vec![
        revision(1, None, NoticeChannel::Sms),
        revision(2, None, NoticeChannel::Web),
        revision(3, Some("471-E5"), NoticeChannel::Sms),
        // Where that is is known at home alone.
        revision(4, Some("behind the market"), NoticeChannel::Sms),
    ];
    let notice = Notice { id: Uuid::nil(), version: 4, outage_id: None, incident: "storm-1".into(), revisions };
    let told = |public: &PublicNotice| -> Vec<(i64, Vec<NoticeChannel>)> {
        public.revisions.iter().map(|revision| (revision.number, revision.channels.clone())).collect()
    };
    let country = public_notice_from_wire(&notice_to_federation(&notice), "HCMC").unwrap();
    assert_eq!(told(&country), told(&PublicNotice::of(&notice, Some("HCMC"), Vec::new())));
    let sms = vec![NoticeChannel::Sms];
    assert_eq!(told(&country), [(2, vec![NoticeChannel::Web]), (3, sms.clone()), (4, sms)]);
}

#[test]
fn a_remark_says_what_is_asked_and_who_asks_it() {
    let told = |asked| {
        let remark = Remark { rule: "incident".into(), source: "EVN 2013".into(), asked };
        remark_to_wire(&remark, "evn-2013.1")
    };
    let channel = told(Asked::Channel(NoticeChannel::Web));
    assert_eq!((channel.code.as_str(), channel.channel.as_str(), channel.due_at), ("MISSING_CHANNEL", "web", None));
    assert_eq!([channel.rule, channel.standard, channel.source], ["incident", "evn-2013.1", "EVN 2013"]);
    assert_eq!(channel.message, "tell it by web as well");
    assert_eq!(told(Asked::Content(Said::ExpectedReturn)).content, "expected_return");
    let due = Timestamp::from_second(1_800).unwrap();
    for (asked, code) in [(Asked::FirstBy(due), "FIRST_DUE"), (Asked::FirstSince(due), "FIRST_LATE")] {
        let remark = told(asked);
        assert_eq!((remark.code.as_str(), remark.due_at.map(|due| due.seconds)), (code, Some(1_800)));
    }
}
