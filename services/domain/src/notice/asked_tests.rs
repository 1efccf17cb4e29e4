use uuid::Uuid;

use super::*;
use crate::{
    audience::Audience,
    notice::Urgency,
    outage::{Area, By, Cause, Change, Draft, Plan},
    standard::{builtin, read},
};

const BY: By<'static> = By { author: "lan", reason: "theo điều độ" };
const BOTH: [NoticeChannel; 2] = [NoticeChannel::Web, NoticeChannel::Sms];

/// Minutes after 08:00 of 22 May 2013 in Vietnam.
fn at(minutes: i64) -> Timestamp {
    "2013-05-22T01:00:00Z".parse::<Timestamp>().unwrap().saturating_add(SignedDuration::from_mins(minutes)).unwrap()
}

fn evn() -> Standard {
    Standard::compile(read(builtin()).unwrap()).unwrap()
}

fn content(phase: Phase, said: &str) -> Content {
    let text = || NoticeText { title: "Quận Bình Thạnh".into(), body: said.into() };
    Content {
        kind: RevisionKind::Initial,
        phase,
        urgency: Urgency::Safety,
        audience: Audience { regions: vec!["HCMC".into()], ..Audience::default() },
        channels: BOTH.to_vec(),
        vi: text(),
        en: text(),
        expires_at: at(10_000),
        diacritics: false,
    }
}

fn draft(kind: OutageKind) -> Draft {
    Draft {
        kind,
        cause: Cause::Equipment,
        areas: vec![Area { feeder: Some("471-E5".into()), ..Area::default() }],
        begins_at: None,
        ended_at: None,
        estimate: None,
        customers: None,
        parent: None,
        plan: None,
        source: "SCADA".into(),
    }
}

/// A fault of which one source says that it began at 08:00, and another one, whom nobody believes, ten minutes before.
fn fault() -> Outage {
    let draft = Draft { begins_at: Some(at(0)), ..draft(OutageKind::Unplanned) };
    let outage = Outage::record(Uuid::nil(), draft, BY, at(1), 0).unwrap();
    let earlier = Change::Claimed { fact: Fact::Onset(at(-10)), source: "báo".into(), choose: false };
    outage.change(&[earlier], BY, at(2), 0).unwrap()
}

/// Work from 08:00 until 14:00 on that day.
fn work(emergency_reason: Option<&str>) -> Outage {
    let plan = Plan {
        window: Window { starts_at: at(0), ends_at: at(360) },
        alternative: None,
        announced_at: None,
        emergency_reason: emergency_reason.map(str::to_owned),
    };
    let draft = Draft { plan: Some(plan), ..draft(OutageKind::Planned) };
    Outage::record(Uuid::nil(), draft, BY, at(-20_000), 0).unwrap()
}

const fn about(outage: &Outage) -> Subject<'_> {
    Subject { outage, told: false }
}

fn asked<'a>(content: &Content, subject: impl Into<Option<Subject<'a>>>, now: Timestamp) -> Vec<Asked> {
    asked_of(&evn(), content, subject.into(), now).into_iter().map(|remark| remark.asked).collect()
}

#[test]
fn the_shipped_standard_asks_for_channels_by_the_rule_of_the_notice() {
    let evn = evn();
    let silent = |phase| Content { channels: vec![NoticeChannel::Press], ..content(phase, "8 giờ") };
    let (fault, work, emergency) = (fault(), work(None), work(Some("cột điện nghiêng")));
    for (phase, outage, rule) in [
        (Phase::Planned, None, "planned_outage"),
        (Phase::Cancelled, None, "planned_outage"),
        (Phase::First, None, "incident"),
        (Phase::First, Some(&fault), "incident"),
        (Phase::Planned, Some(&work), "planned_outage"),
        (Phase::EstimateChanged, Some(&work), "planned_outage"),
        (Phase::Planned, Some(&emergency), "emergency_outage"),
    ] {
        let remarks = asked_of(&evn, &silent(phase), outage.map(about), at(5));
        let source = if rule == "incident" { "EVN 2013" } else { "TT22/2020" };
        assert!(remarks.iter().all(|remark| remark.rule == rule && remark.source == source), "{phase}");
        let channels = remarks.iter().filter(|remark| remark.asked.code() == "MISSING_CHANNEL");
        let channels: Vec<_> = channels.map(|remark| remark.asked).collect();
        assert_eq!(channels, BOTH.map(Asked::Channel), "{phase}");
    }
    assert_eq!(asked(&content(Phase::First, "Sự cố."), None, at(5)), [], "what does it all is asked for nothing");
}

#[test]
fn a_standard_without_such_a_rule_asks_nothing() {
    let mut bundle = read(builtin()).unwrap();
    bundle.notices.retain(|rule| rule.id != "incident");
    let standard = Standard::compile(bundle).unwrap();
    let mute = Content { channels: Vec::new(), ..content(Phase::First, "Sự cố.") };
    assert_eq!(asked_of(&standard, &mute, Some(about(&fault())), at(100)), []);
    assert_eq!(asked_of(&standard, &Content { phase: Phase::Planned, ..mute }, None, at(100)).len(), 2);
}

#[test]
fn the_first_is_due_half_an_hour_after_the_earliest_claim() {
    let fault = fault();
    let first = content(Phase::First, "Sự cố.");
    assert_eq!(asked(&first, about(&fault), at(20)), [Asked::FirstBy(at(20))], "in time until the last moment");
    assert_eq!(asked(&first, about(&fault), at(21)), [Asked::FirstSince(at(20))]);
    let later = Content { kind: RevisionKind::Update, ..first.clone() };
    assert_eq!(asked(&later, about(&fault), at(21)), [], "only the first is due");
    assert_eq!(asked(&first, Some(Subject { outage: &fault, told: true }), at(21)), [], "somebody told of it");
    assert_eq!(asked(&first, None, at(21)), [], "of what nobody knows, nothing is due");
    assert_eq!(asked(&first, about(&work(None)), at(21)), [], "work was announced");
    assert_eq!(
        Asked::FirstSince(at(20)).to_string(),
        "publish the first notice about the outage now; it was due at 2013-05-22T01:20:00Z"
    );
}

#[test]
fn an_announcement_says_from_when_until_when_in_figures() {
    let work = work(None);
    let lacks = |said: &str| asked(&content(Phase::Planned, said), about(&work), at(-10_000));
    let (start, back) = (Asked::Content(Said::Start), Asked::Content(Said::ExpectedReturn));
    for told in ["08:00-14:00 22/05/2013", "từ 8h đến 14h", "8 am to 2 pm", "ngày 22/5", "08.00 to 14.00"] {
        assert_eq!(lacks(told), [], "{told}");
    }
    assert_eq!(lacks("Bảo trì. Gọi 19001006."), [start, back]);
    assert_eq!(lacks("từ 8h"), [back]);
    assert_eq!(lacks("đến 14:30"), [start], "minutes may be rounded, hours not");
    assert_eq!(lacks("09:00-17:00 23/07/2013"), [start, back], "another time");
    let mut half = content(Phase::Planned, "08:00-14:00");
    half.en.body = "Works.".into();
    assert_eq!(asked(&half, about(&work), at(-10_000)), [start, back], "whoever reads English is not told");
    let cancelled = content(Phase::Cancelled, "Hủy.");
    assert_eq!(asked(&cancelled, about(&work), at(-10_000)), [], "what does not take place has no time");
}

#[test]
fn midnight_is_written_in_three_ways_and_work_may_move_to_its_other_window() {
    let night = Window { starts_at: at(14 * 60), ends_at: at(16 * 60) };
    let zone = evn().zone().clone();
    let midnight = |time: &str| {
        let text = NoticeText { title: String::new(), body: time.into() };
        tells(&figures(&text), &night.ends_at.to_zoned(zone.clone()))
    };
    assert!(midnight("24:00") && midnight("00:00") && midnight("12 am") && midnight("23/5"));
    assert!(!midnight("22:59"));
    let other = Window { starts_at: at(3 * 1_440 + 60), ends_at: at(3 * 1_440 + 180) };
    let plan = Plan { window: night, alternative: Some(other), announced_at: None, emergency_reason: None };
    let draft = Draft { plan: Some(plan), ..draft(OutageKind::Planned) };
    let work = Outage::record(Uuid::nil(), draft, BY, at(-20_000), 0).unwrap();
    assert_eq!(asked(&content(Phase::Planned, "9h-11h"), about(&work), at(-10_000)), []);
}
