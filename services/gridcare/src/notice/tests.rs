use gridcare_proto::{notice::v1 as wire, ticket::v1::Language};
use jiff::tz::TimeZone;

use super::{object, plan, show};
use crate::status::{
    table::View,
    texts::{Lang, Texts},
};

fn planned() -> wire::PlanNoticeResponse {
    let group = |wave: &str, recipients, parts, ucs2, done_after_s| wire::PlannedGroup {
        wave: wave.into(),
        language: Language::Vi.into(),
        recipients,
        parts,
        ucs2,
        done_after_s,
    };
    let region = wire::RegionPlan {
        region: "SPC".into(),
        groups: vec![group("medical", 12, 1, false, Some(4)), group("others", 642_116, 3, true, None)],
        recipients: 642_128,
        parts: 1_926_360,
        parts_per_second: 300,
        within_30_minutes: 179_999,
        curve: vec![6_000],
        remarks: Vec::new(),
    };
    wire::PlanNoticeResponse { regions: vec![region], missing_regions: vec!["CPC".into()] }
}

fn with<T>(lang: Lang, use_it: impl FnOnce(&View<'_>) -> T) -> T {
    let (texts, zone) = (Texts::new(lang), TimeZone::fixed(jiff::tz::offset(7)));
    let now = "2013-05-22T08:00:00Z".parse().unwrap();
    use_it(&View { texts: &texts, zone: &zone, now, width: 120 })
}

#[test]
fn a_plan_says_who_is_told_when_and_who_did_not_answer() {
    let text = with(Lang::En, |view| plan::text(&planned(), view));
    for said in ["medical", "642,116", "UCS-2", "0:04", "28.0 % within 30 minutes", "did not answer: CPC"] {
        assert!(text.contains(said), "{said} in {text}");
    }
    let text = with(Lang::Vi, |view| plan::text(&planned(), view));
    for said in ["y tế", "642.116", "không trả lời: CPC"] {
        assert!(text.contains(said), "{said} in {text}");
    }
    assert_eq!(object::plan(&planned())["regions"][0]["groups"][1]["done_after_s"], serde_json::Value::Null);
}

#[test]
fn a_plan_says_what_the_standard_asks() {
    let remark = |code: &str| wire::NoticeRemark {
        code: code.into(),
        rule: "incident".into(),
        standard: "evn-2013.1".into(),
        source: "EVN 2013".into(),
        message: "do as the server says".into(),
        ..Default::default()
    };
    let due_at = Some(prost_types::Timestamp { seconds: 1_369_207_800, nanos: 0 });
    let mut planned = planned();
    planned.regions[0].remarks = vec![
        wire::NoticeRemark { channel: "web".into(), ..remark("MISSING_CHANNEL") },
        wire::NoticeRemark { content: "expected_return".into(), ..remark("MISSING_CONTENT") },
        wire::NoticeRemark { due_at, ..remark("FIRST_DUE") },
        wire::NoticeRemark { due_at, ..remark("FIRST_LATE") },
        remark("OF_ANOTHER_VERSION"),
    ];
    let text = with(Lang::En, |view| plan::text(&planned, view));
    for said in [
        "SPC: tell it by web as well (evn-2013.1, incident: EVN 2013)",
        "in figures, in both languages, when supply is expected back",
        "publish the first notice about the outage by 14:30:00",
        "SPC: do as the server says (evn-2013.1",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
    let text = with(Lang::Vi, |view| plan::text(&planned, view));
    for said in ["báo thêm qua web", "giờ dự kiến có điện lại", "lúc 14:30:00", "đã quá hạn"] {
        assert!(text.contains(said), "{said} in {text}");
    }
    let shown = object::plan(&planned);
    let remarks = &shown["regions"][0]["remarks"];
    assert_eq!(remarks[0]["channel"], "web");
    assert_eq!(remarks[2]["due_at"], "2013-05-22T07:30:00Z");
}

#[test]
fn a_line_says_where_a_notice_stands() {
    let revision = wire::NoticeRevision {
        number: 2,
        content: Some(wire::NoticeContent { kind: 2, phase: 3, urgency: 3, ..Default::default() }),
        state: wire::RevisionState::Submitted.into(),
        ..Default::default()
    };
    let notice = wire::Notice {
        id: "018f".into(),
        etag: "v3".into(),
        incident: "500kV".into(),
        revisions: vec![revision],
        ..Default::default()
    };
    let line = with(Lang::En, |view| show::head(&notice, view));
    assert_eq!(line, "018f  v3  500kV  revision 2 waits for a second person (update, progress, emergency)\n");
    assert_eq!(object::notice(&notice)["revisions"][0]["state"], "submitted");
}

#[test]
fn a_share_is_never_said_to_be_more_than_it_is() {
    assert_eq!((plan::share(0, 0).as_str(), plan::share(999, 1_000).as_str()), ("–", "99.9 %"));
    assert_eq!((plan::share(99_999, 100_000).as_str(), plan::share(5, 5).as_str()), ("99.9 %", "100.0 %"));
}
