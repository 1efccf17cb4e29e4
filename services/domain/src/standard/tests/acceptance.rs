use super::*;
use crate::{clock::ClockKind, refusal::Refusal, ticket::Priority};

fn key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

fn overlay(targets: &str) -> Overlay {
    let head = "overlay: fast\nversion: 1\nregion: HCMC\nstandard: small\n";
    read_overlay(&format!("{head}{targets}")).unwrap()
}

fn lowered(limit: &str) -> Overlay {
    overlay(&format!("targets: [{{ id: restore, limit: {limit}, from: 2026-01-01, source: region }}]"))
}

/// What a node that trusts key 1 answers to a bundle signed and published in 2029.
fn answered(yaml: &str, terms: &Terms<'_>) -> Result<Standard, Vec<Refusal>> {
    let signature = key(1).sign(yaml.as_bytes(), "2029-01-01T00:00:00Z".parse().unwrap());
    accept(&Offer { yaml, signature: &signature, published_us: us("2029-01-02T00:00:00Z") }, terms)
}

fn reasons(answer: Result<Standard, Vec<Refusal>>) -> Vec<&'static str> {
    answer.unwrap_err().iter().map(|refusal| refusal.reason).collect()
}

#[test]
fn a_signed_bundle_that_comes_in_time_is_accepted() {
    let trusted = [key(2).public(), key(1).public()];
    let standard = answered(SMALL, &Terms { trusted: &trusted, export_limit: None, overlay: None }).unwrap();
    assert_eq!(standard.version(), "small.1");
    assert!(standard.exports("province") && !standard.exports("channel"));
}

#[test]
fn a_stranger_and_a_forgery_are_refused_before_anything_is_read() {
    let trusted = [key(2).public()];
    let terms = Terms { trusted: &trusted, export_limit: None, overlay: None };
    assert_eq!(reasons(answered("not even yaml: [", &terms)), ["UNKNOWN_KEY"]);
    let trusted = [key(1).public()];
    let terms = Terms { trusted: &trusted, export_limit: None, overlay: None };
    let signature = key(1).sign(SMALL.as_bytes(), "2029-01-01T00:00:00Z".parse().unwrap());
    let other = with("limit: 2 h", "limit: 3 h");
    let offer = Offer { yaml: &other, signature: &signature, published_us: 0 };
    assert_eq!(reasons(accept(&offer, &terms)), ["BAD_SIGNATURE"]);
    let dated_back = Signature { signed_at: "2020-01-01T00:00:00Z".parse().unwrap(), ..signature.clone() };
    let offer = Offer { yaml: SMALL, signature: &dated_back, published_us: 0 };
    assert_eq!(reasons(accept(&offer, &terms)), ["BAD_SIGNATURE"]);
}

#[test]
fn what_was_signed_or_published_too_late_is_refused_and_what_only_arrives_late_is_not() {
    let trusted = [key(1).public()];
    let terms = Terms { trusted: &trusted, export_limit: None, overlay: None };
    for (signed, published, fine) in [
        ("2029-12-31T23:59:59Z", "2029-12-31T23:59:59.999999Z", true),
        ("2030-01-01T00:00:00Z", "2029-12-31T00:00:00Z", false),
        ("2029-12-31T23:59:59Z", "2030-01-01T00:00:00Z", false),
    ] {
        let signature = key(1).sign(SMALL.as_bytes(), signed.parse().unwrap());
        let offer = Offer { yaml: SMALL, signature: &signature, published_us: us(published) };
        match accept(&offer, &terms) {
            Ok(_) => assert!(fine),
            Err(refusals) => assert!(!fine && refusals[0].reason == "EFFECTIVE_IN_THE_PAST", "{refusals:?}"),
        }
    }
}

#[test]
fn a_bundle_with_errors_is_refused_with_every_finding() {
    let trusted = [key(1).public()];
    let terms = Terms { trusted: &trusted, export_limit: None, overlay: None };
    let yaml = with("limit: 2 h", "limit: soon").replace("topic: bill", "topic: b");
    let refusals = answered(&yaml, &terms).unwrap_err();
    assert_eq!(refusals[0].reason, "INVALID_BUNDLE");
    let fields: Vec<_> = refusals[0].violations.iter().map(|it| (it.field.as_str(), it.reason)).collect();
    assert_eq!(fields, [("categories[1].topic", "UNKNOWN_WORD"), ("targets[0].rules[1].limit", "MALFORMED_DURATION")]);
    assert!(refusals[0].violations[1].description.starts_with("line 32, column 18: "));
}

#[test]
fn a_wider_export_is_refused_whoever_widens() {
    let trusted = [key(1).public()];
    let open = Terms { trusted: &trusted, export_limit: None, overlay: None };
    assert_eq!(reasons(answered(&with("province]", "customer_name]"), &open)), ["WIDER_EXPORT"]);
    let limit = ["state".to_owned(), "channel".to_owned()];
    let limited = Terms { export_limit: Some(&limit), ..open };
    assert_eq!(reasons(answered(SMALL, &limited)), ["WIDER_EXPORT"]);
    assert!(answered(&with(", province]", ", channel]"), &limited).is_ok());
    let wide = overlay("export: [id, reference, version, state, priority, opened_at, updated_at, channel]");
    assert_eq!(reasons(answered(SMALL, &Terms { overlay: Some(&wide), ..open })), ["WIDER_EXPORT"]);
    let narrow = overlay("export: [id, reference, version, state, priority, opened_at, updated_at]");
    assert!(!answered(SMALL, &Terms { overlay: Some(&narrow), ..open }).unwrap().exports("province"));
}

#[test]
fn an_overlay_lowers_limits_from_its_day_on_and_never_raises_one() {
    let trusted = [key(1).public()];
    let with =
        |overlay: &Overlay| answered(SMALL, &Terms { trusted: &trusted, export_limit: None, overlay: Some(overlay) });
    assert_eq!(reasons(with(&lowered("3 h"))), ["LAXER_OVERLAY"]);
    assert_eq!(reasons(with(&lowered("1 wh"))), ["OVERLAY_CHANGES_CLOCK"]);
    assert_eq!(
        reasons(with(&overlay("targets: [{ id: x, limit: 1 h, from: 2026-01-01, source: s }]"))),
        ["UNKNOWN_TARGET"]
    );
    let standard = with(&lowered("90 min")).unwrap();
    assert_eq!(standard.version(), "small.1+fast.1");
    let rule = |opened: &str| {
        let (priority, opened_us) = (Priority::Normal, us(opened));
        let rules = standard.rules_for(&RuleSubject { category: "outage", priority, locality: None, opened_us });
        let rule = rules.iter().find(|rule| rule.kind == ClockKind::Resolution).unwrap().clone();
        (limit::write(&rule.limit), rule.key.0.clone())
    };
    assert_eq!(rule("2014-01-01T00:00:00Z"), ("4 h".into(), "small.1+fast.1/restore/0".into()));
    assert_eq!(rule("2025-12-31T16:59:59Z"), ("2 h".into(), "small.1+fast.1/restore/1".into()));
    assert_eq!(rule("2025-12-31T17:00:00Z"), ("90 min".into(), "small.1+fast.1/restore/2".into()));
}

#[test]
fn an_overlay_of_another_standard_waits() {
    let trusted = [key(1).public()];
    let mut other = lowered("3 h");
    other.standard = "other".into();
    let terms = Terms { trusted: &trusted, export_limit: None, overlay: Some(&other) };
    assert_eq!(answered(SMALL, &terms).unwrap().version(), "small.1");
    assert_eq!(small().with_overlay(&other).unwrap_err()[0].reason, "OVERLAY_OF_ANOTHER_STANDARD");
    let of_version = Overlay { standard: "small".into(), standard_version: Some(2), ..other };
    assert!(!of_version.fits(small().bundle()));
}

#[test]
fn more_notice_before_an_event_is_lower_not_higher() {
    let evn = evn();
    let with = |limit: &str| {
        let head = "overlay: early\nversion: 1\nregion: SPC\nstandard: evn-2013\n";
        let target = format!("targets: [{{ id: planned_outage_notice, limit: {limit}, from: 2026-01-01, source: x }}]");
        evn.with_overlay(&read_overlay(&format!("{head}{target}")).unwrap()).map(|_| ())
    };
    assert!(with("7 d before").is_ok());
    assert_eq!(with("3 d before").unwrap_err()[0].reason, "LAXER_OVERLAY");
    assert_eq!(with("3 d after").unwrap_err()[0].reason, "OVERLAY_CHANGES_CLOCK");
}
