use std::collections::HashSet;

use crate::{
    contact::{Channel, check_text},
    customer::{
        ADDRESS_LIMIT, Consent, ContactPoint, Customer, Language, MOST_POINTS, MOST_PREMISES, NAME_LIMIT, PointKind,
        Premises, email, phone,
    },
    customer_code::CustomerCode,
    province,
    refusal::Violation,
    text,
};

/// What a caller or a file says of a customer, before the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// As written.
    pub code: String,
    /// As written.
    pub name: String,
    /// As written; made from the name when empty.
    pub name_plain: String,
    /// As written.
    pub contact_points: Vec<PointDraft>,
    /// By which channel, if they have a preference.
    pub preferred_channel: Option<Channel>,
    /// Vietnamese when nothing is said.
    pub preferred_language: Option<Language>,
    /// As written.
    pub premises: Vec<Premises>,
}

/// A contact point as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointDraft {
    /// Of which kind.
    pub kind: PointKind,
    /// In any usual way of writing it.
    pub value: String,
    /// In any order.
    pub consents: Vec<Consent>,
}

/// 2200-01-01, seconds since 1970.
const LATEST_S: i64 = 7_258_118_400;

/// The customer that a draft describes, in normal forms, or every rule that it breaks. `at` prefixes the field names.
///
/// # Errors
/// All violations.
pub fn settle(draft: Draft, at: &str) -> Result<Customer, Vec<Violation>> {
    let mut found = Vec::new();
    let code = match CustomerCode::parse(&draft.code) {
        Ok(code) if code.is_pseudonym() => {
            let cure = "codes that begin with PZ0 stand for erased customers; give the customer's own code";
            found.push(Violation::new(format!("{at}code"), "RESERVED", cure));
            None
        }
        Ok(code) => Some(code),
        Err(e) => {
            found.push(Violation::new(format!("{at}code"), "MALFORMED", e.to_string()));
            None
        }
    };
    let (mut name, mut name_plain) = (tidy(&draft.name), tidy(&draft.name_plain));
    if name.is_empty() {
        name.clone_from(&name_plain);
    }
    if name_plain.is_empty() {
        name_plain = tidy(&text::plain(&name));
    }
    if name.is_empty() {
        found.push(Violation::new(format!("{at}name"), "REQUIRED", "give the customer's name"));
    }
    check_text(&format!("{at}name"), &name, NAME_LIMIT, &mut found);
    check_text(&format!("{at}name_plain"), &name_plain, NAME_LIMIT, &mut found);
    let contact_points = points(draft.contact_points, at, &mut found);
    let premises = places(draft.premises, code.as_ref(), at, &mut found);
    match code {
        Some(code) if found.is_empty() => Ok(Customer {
            code,
            name,
            name_plain,
            contact_points,
            preferred_channel: draft.preferred_channel,
            preferred_language: draft.preferred_language.unwrap_or(Language::Vi),
            premises,
        }),
        _ => Err(found),
    }
}

fn points(drafts: Vec<PointDraft>, at: &str, found: &mut Vec<Violation>) -> Vec<ContactPoint> {
    if drafts.len() > MOST_POINTS {
        let cure = format!("give at most {MOST_POINTS} contact points");
        found.push(Violation::new(format!("{at}contact_points"), "TOO_MANY", cure));
        return Vec::new();
    }
    let mut points: Vec<ContactPoint> = Vec::with_capacity(drafts.len());
    for (i, draft) in drafts.into_iter().enumerate() {
        let field = |name: &str| format!("{at}contact_points[{i}].{name}");
        let value = match draft.kind {
            PointKind::Phone => phone(&draft.value).map_err(|e| e.to_string()),
            PointKind::Email => email(&draft.value).map_err(|e| e.to_string()),
        };
        let consents = consents(draft.consents, &field("consents"), found);
        match value {
            Err(cure) => found.push(Violation::new(field("value"), "MALFORMED", cure)),
            Ok(value) if points.iter().any(|other| other.value == value) => {
                found.push(Violation::new(field("value"), "REPEATED", "give each contact point once"));
            }
            Ok(value) => points.push(ContactPoint { kind: draft.kind, value, consents }),
        }
    }
    points
}

fn consents(mut consents: Vec<Consent>, field: &str, found: &mut Vec<Violation>) -> Vec<Consent> {
    for (i, consent) in consents.iter_mut().enumerate() {
        consent.source = tidy(&consent.source);
        let source = format!("{field}[{i}].source");
        if consent.source.is_empty() {
            found.push(Violation::new(&source, "REQUIRED", "say where the consent is on record, such as contract"));
        }
        check_text(&source, &consent.source, 100, found);
        if !(0..LATEST_S).contains(&consent.given_at.as_second()) {
            let cure = "give a time from 1970 to 2199; a default or a broken clock gives others";
            found.push(Violation::new(format!("{field}[{i}].given_at"), "OUT_OF_RANGE", cure));
        }
    }
    consents.sort_by_key(|consent| consent.purpose);
    if consents.windows(2).any(|pair| pair[0].purpose == pair[1].purpose) {
        found.push(Violation::new(field, "REPEATED", "give each purpose once, as it stands now"));
    }
    consents
}

fn places(
    mut places: Vec<Premises>,
    code: Option<&CustomerCode>,
    at: &str,
    found: &mut Vec<Violation>,
) -> Vec<Premises> {
    if places.len() > MOST_PREMISES {
        let cure = format!("give at most {MOST_PREMISES} premises");
        found.push(Violation::new(format!("{at}premises"), "TOO_MANY", cure));
        return Vec::new();
    }
    let only = places.len() == 1;
    let mut seen = HashSet::new();
    for (i, place) in places.iter_mut().enumerate() {
        let field = |name: &str| format!("{at}premises[{i}].{name}");
        place.code = tidy(&place.code).to_uppercase();
        if only && place.code.is_empty() {
            place.code = code.map(|code| code.as_str().to_owned()).unwrap_or_default();
        }
        if !place.code.is_empty() || !only {
            check_code(&field("code"), &place.code, found);
        }
        if !seen.insert(place.code.clone()) {
            found.push(Violation::new(
                field("code"),
                "REPEATED",
                "give each of a customer's premises a code of its own",
            ));
        }
        place.address = tidy(&place.address);
        check_text(&field("address"), &place.address, ADDRESS_LIMIT, found);
        place.province = filled(place.province.take()).map(|code| code.to_uppercase());
        if place.province.as_deref().is_some_and(|code| province::find(code).is_none()) {
            let cure = "give an ISO 3166-2 code of Vietnam, such as VN-SG";
            found.push(Violation::new(field("province"), "UNKNOWN_CODE", cure));
        }
        place.district = tidy(&place.district);
        check_text(&field("district"), &place.district, 100, found);
        place.area = tidy(&place.area).to_uppercase();
        if !place.area.is_empty() {
            check_code(&field("area"), &place.area, found);
        }
        place.feeder = filled(place.feeder.take()).map(|code| code.to_uppercase());
        place.transformer = filled(place.transformer.take()).map(|code| code.to_uppercase());
        for (name, code) in [("feeder", &place.feeder), ("transformer", &place.transformer)] {
            if let Some(code) = code {
                check_code(&field(name), code, found);
            }
        }
    }
    places.sort_by(|a, b| a.code.cmp(&b.code));
    places
}

/// Codes of the grid: the same letters in every system, so that a notice and a customer's row mean the same feeder.
fn check_code(field: &str, code: &str, found: &mut Vec<Violation>) {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "._/-".contains(c);
    if code.is_empty() || code.len() > 32 || !code.chars().all(plain) {
        found.push(Violation::new(field, "MALFORMED", "give 1 to 32 of A-Z, 0-9, dot, underscore, slash or hyphen"));
    }
}

fn filled(given: Option<String>) -> Option<String> {
    given.map(|text| tidy(&text)).filter(|text| !text.is_empty())
}

/// Normal form C, without white space around it and with single spaces within.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for word in text::nfc(text).split_whitespace() {
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        tidy.push_str(word);
    }
    tidy
}
