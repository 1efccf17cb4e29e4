use csv::StringRecord;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

fn heading(names: &[&str]) -> Heading {
    Heading::read(&StringRecord::from(names.to_vec()), TimeZone::UTC).unwrap()
}

fn draft() -> Draft {
    Draft {
        code: "pe01000123456".into(),
        name: "  Nguyễn  Văn\u{a0}Đức ".into(),
        contact_points: vec![
            PointDraft { kind: PointKind::Phone, value: "0901 234 567".into(), consents: vec![] },
            PointDraft { kind: PointKind::Email, value: "Duc@Example.vn".into(), consents: vec![] },
        ],
        premises: vec![Premises {
            province: Some("vn-sg".into()),
            feeder: Some("471 e1".into()),
            ..Premises::default()
        }],
        ..Draft::default()
    }
}

fn reasons(draft: Draft) -> Vec<String> {
    settle(draft, "").unwrap_err().into_iter().map(|v| format!("{} {}", v.field, v.reason)).collect()
}

#[test]
fn a_draft_becomes_a_customer_in_normal_forms() {
    let mut draft = draft();
    draft.premises[0].feeder = Some("471e1".into());
    let customer = settle(draft, "").unwrap();
    assert_eq!(customer.code.as_str(), "PE01000123456");
    assert_eq!((customer.name.as_str(), customer.name_plain.as_str()), ("Nguyễn Văn Đức", "Nguyen Van Duc"));
    let points: Vec<_> = customer.contact_points.iter().map(|point| point.value.as_str()).collect();
    assert_eq!(points, ["+84901234567", "duc@example.vn"]);
    let place = &customer.premises[0];
    assert_eq!((place.code.as_str(), place.province.as_deref()), ("PE01000123456", Some("VN-SG")));
    assert_eq!(place.feeder.as_deref(), Some("471E1"));
    assert_eq!(customer.preferred_language, Language::Vi);
}

#[test]
fn every_broken_rule_is_named_at_once() {
    let mut bad = draft();
    bad.code = "123".into();
    bad.name = "\0".repeat(201);
    bad.contact_points.push(PointDraft { kind: PointKind::Phone, value: "+84901234567".into(), consents: vec![] });
    bad.contact_points.push(PointDraft { kind: PointKind::Email, value: "nowhere".into(), consents: vec![] });
    bad.premises.push(Premises { province: Some("VN-99".into()), ..Premises::default() });
    assert_eq!(
        reasons(bad),
        [
            "code MALFORMED",
            "name LENGTH",
            "name NUL",
            "name_plain LENGTH",
            "name_plain NUL",
            "contact_points[2].value REPEATED",
            "contact_points[3].value MALFORMED",
            "premises[0].code MALFORMED",
            "premises[0].feeder MALFORMED",
            "premises[1].code MALFORMED",
            "premises[1].code REPEATED",
            "premises[1].province UNKNOWN_CODE",
        ]
    );
    let reserved = Draft { code: "PZ00000000000".into(), premises: vec![], ..draft() };
    assert_eq!(reasons(reserved), ["code RESERVED"], "nobody is imported as one who was erased");
    assert_eq!(reasons(Draft { name: " ".into(), premises: vec![], ..draft() }), ["name REQUIRED"]);
}

#[test]
fn a_digest_tells_every_difference_and_no_other() {
    let sound = || {
        let mut draft = draft();
        draft.premises[0].feeder = None;
        settle(draft, "").unwrap()
    };
    assert_eq!(digest(&sound()), digest(&sound()));
    let changes: [fn(&mut Customer); 7] = [
        |c| c.name.push('x'),
        |c| c.contact_points[0].value.push('1'),
        |c| c.contact_points[0].kind = PointKind::Email,
        |c| c.preferred_channel = Some(Channel::Sms),
        |c| c.premises[0].medical_equipment = true,
        |c| c.premises[0].critical_service = true,
        |c| {
            let consent = Consent {
                purpose: Purpose::Billing,
                granted: false,
                given_at: Timestamp::UNIX_EPOCH,
                source: "contract".into(),
            };
            c.contact_points[1].consents.push(consent);
        },
    ];
    let mut digests = vec![digest(&sound())];
    for change in changes {
        let mut customer = sound();
        change(&mut customer);
        digests.push(digest(&customer));
    }
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 8);
}

#[test]
fn a_heading_may_be_vietnamese_and_a_wrong_one_is_told_what_it_may_have_meant() {
    heading(&["Mã khách hàng", "TÊN KHÁCH HÀNG", "Điện thoại", "feeder", "Medical equipment"]);
    let read = Heading::read(&StringRecord::from(vec!["code", "nmae", "phone", "phone", "colour"]), TimeZone::UTC);
    assert_eq!(
        read.unwrap_err(),
        [
            "column \"nmae\" is unknown; did you mean name?",
            "column \"phone\" stands twice; leave one",
            "column \"colour\" is unknown; remove it, or see --help for all columns",
            "column \"name\" is missing: name",
        ]
    );
}

#[test]
fn a_row_is_read_and_every_bad_cell_is_named() {
    let heading = heading(&[
        "code",
        "name",
        "phone",
        "consent",
        "consent_date",
        "consent_source",
        "locality",
        "critical_service",
    ]);
    let row = |cells: &[&str]| heading.row(&StringRecord::from(cells.to_vec()));
    let sound = row(&[
        "PE01000123456",
        "Lan",
        "0901234567/0901234568",
        "outage_notice/-marketing",
        "2013-05-22",
        "contract",
        "Town",
        "có",
    ]);
    let draft = sound.unwrap().draft;
    assert_eq!(draft.contact_points.len(), 2);
    let consents: Vec<_> = draft.contact_points[1].consents.iter().map(|c| (c.purpose, c.granted)).collect();
    assert_eq!(consents, [(Purpose::OutageNotice, true), (Purpose::Marketing, false)]);
    assert_eq!(draft.contact_points[0].consents[0].given_at.to_string(), "2013-05-22T00:00:00Z");
    assert!(draft.premises[0].critical_service);
    assert_eq!(draft.premises[0].locality, Some(Locality::Town));

    let bad = row(&["PE01000123456", "Lan", "", "gossip", "yesterday", "", "moon", "maybe"]).unwrap_err();
    let columns: Vec<_> = bad.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(columns, ["consent_date", "consent_source", "consent", "locality", "critical_service"]);
    assert_eq!(row(&["PE01000123456"]).unwrap_err()[0].reason, "WIDTH");
}

#[test]
fn rows_of_one_customer_are_one_customer_with_several_premises() {
    let heading = heading(&["code", "name", "phone", "premises", "feeder"]);
    let row = |cells: [&str; 5]| heading.row(&StringRecord::from(cells.to_vec())).unwrap();
    let joined = join(vec![
        row(["PE01000123456", "Lan", "0901234567", "1", "471"]),
        row(["PE01000123456", "", "", "2", "no such feeder"]),
    ]);
    let joined = joined.unwrap();
    let found = settle(joined.draft.clone(), "").unwrap_err();
    let told = joined.explain(&found[0], &[]);
    assert_eq!((told.row, told.text.starts_with("feeder: give 1 to 32")), (1, true), "{told:?}");

    let differing =
        join(vec![row(["PE01000123456", "Lan", "", "1", ""]), row(["PE01000123456", "Hoa", "0901234567", "", ""])]);
    let told: Vec<_> =
        differing.unwrap_err().into_iter().map(|e| (e.row, e.text.split(':').next().unwrap().to_owned())).collect();
    let expected = [(1, "name"), (1, "phone, email or consent"), (1, "premises")];
    assert_eq!(told, expected.map(|(row, column)| (row, column.to_owned())));
}

#[test]
fn a_name_key_is_what_people_type() {
    assert_eq!(name_key("Nguyễn Văn-Đức (cô Lan)"), "nguyen van duc co lan");
    assert!(name_key(&"ж".repeat(500)).len() <= NAME_LIMIT);
}

proptest! {
    #[test]
    fn settling_twice_changes_nothing(
        name in "\\PC{1,30}", phone in "0[1-9][0-9]{8}", district in "\\PC{0,20}", area in "[a-zA-Z0-9._-]{0,12}",
    ) {
        let place = Premises { district, area, ..Premises::default() };
        let point = PointDraft { kind: PointKind::Phone, value: phone, consents: vec![] };
        let draft = Draft { code: "PE01000123456".into(), name, contact_points: vec![point], premises: vec![place], ..Draft::default() };
        if let Ok(once) = settle(draft, "") {
            let again = Draft {
                code: once.code.to_string(),
                name: once.name.clone(),
                name_plain: once.name_plain.clone(),
                contact_points: once.contact_points.iter().map(|p| PointDraft { kind: p.kind, value: p.value.clone(), consents: vec![] }).collect(),
                preferred_channel: once.preferred_channel,
                preferred_language: Some(once.preferred_language),
                premises: once.premises.clone(),
            };
            let twice = settle(again, "").unwrap();
            prop_assert_eq!(digest(&twice), digest(&once));
        }
    }

    #[test]
    fn any_row_is_read_or_refused(cells in prop::collection::vec("\\PC{0,20}", 18..22)) {
        let names: Vec<_> = COLUMNS.iter().map(|column| column.name).collect();
        let heading = heading(&names);
        if let Ok(row) = heading.row(&StringRecord::from(cells))
            && let Ok(joined) = join(vec![row])
        {
            let _ = settle(joined.draft, "");
        }
    }
}
