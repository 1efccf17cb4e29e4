mod late;
mod merging;

use std::sync::{Arc, OnceLock};

use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, sample::select};
use uuid::Uuid;

use super::*;
use crate::{
    clock::{ClockKind, Phase},
    refusal::RefusalKind,
    standard::{Shelf, Standard, builtin, read},
};

fn governance() -> Governance<'static> {
    static SHIPPED: OnceLock<(Arc<Standard>, Shelf)> = OnceLock::new();
    let (standard, book) = SHIPPED.get_or_init(|| {
        let standard = Arc::new(Standard::compile(read(builtin()).unwrap()).unwrap());
        let mut shelf = Shelf::default();
        shelf.put(standard.clone());
        (standard, shelf)
    });
    Governance { standard, book }
}

/// So many minutes into Wednesday, 22 May 2013, 07:30 in Vietnam.
fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_369_182_600).unwrap() + SignedDuration::from_mins(minute)
}

fn opened(category: &str) -> Ticket {
    let topic = governance().standard.category(category).unwrap().topic;
    let draft = Ticket {
        id: Uuid::from_u128(1),
        reference: Reference::new("HCMC", 1).unwrap(),
        version: 1,
        state: State::New,
        priority: Priority::Normal,
        topic,
        channel: Channel::Hotline,
        subject: "việc".into(),
        description: String::new(),
        customer_code: CustomerCode::parse("PE01000123456").ok(),
        requester_name: None,
        requester_contact_point: None,
        province: None,
        assignee: None,
        opened_at: at(0),
        updated_at: at(0),
        resolved_at: None,
        closed_at: None,
        category: category.into(),
        locality: None,
        team: None,
        standard: String::new(),
        clocks: Clocks::open(&[], 0, None),
        due_us: None,
        deadline_us: None,
        event_at: None,
        first_response_at: None,
        parent: None,
        merged_into: None,
        satisfaction: None,
        rated_at: None,
        repetition: None,
    };
    open(draft, governance())
}

fn state_of(ticket: &Ticket, kind: ClockKind) -> crate::clock::ClockState {
    ticket.clocks.states(governance().book).into_iter().find(|state| state.kind == kind).unwrap()
}

fn elapsed_us(ticket: &Ticket, kind: ClockKind, now: Timestamp) -> (i64, i64) {
    let explained = ticket.clocks.explain(governance().book, now.as_microsecond());
    let one = explained.into_iter().find(|one| one.kind == kind && one.phase != Phase::Void).unwrap();
    (one.elapsed_us, one.counted_us)
}

#[test]
fn an_illegal_transition_names_the_state_and_what_is_allowed() {
    let refused = transition(&opened("bill"), State::Closed, governance(), at(1)).unwrap_err();
    assert_eq!(refused.reason, "ILLEGAL_TRANSITION");
    assert!(refused.metadata.contains(&("state", "new".to_owned())));
    assert!(refused.message.contains("resolved"), "{}", refused.message);
}

#[test]
fn a_change_of_category_keeps_the_time_already_spent() {
    let ticket = opened("bill");
    let to = Reclassification { category: Some("meter_complaint".into()), ..Reclassification::default() };
    let changed = reclassify(&ticket, &to, governance(), at(60)).unwrap();
    assert_eq!((changed.topic, changed.version), (Topic::MeterComplaint, 2));
    let (elapsed, counted) = elapsed_us(&changed, ClockKind::Resolution, at(60));
    assert_eq!((elapsed, counted), (3_600_000_000, 3_600_000_000), "an hour of working time is spent already");
    let unknown = Reclassification { category: Some("no_such".into()), ..Reclassification::default() };
    assert_eq!(reclassify(&ticket, &unknown, governance(), at(1)).unwrap_err().reason, "UNKNOWN_CATEGORY");
    let resolved = transition(&ticket, State::Resolved, governance(), at(1)).unwrap();
    assert_eq!(reclassify(&resolved, &to, governance(), at(2)).unwrap_err().reason, "TICKET_NOT_OPEN");
}

#[test]
fn a_category_is_refused_while_the_ticket_lacks_what_it_asks_for() {
    let ticket = Ticket { province: Some("VN-SG".into()), ..opened("outage") };
    let to = Reclassification { category: Some("emergency_outage".into()), ..Reclassification::default() };
    let refused = reclassify(&ticket, &to, governance(), at(1)).unwrap_err();
    assert_eq!((refused.reason, refused.kind), ("REQUIRED_BY_CATEGORY", RefusalKind::Precondition));
    assert_eq!(refused.violations.iter().map(|v| v.field.as_str()).collect::<Vec<_>>(), ["event_at"]);
    assert!(refused.message.contains("event_at"), "{}", refused.message);
    let with_event = Reclassification { event_at: Some(at(0)), ..to };
    assert_eq!(reclassify(&ticket, &with_event, governance(), at(1)).unwrap().category, "emergency_outage");
    let urgent = Reclassification { category: Some("refund".into()), priority: Some(Priority::High), ..with_event };
    assert!(reclassify(&opened("refund"), &urgent, governance(), at(1)).is_ok(), "it is of that category already");
}

#[test]
fn a_late_breach_raises_the_priority_once() {
    let ticket = opened("bill");
    let due = Timestamp::from_microsecond(state_of(&ticket, ClockKind::FirstResponse).deadline_us.unwrap()).unwrap();
    assert_eq!(notice_due(&ticket, governance(), at(1)), None, "nothing is due yet");
    let acted = notice_due(&ticket, governance(), due).unwrap();
    assert_eq!(acted.ticket.priority, Priority::High);
    assert!(acted.escalated.iter().any(|escalated| escalated.rule == "answer_is_late"));
    assert_eq!(notice_due(&acted.ticket, governance(), due), None, "each is told once");
}

#[test]
fn of_two_who_claim_the_second_is_told_who_was_first() {
    let claimed = claim(&opened("bill"), "lan", governance(), at(1)).unwrap();
    let refused = claim(&claimed, "mai", governance(), at(2)).unwrap_err();
    assert_eq!((refused.reason, refused.kind), ("ALREADY_CLAIMED", RefusalKind::Conflict));
    assert!(refused.metadata.contains(&("assignee", "lan".to_owned())));
    assert!(claim(&claimed, "lan", governance(), at(2)).is_ok(), "one's own may be claimed again");
}

#[test]
fn a_merged_ticket_has_no_clock_that_runs_and_cannot_be_merged_again() {
    let (one, mut two) = (opened("outage"), opened("outage"));
    two.id = Uuid::from_u128(2);
    let (ended, living) = merge(&one, &two, governance(), at(5)).unwrap();
    assert_eq!((ended.state, ended.merged_into), (State::Cancelled, Some(two.id)));
    assert_eq!((ended.due_us, ended.deadline_us), (None, None));
    assert!(ended.clocks.states(governance().book).iter().all(|state| state.phase == Phase::Void));
    assert_eq!(merge(&ended, &living, governance(), at(6)).unwrap_err().reason, "ALREADY_MERGED");
    assert_eq!(merge(&living, &living, governance(), at(6)).unwrap_err().reason, "MERGED_INTO_ITSELF");
    assert_eq!(merge(&living, &ended, governance(), at(6)).unwrap_err().reason, "TICKET_NOT_OPEN");
}

#[test]
fn a_merge_is_of_one_customer_and_an_answer_to_one_ticket_answers_the_other() {
    let (one, mut two) = (opened("outage"), opened("outage"));
    two.id = Uuid::from_u128(2);
    let stranger = Ticket { customer_code: CustomerCode::parse("PE01000999999").ok(), ..two.clone() };
    assert_eq!(merge(&one, &stranger, governance(), at(5)).unwrap_err().reason, "DIFFERENT_CUSTOMERS");
    let answered = replied(&one, governance(), at(3));
    let (_, living) = merge(&answered, &two, governance(), at(5)).unwrap();
    assert_eq!(living.first_response_at, Some(at(3)));
    assert_eq!(state_of(&living, ClockKind::FirstResponse).phase, Phase::Stopped);
}

#[test]
fn what_a_category_asks_for_is_named() {
    let ticket = opened("bill");
    let refund = governance().standard.category("refund").unwrap();
    assert_eq!(missing_fields(&ticket, refund), ["requester_contact_point"]);
}

#[test]
fn a_customer_is_asked_an_hour_after_the_end_and_only_while_nothing_was_said() {
    let resolved = transition(&opened("bill"), State::Resolved, governance(), at(10)).unwrap();
    assert_eq!(question_due_us(&resolved, governance()), None, "it may be opened again tomorrow");
    let closed = transition(&resolved, State::Closed, governance(), at(20)).unwrap();
    assert_eq!(question_due_us(&closed, governance()), Some(at(80).as_microsecond()));
    let customer = closed.customer_code.clone().unwrap();
    assert!(is_to_be_asked(&closed, &customer));
    let nobodys = Ticket { customer_code: None, ..closed.clone() };
    assert_eq!((question_due_us(&nobodys, governance()), is_to_be_asked(&nobodys, &customer)), (None, false));
    let merged = Ticket { merged_into: Some(Uuid::from_u128(2)), ..closed.clone() };
    let said = rate(&closed, 4, governance(), at(30)).unwrap();
    let again = reopen(&closed, governance(), at(30)).unwrap();
    for not in [merged, said, again] {
        assert!(!is_to_be_asked(&not, &customer), "{not:?}");
    }
    assert!(!is_to_be_asked(&closed, &CustomerCode::parse("PE01000999999").unwrap()));
}

#[test]
fn satisfaction_and_repetition_wait_for_the_resolution() {
    let ticket = opened("bill");
    assert_eq!(rate(&ticket, 5, governance(), at(1)).unwrap_err().reason, "NOT_YET_RESOLVED");
    let resolved = transition(&ticket, State::Resolved, governance(), at(10)).unwrap();
    assert_eq!(rate(&resolved, 5, governance(), at(11)).unwrap().satisfaction, Some(5));
    let week = 7 * 24 * 60;
    assert_eq!(resolved.due_us, Some(at(10 + week).as_microsecond()));
    assert_eq!(judge_repetition(&resolved, false, governance(), at(week)), None, "the window is open");
    let judged = judge_repetition(&resolved, false, governance(), at(10 + week)).unwrap();
    assert_eq!((judged.repetition, judged.due_us), (Some(Repetition::None), None));
    let reopened = reopen(&resolved, governance(), at(20)).unwrap();
    assert_eq!(reopened.repetition, Some(Repetition::Repeated));
}

#[derive(Debug, Clone)]
enum Deed {
    Become(State),
    Assign,
    Reply,
    Ask,
    Category(&'static str),
    Urgency(Priority),
    Notice,
}

fn deeds() -> impl Strategy<Value = Vec<(i64, Deed)>> {
    let deed = prop_oneof![
        4 => select(State::ALL).prop_map(Deed::Become),
        1 => Just(Deed::Assign),
        2 => Just(Deed::Reply),
        2 => Just(Deed::Ask),
        1 => select(&["outage", "bill", "meter_complaint", "safety", "new_supply_other"][..]).prop_map(Deed::Category),
        1 => select(Priority::ALL).prop_map(Deed::Urgency),
        1 => Just(Deed::Notice),
    ];
    prop::collection::vec((0..5_000_i64, deed), 0..25)
}

fn apply(ticket: &Ticket, deed: &Deed, now: Timestamp) -> Result<Option<Ticket>, crate::refusal::Refusal> {
    let governance = governance();
    Ok(Some(match deed {
        Deed::Become(state) => transition(ticket, *state, governance, now)?,
        Deed::Assign => assign(ticket, "lan", governance, now)?,
        Deed::Reply => replied(ticket, governance, now),
        Deed::Ask => asked(ticket, governance, now),
        Deed::Category(code) => {
            let to = Reclassification { category: Some((*code).to_owned()), ..Reclassification::default() };
            reclassify(ticket, &to, governance, now)?
        }
        Deed::Urgency(priority) => {
            let to = Reclassification { priority: Some(*priority), ..Reclassification::default() };
            reclassify(ticket, &to, governance, now)?
        }
        Deed::Notice => return Ok(notice_due(ticket, governance, now).map(|acted| acted.ticket)),
    }))
}

proptest! {
    #[test]
    fn whatever_happens_versions_grow_refusals_change_nothing_and_clocks_add_up(deeds in deeds()) {
        // Of a person who can be answered, as every category here asks for.
        let (requester_name, requester_contact_point) = (Some("Lan".into()), Some("0901234567".into()));
        let (mut ticket, mut minute) = (Ticket { requester_name, requester_contact_point, ..opened("outage") }, 0);
        for (step, deed) in &deeds {
            minute += step;
            match apply(&ticket, deed, at(minute)) {
                Ok(Some(next)) => {
                    prop_assert_eq!(next.version, ticket.version + 1);
                    prop_assert!(matches!(deed, Deed::Become(_) | Deed::Assign | Deed::Ask) || next.state == ticket.state);
                    ticket = next;
                }
                Ok(None) => {}
                Err(refusal) => prop_assert!(
                    ["ILLEGAL_TRANSITION", "TICKET_NOT_OPEN"].contains(&refusal.reason), "{}", refusal.reason
                ),
            }
            prop_assert_eq!(ticket.is_open(), !matches!(ticket.state, State::Resolved | State::Closed | State::Cancelled));
            let mut settled = ticket.clone();
            settle(&mut settled, governance());
            prop_assert_eq!(&settled, &ticket, "what is stored is what is derived");
            if !ticket.is_open() {
                prop_assert_eq!(ticket.deadline_us, None);
            }
            for one in ticket.clocks.explain(governance().book, at(minute).as_microsecond()) {
                prop_assert_eq!(one.elapsed_us, one.counted_us + one.paused_us + one.outside_us);
            }
            prop_assert_eq!(Clocks::decode(&ticket.clocks.encode()).unwrap(), ticket.clocks.clone());
        }
    }
}
