use gridcare_domain::{
    audience::{self, Audience},
    customer_code::CustomerCode,
    notice::{Content, NoticeText, Phase, RevisionKind, Urgency},
    outage::Area,
    refusal::Violation,
    text::nfc,
};
use jiff::Timestamp;

use crate::{
    convert::{code, time},
    notice::v1 as wire,
};

fn some(given: &str) -> Option<String> {
    (!given.trim().is_empty()).then(|| nfc(given.trim()))
}

fn text(given: Option<&wire::NoticeText>) -> NoticeText {
    let read = |text: &str| nfc(text.trim());
    given.map(|text| NoticeText { title: read(&text.title), body: read(&text.body) }).unwrap_or_default()
}

fn place(given: &wire::NoticePlace) -> Area {
    Area {
        province: some(&given.province),
        district: some(&given.district),
        area_code: some(&given.area_code),
        feeder: some(&given.feeder),
        ..Area::default()
    }
}

fn audience_from_wire(given: &wire::NoticeAudience, at: &str, found: &mut Vec<Violation>) -> Audience {
    let mut customers = Vec::with_capacity(given.customer_codes.len().min(audience::MOST_CUSTOMERS));
    if given.customer_codes.len() > audience::MOST_CUSTOMERS {
        let cure = format!("give at most {}", audience::MOST_CUSTOMERS);
        found.push(Violation::new(format!("{at}.customer_codes"), "TOO_MANY", cure));
    }
    for (i, code) in given.customer_codes.iter().take(audience::MOST_CUSTOMERS).enumerate() {
        match CustomerCode::parse(code) {
            // What stands for an erased customer is nobody who could be told.
            Ok(code) if !code.is_pseudonym() => customers.push(code),
            _ => {
                let field = format!("{at}.customer_codes[{i}]");
                found.push(Violation::new(field, "MALFORMED", "give a customer's code"));
            }
        }
    }
    customers.sort_unstable();
    customers.dedup();
    Audience { regions: given.regions.clone(), places: given.places.iter().map(place).collect(), customers }
}

/// What an author gives, or every rule that it breaks. `at` prefixes the field names.
pub fn content_from_wire(given: &wire::NoticeContent, now: Timestamp, at: &str) -> Result<Content, Vec<Violation>> {
    let mut found = Vec::new();
    let kind = code::revision_kind_from_wire(given.kind);
    if kind.is_none() {
        let cure = "give INITIAL, UPDATE, CORRECTION, CANCEL or ALL_CLEAR";
        found.push(Violation::new(format!("{at}kind"), "UNKNOWN_CODE", cure));
    }
    let phase = code::phase_from_wire(given.phase);
    if phase.is_none() {
        found.push(Violation::new(format!("{at}phase"), "UNKNOWN_CODE", "say what it is about, such as FIRST_NOTICE"));
    }
    let urgency = code::urgency_from_wire(given.urgency);
    if urgency.is_none() && given.urgency != 0 {
        let cure = "give ROUTINE, SAFETY or EMERGENCY, or none for ROUTINE";
        found.push(Violation::new(format!("{at}urgency"), "UNKNOWN_CODE", cure));
    }
    let mut channels = Vec::new();
    for (i, channel) in given.channels.iter().enumerate() {
        match code::notice_channel_from_wire(*channel) {
            Some(channel) if !channels.contains(&channel) => channels.push(channel),
            Some(_) => {
                found.push(Violation::new(format!("{at}channels[{i}]"), "TWICE", "give each channel once"));
            }
            None => {
                let cure = "give a channel of this version, such as SMS";
                found.push(Violation::new(format!("{at}channels[{i}]"), "UNKNOWN_CODE", cure));
            }
        }
        if found.len() > 100 {
            break;
        }
    }
    channels.sort_unstable();
    let expires_at = given.expires_at.as_ref().and_then(time::instant);
    if expires_at.is_none() {
        let cure = "say until when it holds, between the years -9999 and 9999";
        found.push(Violation::new(format!("{at}expires_at"), "REQUIRED", cure));
    }
    let asked = given.audience.clone().unwrap_or_default();
    let content = Content {
        kind: kind.unwrap_or(RevisionKind::Initial),
        phase: phase.unwrap_or(Phase::First),
        urgency: urgency.unwrap_or(Urgency::Routine),
        audience: audience_from_wire(&asked, &format!("{at}audience"), &mut found),
        channels,
        vi: text(given.vi.as_ref()),
        en: text(given.en.as_ref()),
        expires_at: expires_at.unwrap_or_default(),
        diacritics: given.diacritics,
    };
    // What could not be read is not told again as missing.
    let read = found.len();
    for violation in gridcare_domain::notice::check(&content, now, at) {
        if !found[..read].iter().any(|known| known.field.starts_with(&violation.field)) {
            found.push(violation);
        }
    }
    if found.is_empty() { Ok(content) } else { Err(found) }
}

/// The name of an incident; what is wrong with it is added to `found`.
pub fn incident_from_wire(given: &str, found: &mut Vec<Violation>) -> String {
    if !(1..=64).contains(&given.len()) || !given.bytes().all(|b| b.is_ascii_graphic()) {
        let cure = "name the incident by 1 to 64 visible ASCII characters, such as 500kV-2013-05-22";
        found.push(Violation::new("incident", "REQUIRED", cure));
    }
    given.to_owned()
}
