use uuid::Uuid;

use super::*;
use crate::{
    audience::Audience,
    notice::{NoticeChannel, TITLE_LIMIT, check},
    outage::{Area, By, Cause, Draft, OutageKind, Plan, Window},
    sms_text::{Encoding, SmsText},
};

const BY: By<'static> = By { author: " lan ", reason: "thời tiết" };

fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_784_000_000 + hours * 3_600).unwrap()
}

fn plan(starts: i64) -> Plan {
    let window = Window { starts_at: at(starts), ends_at: at(starts + 4) };
    Plan { window, alternative: None, announced_at: None, emergency_reason: None }
}

fn feeder(code: &str) -> Area {
    Area { feeder: Some(code.into()), ..Area::default() }
}

/// Work that `minh` records.
fn work() -> Outage {
    let draft = Draft {
        kind: OutageKind::Planned,
        cause: Cause::Maintenance,
        areas: vec![feeder("471-E5")],
        begins_at: None,
        ended_at: None,
        estimate: None,
        customers: None,
        parent: None,
        plan: Some(plan(200)),
        source: String::new(),
    };
    Outage::record(Uuid::nil(), draft, By { author: "minh", ..BY }, at(0), 0).unwrap()
}

fn changed(work: &Outage, change: Change, hours: i64) -> Outage {
    work.change(&[change], BY, at(hours), 0).unwrap()
}

fn moved() -> Outage {
    changed(&work(), Change::Rescheduled(plan(300)), 10)
}

fn revision(number: i64, state: RevisionState, hours: i64) -> Revision {
    let text = |title: &str| NoticeText { title: title.into(), body: title.into() };
    Revision {
        number,
        content: Content {
            kind: if number == 1 { RevisionKind::Initial } else { RevisionKind::Update },
            phase: Phase::Planned,
            urgency: Urgency::Safety,
            audience: Audience { places: vec![feeder("471-E5")], ..Audience::default() },
            channels: vec![NoticeChannel::Web, NoticeChannel::Sms],
            vi: text("Lịch ngừng cấp điện"),
            en: text("Planned work"),
            expires_at: at(204),
            diacritics: true,
        },
        state,
        author: "hoa".into(),
        created_at: at(hours),
        approver: None,
        published_at: (state == RevisionState::Published).then(|| at(hours)),
        reviewer: None,
    }
}

fn notice(revisions: &[Revision]) -> Notice {
    Notice { id: Uuid::nil(), version: 1, outage_id: None, incident: "i".into(), revisions: revisions.to_vec() }
}

/// A notice of which customers were told before the work was moved.
fn told() -> Notice {
    notice(&[revision(1, RevisionState::Published, 1)])
}

fn draft_of(work: &Outage, notice: &Notice, hours: i64) -> Option<WorkDraft> {
    let window = work.plan.last().unwrap().plan.window;
    let value = |_: Language, name: &str| {
        Some(match name {
            "work_from" => window.starts_at.to_string(),
            "work_until" => window.ends_at.to_string(),
            _ => name.to_owned(),
        })
    };
    moved_work(work, notice, value, at(hours))
}

#[test]
fn whoever_was_told_of_work_is_told_that_its_time_is_new() {
    let told = told();
    let draft = draft_of(&moved(), &told, 11).unwrap();
    let (content, before) = (&draft.content, &told.revisions[0].content);
    assert_eq!((content.kind, content.phase), (RevisionKind::Update, Phase::Planned));
    assert_eq!((&content.audience, &content.channels), (&before.audience, &before.channels));
    assert_eq!((content.urgency, content.diacritics, content.expires_at), (Urgency::Safety, true, at(304)));
    assert!(content.vi.title.starts_with("Thay đổi: Lịch ngừng cấp điện"), "{content:?}");
    assert!(content.vi.body.starts_with("Thay đổi lịch: "), "{content:?}");
    for text in [&content.vi, &content.en] {
        assert!(text.body.contains(&at(300).to_string()) && text.body.contains(&at(304).to_string()), "{text:?}");
    }
    assert!(content.en.title.starts_with("New time: ") && content.en.body.starts_with("New time: "), "{content:?}");
    assert_eq!(draft.author, "lan", "whoever moved it, and nobody who would agree with themselves");
    assert!(draft.written_at > at(10) && draft.written_at.as_microsecond() > at(10).as_microsecond());
    assert_eq!(check(content, at(11), ""), []);
}

#[test]
fn a_cancellation_is_told_until_the_work_would_have_been_over() {
    let cancelled = changed(&work(), Change::Cancelled, 10);
    let content = draft_of(&cancelled, &told(), 11).unwrap().content;
    assert_eq!((content.kind, content.phase), (RevisionKind::Cancel, Phase::Cancelled));
    assert_eq!((content.expires_at, content.audience), (at(204), told().revisions[0].content.audience.clone()));
    assert!(content.vi.title.starts_with("Hủy lịch"), "{:?}", content.vi);
    assert_eq!(draft_of(&cancelled, &told(), 204), None, "what is over is told to nobody");
    let either = Plan { alternative: Some(plan(400).window), ..plan(300) };
    let either = changed(&work(), Change::Rescheduled(either), 10);
    assert_eq!(draft_of(&either, &told(), 11).unwrap().content.expires_at, at(404));
}

#[test]
fn a_draft_is_written_once_for_each_change_of_the_plan() {
    let draft = draft_of(&moved(), &told(), 11).unwrap();
    let written = Revision {
        content: draft.content,
        author: draft.author,
        created_at: draft.written_at,
        ..revision(2, RevisionState::Draft, 0)
    };
    let mut twice = told();
    twice.revisions.push(written);
    assert_eq!(draft_of(&moved(), &twice, 12), None);
    // The plan changes again before anybody was told: whom it concerns is read from what is published.
    let cancelled = changed(&moved(), Change::Cancelled, 20);
    assert_eq!(draft_of(&cancelled, &twice, 21).unwrap().content.kind, RevisionKind::Cancel);
    // What is moved back is at another time than the draft says.
    let back = changed(&moved(), Change::Rescheduled(plan(200)), 20);
    assert_eq!(draft_of(&back, &twice, 21).unwrap().content.expires_at, at(204));
}

#[test]
fn what_somebody_has_in_hand_or_has_ended_stays_as_it_is() {
    let with = |state, hours| notice(&[revision(1, RevisionState::Published, 1), revision(2, state, hours)]);
    let cancelled = changed(&work(), Change::Cancelled, 10);
    for state in [RevisionState::Draft, RevisionState::Submitted, RevisionState::Approved] {
        assert_eq!(draft_of(&moved(), &with(state, 2), 11), None, "{state}");
        assert_eq!(draft_of(&cancelled, &with(state, 2), 11), None, "{state}");
    }
    for state in [RevisionState::Withdrawn, RevisionState::Published] {
        assert!(draft_of(&moved(), &with(state, 2), 11).is_some(), "{state}");
        assert_eq!(draft_of(&moved(), &with(state, 10), 11), None, "{state}: it was written since");
    }
    let mut ended = told();
    ended.revisions[0].content.kind = RevisionKind::Cancel;
    assert_eq!(draft_of(&moved(), &ended, 11), None);
    assert_eq!(draft_of(&work(), &told(), 11), None, "nothing changed");
}

#[test]
fn a_plan_is_no_emergency_for_one_person_to_tell_alone() {
    for (before, after) in [
        (Urgency::Emergency, Urgency::Safety),
        (Urgency::Safety, Urgency::Safety),
        (Urgency::Routine, Urgency::Routine),
    ] {
        let mut told = told();
        told.revisions[0].content.urgency = before;
        assert_eq!(draft_of(&moved(), &told, 11).unwrap().content.urgency, after, "{before}");
    }
}

#[test]
fn of_what_nobody_was_told_nothing_is_drafted() {
    for state in [RevisionState::Draft, RevisionState::Withdrawn] {
        let first = notice(&[revision(1, state, 1)]);
        assert_eq!(draft_of(&moved(), &first, 11), None, "{state}");
        assert_eq!(draft_of(&changed(&work(), Change::Cancelled, 10), &first, 11), None, "{state}");
    }
}

#[test]
fn where_work_reaches_further_somebody_decides_who_is_told() {
    let further = changed(&work(), Change::Redrawn(vec![feeder("471-E5"), feeder("472-E5")]), 5);
    let moved = changed(&further, Change::Rescheduled(plan(300)), 10);
    assert_eq!(draft_of(&moved, &told(), 11), None);
    let later = notice(&[revision(1, RevisionState::Published, 6)]);
    assert!(draft_of(&moved, &later, 11).is_some(), "they were told of it");
    assert!(draft_of(&changed(&moved, Change::Cancelled, 20), &told(), 21).is_some());
}

#[test]
fn nothing_is_told_for_longer_than_a_notice_may_be() {
    let far = changed(&work(), Change::Rescheduled(plan(2_000)), 10);
    let content = draft_of(&far, &told(), 11).unwrap().content;
    assert_eq!(check(&content, at(11), ""), []);
}

#[test]
fn a_new_time_takes_two_parts_at_most_without_diacritics() {
    for (place, region) in [
        ("Quận Bình Thạnh, TP.HCM".to_owned(), "EVN HCMC"),
        ("x".repeat(ROOM + " và 999 nơi khác".chars().count()), "Tổng công ty Điện lực TP.HCM"),
    ] {
        let value = |name: &str| {
            Some(match name {
                "place" => place.clone(),
                "region_name" => region.to_owned(),
                "hotline" => "1900545454".to_owned(),
                "cause" => "bên ngoài làm hư hỏng".to_owned(),
                _ => "15:30 22/05/2013".to_owned(),
            })
        };
        for language in [Language::Vi, Language::En] {
            let text = retimed(language, &template(Phase::Planned).fill(language, value).unwrap());
            assert!(SmsText::new(&text.body, Encoding::Gsm7).parts.len() <= 2, "{text:?}");
            assert!(text.title.chars().count() <= TITLE_LIMIT, "{text:?}");
        }
    }
}

#[test]
fn of_many_places_those_are_named_for_which_there_is_room() {
    let more = |count: usize| format!("+{count}");
    let places = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(places_in_short(&[], more), "");
    assert_eq!(places_in_short(&places(&["Quận 1", "Quận 3", "Quận 1"]), more), "Quận 1; Quận 3");
    let long: Vec<_> = (0..9).map(|n| format!("{n} {}", "đ".repeat(28))).collect();
    assert_eq!(places_in_short(&long, more), format!("{}; {} +7", long[0], long[1]));
    assert_eq!(places_in_short(&["đ".repeat(200)], more), "đ".repeat(ROOM));
}
