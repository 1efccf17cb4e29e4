use std::collections::BTreeSet;

use super::*;
use crate::{clock::ClockKind, metric::Definition, text::nfc, ticket::Priority, topic::Topic};

/// The service targets of the national utility: id, limit, and how they count.
const TARGETS: [(&str, &str, Counting); 15] = [
    ("restore_after_fault", "2 h", Counting::Elapsed),
    ("planned_outage_notice", "5 d before", Counting::Elapsed),
    ("emergency_outage_notice", "12 h after", Counting::Elapsed),
    ("replace_switchgear_lv", "1 d", Counting::Elapsed),
    ("replace_switchgear_mv", "3 d", Counting::Elapsed),
    ("grid_access_procedure", "7 wd", Counting::Working),
    ("new_supply_household_town", "3 wd", Counting::Working),
    ("new_supply_household_rural", "5 wd", Counting::Working),
    ("new_supply_other", "7 wd", Counting::Working),
    ("meter_complaint", "3 wd", Counting::Working),
    ("other_complaint", "5 d", Counting::Elapsed),
    ("appointment", "2 d", Counting::Elapsed),
    ("reconnect_urban", "2 h", Counting::Elapsed),
    ("reconnect_rural", "8 h", Counting::Elapsed),
    ("refund", "3 d", Counting::Elapsed),
];

#[test]
fn the_shipped_standard_has_nothing_to_complain_about() {
    let found: Vec<_> = lint(builtin()).iter().map(ToString::to_string).collect();
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(evn().version(), "evn-2013.1");
}

#[test]
fn all_fifteen_service_targets_are_there_for_2013_and_for_today() {
    let evn = evn();
    for (id, limit, clock) in TARGETS {
        let target = evn.bundle().target(id).unwrap_or_else(|| panic!("{id}"));
        assert_eq!(target.clock, clock, "{id}");
        for day in ["2013-05-22", "2026-11-26"] {
            let day = day.parse().unwrap();
            let mut holding = target.rules.iter().filter(|rule| rule.holds(day));
            assert!(holding.any(|rule| rule.limit == limit), "{id} on {day}");
        }
        let of_2013 = target.rules.iter().filter(|rule| rule.holds("2013-05-22".parse().unwrap()));
        assert!(of_2013.into_iter().all(|rule| rule.assumed), "{id}: no source tells of 2013");
    }
}

#[test]
fn every_topic_has_a_default_category_that_any_call_can_be_noted_under() {
    let evn = evn();
    for topic in Topic::ALL {
        let category = evn.category_of_topic(*topic).unwrap_or_else(|| panic!("{topic}"));
        assert_eq!(category.code, topic.code());
        assert!(category.required.is_empty(), "{topic}");
        assert_eq!((category.name_vi.as_str(), category.name_en.as_str()), (topic.name_vi(), topic.name_en()));
    }
}

#[test]
fn every_request_has_a_first_answer_a_next_answer_and_an_end_in_every_year() {
    let evn = evn();
    for category in &evn.bundle().categories {
        for locality in [None, Some(Locality::Town), Some(Locality::Rural)] {
            for opened in ["2013-05-22T03:00:00Z", "2018-05-22T03:00:00Z", "2026-05-22T03:00:00Z"] {
                let (category, opened_us) = (category.code.as_str(), us(opened));
                let subject = RuleSubject { category, priority: Priority::Normal, locality, opened_us };
                let rules = evn.rules_for(&subject);
                for kind in [ClockKind::FirstResponse, ClockKind::NextResponse, ClockKind::Resolution] {
                    let number = rules.iter().filter(|rule| rule.kind == kind).count();
                    assert_eq!(number, 1, "{category} {locality:?} {opened} {kind}");
                }
            }
        }
    }
}

#[test]
fn holidays_are_those_of_six_years_with_names_in_both_languages() {
    let evn = evn();
    let calendar = &evn.bundle().calendars[0];
    let years: BTreeSet<_> = calendar.holidays.iter().map(|day| day.date.year()).collect();
    assert_eq!(years, BTreeSet::from([2013, 2024, 2025, 2026, 2027, 2028]));
    assert_eq!(calendar.holidays.len(), 85);
    assert!(calendar.holidays.iter().all(|day| nfc(&day.name_vi) == day.name_vi && day.name_en.is_ascii()));
    let of = |date: &str| calendar.holidays.iter().find(|day| day.date.to_string() == date).unwrap();
    assert_eq!(of("2013-02-10").name_vi, "Mùng 1 Tết Nguyên đán");
    assert_eq!(of("2026-09-02").name_vi, "Quốc khánh");
}

#[test]
fn a_complaint_before_tet_is_due_after_it() {
    let evn = evn();
    let opened_us = us("2013-02-07T03:00:00Z");
    let subject = RuleSubject { category: "meter_complaint", priority: Priority::Normal, locality: None, opened_us };
    let rules = evn.rules_for(&subject);
    let rule = rules.iter().find(|rule| rule.kind == ClockKind::Resolution).unwrap();
    assert_eq!(rule.key.0, "evn-2013.1/meter_complaint/0");
    let calendar = rule.calendar.as_ref().unwrap();
    // Friday the 8th is the first working day; then Tết until Friday the 15th; Monday and Tuesday are the second and third.
    assert_eq!(calendar.close_of_working_day(opened_us, 3), Some(us("2013-02-19T10:00:00Z")));
}

#[test]
fn keywords_windows_and_formulas_are_as_published() {
    let evn = evn();
    let keywords = evn.keywords("HCMC").unwrap();
    assert_eq!((keywords.short_code.as_str(), keywords.keywords.len()), ("8055", 5));
    assert_eq!(evn.keywords("SPC").unwrap().keywords.len(), 5);
    assert!(evn.keywords("NPC").is_none());
    assert_eq!(evn.feedback().repeat_contact_window_us, 7 * 86_400_000_000);
    assert!(evn.template(&evn.feedback().template).is_some());
    let kpi = |id: &str| evn.bundle().kpi(id).unwrap();
    assert_eq!(kpi("service_level").threshold.as_deref(), Some("PT20S"));
    assert_eq!(kpi("compliance").denominator.as_deref(), Some("opened"));
    assert_eq!(kpi("compliance_of_ended").denominator.as_deref(), Some("ended"));
    let incident = evn.bundle().notices.iter().find(|notice| notice.id == "incident").unwrap();
    assert_eq!(incident.first_within.as_deref(), Some("PT30M"));
}

#[test]
fn what_is_counted_by_another_threshold_is_told() {
    let bundle = read(&builtin().replace("threshold: PT20S", "threshold: PT30S")).unwrap();
    let told = |definition: &Definition| {
        let found = other_thresholds(&bundle, definition);
        found
            .iter()
            .map(|finding| format!("{} {} {}", finding.severity, finding.path, finding.code))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&Definition::default()), ["warning kpis[0].threshold OTHER_THRESHOLD"]);
    let by_the_standard = Definition { service_level_ms: 30_000, ..Definition::default() };
    assert_eq!(told(&by_the_standard), Vec::<String>::new());
    assert!(other_thresholds(evn().bundle(), &Definition::default()).is_empty());
}

#[test]
fn every_figure_of_reports_finds_what_the_shipped_standard_says_of_it() {
    let evn = evn();
    let ids = crate::report::REPORT_FIGURES.iter().flat_map(|figure| figure.kpis);
    let unknown: Vec<_> = ids.filter(|id| evn.bundle().kpi(id).is_none()).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_shipped_standard_lets_go_all_that_the_product_federates() {
    assert_eq!(evn().bundle().export, FEDERATED);
}
