use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    notice::{NoticeChannel, NoticeText, syndication},
    outage::{Polygon, Position},
};

fn at(minutes: i64) -> Timestamp {
    "2013-05-22T07:30:00Z".parse::<Timestamp>().unwrap().saturating_add(SignedDuration::from_mins(minutes)).unwrap()
}

fn publisher() -> Publisher {
    Publisher {
        sender: "cskh.example.vn".into(),
        name: "EVN SPC".into(),
        url: "https://cskh.example.vn".into(),
        contact: "19001006".into(),
        exercise: true,
        zone: TimeZone::fixed(jiff::tz::offset(7)),
    }
}

fn revision(number: i64, kind: RevisionKind, phase: Phase) -> PublicRevision {
    let text = |title: &str, body: &str| NoticeText { title: title.into(), body: body.into() };
    PublicRevision {
        number,
        kind,
        phase,
        urgency: Urgency::Emergency,
        regions: vec!["SPC".into()],
        places: Vec::new(),
        everybody: true,
        channels: vec![NoticeChannel::Web],
        vi: text("Mất điện tại 22 tỉnh", "Sự cố đường dây 500 kV <Di Linh - Tân Định>."),
        en: text("Power cut in 22 provinces", "A fault on the 500 kV line."),
        published_at: at(number * 10),
        expires_at: at(1_440),
    }
}

fn notice() -> PublicNotice {
    let corner = |lon: i32, lat: i32| Position { lon_e7: lon * 1_000_000, lat_e7: lat * 1_000_000 };
    let ring = vec![corner(1_066, 110), corner(1_066, 111), corner(1_067, 111), corner(1_066, 110)];
    let drawn = Area { feeder: Some("471-E5".into()), polygon: Some(Polygon { ring }), ..Area::default() };
    PublicNotice {
        id: Uuid::from_u128(7),
        incident: "500 kV 2013-05-22".into(),
        stopped: false,
        outage_areas: vec![drawn],
        revisions: vec![
            revision(1, RevisionKind::Initial, Phase::First),
            revision(3, RevisionKind::Correction, Phase::EstimateChanged),
            revision(4, RevisionKind::AllClear, Phase::AllClear),
        ],
    }
}

fn texts(xml: &str, name: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(xml).unwrap_or_else(|e| panic!("{e}: {xml}"));
    let named = document.descendants().filter(|node| node.tag_name().name() == name);
    named.map(|node| node.text().unwrap_or_default().to_owned()).collect()
}

#[test]
fn an_alert_says_the_same_in_two_languages_and_refers_to_all_before_it() {
    let first = alert(&notice(), 1, &publisher()).unwrap();
    assert_eq!(texts(&first, "references"), Vec::<String>::new());
    assert_eq!(texts(&first, "sent"), ["2013-05-22T14:40:00+07:00"]);
    assert_eq!(
        (texts(&first, "msgType"), texts(&first, "urgency")),
        (vec!["Alert".to_owned()], vec!["Immediate".to_owned(); 2])
    );
    let last = alert(&notice(), 4, &publisher()).unwrap();
    let id = "urn:x-gridcare:notice:00000000-0000-0000-0000-000000000007";
    assert_eq!(
        texts(&last, "references"),
        [format!("cskh.example.vn,{id}:1,2013-05-22T14:40:00+07:00 cskh.example.vn,{id}:3,2013-05-22T15:00:00+07:00")]
    );
    assert_eq!(
        (texts(&last, "status"), texts(&last, "msgType")),
        (vec!["Exercise".to_owned()], vec!["Update".to_owned()])
    );
    assert_eq!(texts(&last, "incidents"), ["\"500 kV 2013-05-22\""]);
    assert_eq!(texts(&last, "language"), ["vi-VN", "en"]);
    assert_eq!(texts(&last, "responseType"), ["AllClear", "AllClear"]);
    assert_eq!(
        (texts(&last, "urgency"), texts(&last, "severity")),
        (vec!["Past".to_owned(); 2], vec!["Minor".to_owned(); 2])
    );
    assert_eq!(texts(&last, "description")[0], "Sự cố đường dây 500 kV <Di Linh - Tân Định>.");
    assert_eq!(texts(&last, "polygon")[0], "11,106.6 11.1,106.7 11.1,106.6 11,106.6");
    assert!(texts(&last, "areaDesc").contains(&"lộ ra 471-E5".to_owned()));
    assert_eq!(texts(&last, "valueName").len(), 2 * 21, "a corporation is told by its provinces");
    assert_eq!(alert(&notice(), 2, &publisher()), None, "it was withdrawn");
    let mut named = notice();
    (named.outage_areas, named.revisions[0].everybody) = (Vec::new(), false);
    assert_eq!(
        texts(&alert(&named, 1, &publisher()).unwrap(), "area").len(),
        0,
        "of some who are named nothing is told"
    );
}

#[test]
fn an_alert_says_all_clear_where_supply_is_back_and_nowhere_else() {
    for (kind, phase, expected) in [
        (RevisionKind::Update, Phase::AllClear, ("Update", "AllClear", "Past")),
        (RevisionKind::AllClear, Phase::Progress, ("Update", "AllClear", "Past")),
        (RevisionKind::Cancel, Phase::First, ("Cancel", "None", "Past")),
        (RevisionKind::Cancel, Phase::AllClear, ("Cancel", "None", "Past")),
        (RevisionKind::Update, Phase::Cancelled, ("Update", "None", "Past")),
        (RevisionKind::Correction, Phase::EstimateChanged, ("Update", "Monitor", "Immediate")),
    ] {
        let mut notice = notice();
        notice.revisions[1] = revision(3, kind, phase);
        let xml = alert(&notice, 3, &publisher()).unwrap();
        let said = ["msgType", "responseType", "urgency"].map(|name| texts(&xml, name).remove(0));
        assert_eq!((said[0].as_str(), said[1].as_str(), said[2].as_str()), expected, "{kind} {phase}");
    }
}

#[test]
fn lists_hold_what_has_not_expired_and_name_it_as_the_alerts_do() {
    let mut notices = vec![notice()];
    notices[0].revisions[0].expires_at = at(60);
    let atom = syndication::atom(&notices, &publisher(), Language::Vi, at(60));
    assert_eq!(texts(&atom, "id")[1..], [notices[0].identifier(4), notices[0].identifier(3)]);
    assert_eq!(
        texts(&atom, "updated"),
        ["2013-05-22T15:10:00+07:00", "2013-05-22T15:10:00+07:00", "2013-05-22T15:00:00+07:00"]
    );
    let href = format!("https://cskh.example.vn{}", notices[0].path(4));
    assert!(atom.contains(&format!("type=\"application/cap+xml\" href=\"{href}\"")), "{atom}");
    let rss = syndication::rss(&notices, &publisher(), Language::En, at(60));
    assert_eq!(texts(&rss, "pubDate")[0], "Wed, 22 May 2013 15:10:00 +0700");
    assert_eq!(texts(&rss, "title")[1], "Power cut in 22 provinces");
    let none = syndication::atom(&[], &publisher(), Language::Vi, at(0));
    assert_eq!(texts(&none, "entry").len(), 0);
}

proptest! {
    #[test]
    fn any_text_stands_in_an_alert_as_it_was_written(title in "\\PC{0,160}", body in "[\\PC\n<&\"']{0,200}") {
        let mut notice = notice();
        notice.revisions[0].vi = NoticeText { title: title.clone(), body: body.clone() };
        let xml = alert(&notice, 1, &publisher()).unwrap();
        prop_assert_eq!(&texts(&xml, "headline")[0], &title);
        prop_assert_eq!(&texts(&xml, "description")[0], &body);
        let rss = syndication::rss(&[notice], &publisher(), Language::Vi, at(0));
        prop_assert!(texts(&rss, "description").contains(&body));
    }
}
