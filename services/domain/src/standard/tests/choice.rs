use super::*;
use crate::{
    clock::{ClockKind, Due, Limit, Noticed, RuleBook as _},
    ticket::Priority,
};

const HOUR_US: i64 = 3_600_000_000;

fn subject<'a>(category: &'a str, locality: Option<Locality>, opened: &str) -> RuleSubject<'a> {
    RuleSubject { category, priority: Priority::Normal, locality, opened_us: us(opened) }
}

/// The key of the one rule of that kind.
fn chosen(standard: &Standard, subject: &RuleSubject<'_>, kind: ClockKind) -> String {
    let rules = standard.rules_for(subject);
    let mut keys = rules.iter().filter(|rule| rule.kind == kind).map(|rule| rule.key.0.clone());
    let key = keys.next().unwrap();
    assert_eq!(keys.next(), None);
    key
}

#[test]
fn rules_are_those_of_the_local_day_of_opening() {
    let small = small();
    let of = |opened| chosen(&small, &subject("outage", None, opened), ClockKind::Resolution);
    // Midnight in Vietnam is 17:00 UTC of the day before.
    assert_eq!(of("2019-12-31T16:59:59.999999Z"), "small.1/restore/0");
    assert_eq!(of("2019-12-31T17:00:00Z"), "small.1/restore/1");
}

#[test]
fn rules_of_2013_and_2026_live_side_by_side() {
    let evn = evn();
    let limit = |opened| {
        let rules = evn.rules_for(&subject("information", None, opened));
        rules.iter().find(|rule| rule.kind == ClockKind::FirstResponse).unwrap().limit
    };
    assert_eq!(limit("2013-05-22T03:00:00Z"), Limit::Working { us: 8 * HOUR_US });
    assert_eq!(limit("2026-05-22T03:00:00Z"), Limit::Working { us: 4 * HOUR_US });
}

#[test]
fn a_day_before_every_rule_has_no_rule() {
    assert!(small().rules_for(&subject("outage", None, "2012-06-01T00:00:00Z")).is_empty());
    let long_ago = RuleSubject { opened_us: i64::MIN, ..subject("outage", None, "2012-06-01T00:00:00Z") };
    assert!(small().rules_for(&long_ago).is_empty());
}

#[test]
fn the_more_specific_target_wins_and_a_stranger_gets_the_general_one() {
    let small = small();
    let of = |category| chosen(&small, &subject(category, None, "2026-01-05T00:00:00Z"), ClockKind::Resolution);
    assert_eq!(of("outage"), "small.1/restore/1");
    assert_eq!(of("bill"), "small.1/settle/0");
    assert_eq!(of("no_such_category"), "small.1/settle/0");
}

#[test]
fn town_and_country_have_limits_of_their_own_and_an_unknown_place_is_promised_no_more() {
    let evn = evn();
    let of = |locality| chosen(&evn, &subject("reconnection", locality, "2026-01-05T00:00:00Z"), ClockKind::Resolution);
    assert_eq!(of(Some(Locality::Town)), "evn-2013.1/reconnect_urban/1");
    assert_eq!(of(Some(Locality::Rural)), "evn-2013.1/reconnect_rural/1");
    assert_eq!(of(None), "evn-2013.1/reconnect_rural/1");
}

#[test]
fn where_two_sources_differ_the_stricter_holds() {
    let evn = evn();
    for opened in ["2013-05-22T00:00:00Z", "2026-05-22T00:00:00Z"] {
        let rules = evn.rules_for(&subject("emergency_outage", None, opened));
        let notice = rules.iter().find(|rule| rule.kind == ClockKind::Event).unwrap();
        assert_eq!(notice.limit, Limit::AfterEvent { us: 12 * HOUR_US });
        assert!(rules.iter().any(|rule| rule.target == "restore_after_fault"));
    }
    assert_eq!(evn.bundle().target("emergency_outage_notice").unwrap().rules[1].limit, "24 h after");
}

#[test]
fn later_answers_have_a_rule_of_their_own() {
    let evn = evn();
    let rule = evn.next_response_rule(&subject("bill", None, "2026-05-22T00:00:00Z")).unwrap();
    assert_eq!(rule.key.0, "evn-2013.1/answer_next/1");
    assert_eq!(evn.rule(&rule.key).unwrap().source, "practice");
    assert!(small().next_response_rule(&subject("bill", None, "2026-05-22T00:00:00Z")).is_none());
}

#[test]
fn what_follows_a_breach_never_makes_a_ticket_less_urgent() {
    let evn = evn();
    let breached =
        Noticed { target: "restore_after_fault".into(), kind: ClockKind::Resolution, what: Due::Breached, at_us: 0 };
    let follow: Vec<_> = evn.escalations().iter().filter(|it| it.follows(&breached, Priority::Normal)).collect();
    let ids: Vec<_> = follow.iter().map(|escalation| escalation.id.as_str()).collect();
    assert_eq!(ids, ["request_is_late", "fault_lasts"]);
    assert_eq!(follow[0].raised(Priority::Low), Priority::High);
    assert_eq!(follow[0].raised(Priority::Critical), Priority::Critical);
    assert_eq!(follow[1].raised(Priority::Low), Priority::Low);
    let warned = Noticed { what: Due::Warned(500), target: "make_safe".into(), ..breached };
    let follow: Vec<_> = evn.escalations().iter().filter(|it| it.follows(&warned, Priority::Normal)).collect();
    assert_eq!(follow.len(), 1);
    assert_eq!(follow[0].reassign_to.as_deref(), Some("emergency"));
}

#[test]
fn a_shelf_keeps_every_standard_and_knows_which_is_in_force() {
    let mut shelf = Shelf::default();
    shelf.put(std::sync::Arc::new(small()));
    shelf.put(std::sync::Arc::new(evn()));
    let version = |at: &str| shelf.at(us(at)).map(|standard| standard.version().to_owned());
    assert_eq!(version("2012-12-31T16:59:59Z"), None);
    assert_eq!(version("2012-12-31T17:00:00Z").as_deref(), Some("evn-2013.1"));
    assert_eq!(version("2030-01-01T00:00:00Z").as_deref(), Some("small.1"));
    assert_eq!(shelf.next(us("2026-01-01T00:00:00Z")).unwrap().version(), "small.1");
    let key = |text: &str| crate::clock::RuleKey(text.to_owned());
    assert!(shelf.rule(&key("small.1/restore/0")).is_some());
    assert!(shelf.rule(&key("evn-2013.1/refund/0")).is_some());
    assert!(shelf.rule(&key("evn-2013.2/refund/0")).is_none());
    assert!(shelf.rule(&key("")).is_none());
}
