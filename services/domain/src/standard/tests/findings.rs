use proptest::prelude::*;

use super::*;

/// What is found, as `line code`, without topics that the small bundle leaves out.
fn found(yaml: &str) -> Vec<String> {
    let found = lint(yaml);
    let relevant = found.iter().filter(|finding| finding.code != "TOPIC_WITHOUT_CATEGORY");
    relevant.map(|finding| format!("{} {}", finding.line, finding.code)).collect()
}

fn message(yaml: &str) -> String {
    lint(yaml).iter().find(|finding| finding.severity == Severity::Error).unwrap().message.clone()
}

#[test]
fn the_small_bundle_is_clean() {
    assert_eq!(found(SMALL), Vec::<String>::new());
}

#[test]
fn every_mistake_is_found_at_its_line() {
    let mut wrong = Vec::new();
    for (from, to, expected) in [
        // Form.
        ("standard: small", "standrad: small", &["1 UNKNOWN_FIELD", "1 MISSING_KEY"][..]),
        ("version: 1\n", "version: one\n", &["2 OUT_OF_RANGE"]),
        ("name_vi: Nhỏ\n", "", &["1 MISSING_NAME"]),
        ("name_en: Town", "name_en: \"  \"", &["16 EMPTY"]),
        ("2030-01-01T00:00:00Z", "2030-01-01", &["5 MALFORMED_INSTANT"]),
        ("time_zone: Asia/Ho_Chi_Minh", "time_zone: Asia/Hanoi", &["6 UNKNOWN_ZONE"]),
        ("13:00-17:00", "13:00-12:00", &["11 MALFORMED_HOURS"]),
        ("limit: 4 h", "limit: 4 hours", &["31 MALFORMED_DURATION"]),
        ("date: 2013-01-01", "date: 2013-02-30", &["14 MALFORMED_DATE"]),
        ("[0.5, 0.8]", "[0.5, 1.5]", &["29 MALFORMED_FRACTION"]),
        ("assumed: true", "assumed: yes", &["31 WRONG_TYPE"]),
        ("topic: bill", "topic: bil", &["21 UNKNOWN_WORD"]),
        ("ask_after: PT1H", "ask_after: 1 h", &["45 MALFORMED_DURATION"]),
        ("Nhỏ", "Nho\u{309}", &["3 NOT_NORMAL"]),
        // Names.
        ("calendar: office", "calendar: ofice", &["8 UNUSED_CALENDAR", "38 UNKNOWN_CALENDAR"]),
        ("categories: [outage]", "categories: [outgae]", &["27 UNREACHABLE", "27 UNKNOWN_CATEGORY"]),
        ("categories: [outage]", "localities: [rural]", &["27 UNREACHABLE", "27 UNKNOWN_LOCALITY"]),
        ("categories: [outage]", "priorities: [high]", &["27 UNREACHABLE", "27 UNKNOWN_PRIORITY"]),
        ("code: bill", "code: outage", &["21 DUPLICATE_ID", "40 UNREACHABLE"]),
        ("id: settle", "id: restore", &["33 DUPLICATE_ID"]),
        ("notify: [supervisor]", "notify: [supervisor], targets: [retsore]", &["42 UNREACHABLE", "42 UNKNOWN_TARGET"]),
        ("template: ask", "template: aks", &["45 UNKNOWN_TEMPLATE"]),
        (
            "text_vi: \"Yêu cầu {reference}?\"",
            "text_vi: \"{agent} {reference}?\"",
            &["47 TEMPLATES_DIFFER", "47 NOT_KNOWN_BY_ITSELF"],
        ),
        ("province]", "phone_number]", &["48 WIDER_EXPORT"]),
        ("[id, reference", "[reference", &["48 MISSING_EXPORT"]),
        // Days.
        ("date: 2013-01-01", "date: 2014-01-01", &["12 NO_HOLIDAYS", "14 HOLIDAY_OUTSIDE"]),
        ("until: 2014-01-01", "until: 2012-01-01", &["12 UNTIL_BEFORE_FROM", "14 HOLIDAY_OUTSIDE"]),
        ("\"13:00-17:00\"", "\"11:00-17:00\"", &["11 OVERLAPPING_HOURS"]),
        ("mon: [\"07:30-11:30\", \"13:00-17:00\"]", "mon: []", &["11 NO_HOURS"]),
        // Rules.
        ("until: 2020-01-01", "until: 2020-01-02", &["32 OVERLAP"]),
        ("until: 2020-01-01, ", "", &["32 OVERLAP"]),
        ("until: 2020-01-01", "until: 2019-12-31", &["32 GAP"]),
        ("until: 2020-01-01", "until: 2013-01-01", &["31 UNTIL_BEFORE_FROM"]),
        ("limit: 3 wd", "limit: 3 d", &["40 CLOCK_MISMATCH"]),
        ("limit: 2 h", "limit: 2 h after", &["32 CLOCK_MISMATCH"]),
        ("    calendar: office\n", "", &["8 UNUSED_CALENDAR", "37 NO_CALENDAR"]),
        ("[0.5, 0.8]", "[0.8, 0.5]", &["29 WARNINGS_DESCEND"]),
        ("[0.5, 0.8]", "[0.1234]", &["29 MALFORMED_FRACTION"]),
        ("    applies_to: { categories: [outage] }\n", "", &["32 OVERLAP"]),
        // Texts.
        ("{reference}?\", text_en", "{referense}?\", text_en", &["47 TEMPLATES_DIFFER", "47 UNKNOWN_PLACEHOLDER"]),
        // Figures.
        ("id: compliance_of_ended", "id: share", &["44 UNKNOWN_KPI"]),
        ("formula: met / ended", "formula: met / opened", &["44 OTHER_FORMULA"]),
        ("formula: met / ended", "formula: met % ended", &["44 MALFORMED_FORMULA"]),
        ("denominator: ended", "denominator: opened", &["44 OTHER_FORMULA"]),
        ("denominator: ended, ", "", &["44 OTHER_FORMULA"]),
        ("merges_by: adding", "merges_by: sketch", &["44 OTHER_FORMULA"]),
        ("merges_by: adding", "threshold: PT30S, merges_by: adding", &["44 NEEDLESS_THRESHOLD"]),
        ("when: breached", "when: warned", &["42 MISSING_KEY"]),
        ("when: breached", "when: warned, at: 0.9", &["42 UNREACHABLE"]),
        ("notify: [supervisor]", "kinds: [event]", &["42 NOTHING_FOLLOWS", "42 UNREACHABLE"]),
    ] {
        let found = found(&with(from, to));
        if found != expected {
            wrong.push(format!("{from} -> {to}: {found:?}, not {expected:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_slip_of_the_finger_gets_a_guess() {
    for (from, to, guess) in [
        ("standard: small", "standrad: small", "did you mean `standard`?"),
        ("calendar: office", "calendar: ofice", "did you mean `office`?"),
        ("notify:", "notfy:", "did you mean `notify`?"),
        ("topic: bill", "topic: bil", "did you mean `bill`?"),
        ("province]", "provinse]", "did you mean `province`?"),
        ("id: compliance_of_ended", "id: complience_of_ended", "did you mean `compliance_of_ended`?"),
    ] {
        let yaml = with(from, to);
        assert!(lint(&yaml).iter().any(|finding| finding.message.contains(guess)), "{to}: {}", message(&yaml));
    }
}

#[test]
fn all_mistakes_of_form_are_told_at_once() {
    let yaml =
        with("version: 1\n", "version: 0\n").replace("limit: 2 h", "limit: 2 hh").replace("topic: bill", "topic: b");
    assert_eq!(found(&yaml), ["2 OUT_OF_RANGE", "21 UNKNOWN_WORD", "32 MALFORMED_DURATION"]);
}

#[test]
fn a_threshold_that_somebody_else_decides_says_the_same() {
    let kpi = |id: &str, formula: &str, of: &str, threshold: &str, merging: &str| {
        let yaml = with("id: compliance_of_ended", &format!("id: {id}"))
            .replace("formula: met / ended", &format!("formula: {formula} / {of}"))
            .replace("denominator: ended", &format!("denominator: {of}"))
            .replace("merges_by: adding", &format!("threshold: {threshold}, merges_by: {merging}"));
        found(&yaml)
    };
    let repeated = |threshold| kpi("first_contact_resolution", "settled_at_once", "settled", threshold, "at_home");
    assert_eq!(repeated("P7D"), Vec::<String>::new());
    assert_eq!(repeated("P8D"), ["44 OTHER_THRESHOLD"]);
    let lasting = |threshold| kpi("saifi", "customers_interrupted", "customers_served", threshold, "adding");
    assert_eq!(lasting("PT5M"), Vec::<String>::new());
    assert_eq!(lasting("PT1M"), ["44 OTHER_THRESHOLD"]);
    // Nodes have their own, and tell.
    assert_eq!(kpi("service_level", "answered_within", "offered", "PT30S", "adding"), Vec::<String>::new());
}

#[test]
fn overlap_is_allowed_where_the_target_says_how() {
    let yaml = with("until: 2020-01-01, ", "").replace("warnings: [0.5, 0.8]", "overlap: stricter");
    assert_eq!(found(&yaml), Vec::<String>::new());
    let yaml =
        yaml.replace("clock: elapsed", "clock: working\n    calendar: office").replace("limit: 4 h", "limit: 4 wh");
    assert_eq!(found(&yaml.replace("limit: 2 h", "limit: 1 wd")), ["33 CLOCK_MISMATCH"]);
}

#[test]
fn a_rule_that_more_specific_targets_always_beat_is_unreachable() {
    let yaml = with("categories: [outage]", "categories: [outage, bill]");
    assert_eq!(found(&yaml), ["40 UNREACHABLE"]);
    // A gap in time lets it through again.
    let yaml =
        yaml.replace("      - { limit: 4 h, from: 2013-01-01, until: 2020-01-01, source: x, assumed: true }\n", "");
    assert_eq!(found(&yaml), Vec::<String>::new());
}

#[test]
fn a_finding_says_where_by_names_too() {
    let finding = &lint(&with("limit: 2 h", "limit: soon"))[0];
    assert_eq!(
        (finding.path.to_string().as_str(), finding.line, finding.column),
        ("targets[0].rules[1].limit", 32, 18)
    );
    assert!(finding.to_string().starts_with("32:18: error: MALFORMED_DURATION: write a limit such as"));
}

#[test]
fn what_was_not_read_from_text_is_checked_too() {
    let mut bundle = read(SMALL).unwrap();
    bundle.targets[1].calendar = Some("nowhere".into());
    let found = Standard::compile(bundle).unwrap_err();
    assert!(found.iter().any(|finding| finding.code == "UNKNOWN_CALENDAR" && finding.line == 0));
}

proptest! {
    #[test]
    fn no_broken_bundle_makes_the_reader_panic(
        cut in 0..SMALL.len(), length in 0_usize..200, put in "[-a-z0-9:{}\\[\\], \n\"é&*|]{0,20}"
    ) {
        let near = |at: usize| (0..=at.min(SMALL.len())).rev().find(|at| SMALL.is_char_boundary(*at)).unwrap_or(0);
        let (from, until) = (near(cut), near(cut + length));
        let yaml = format!("{}{put}{}", &SMALL[..from], &SMALL[until..]);
        for finding in lint(&yaml) {
            prop_assert!(finding.line >= 1 && finding.line <= yaml.lines().count() + 1, "{}", finding);
        }
        if let Ok(bundle) = read(&yaml) {
            prop_assert!(Standard::compile(bundle).is_ok());
        }
    }

    #[test]
    fn lines_of_a_bundle_in_any_order_are_read_or_refused(lines in proptest::sample::subsequence(SMALL.lines().collect::<Vec<_>>(), 0..49)) {
        let _ = lint(&lines.join("\n"));
    }
}
