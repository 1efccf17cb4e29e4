//! Alerts by the Common Alerting Protocol (CAP) 1.2 of OASIS: one for each published revision.

use super::{Phase, PublicNotice, PublicRevision, Publisher, RevisionKind, Urgency, public::named};
use crate::{customer::Language, document::Xml, outage::Area, province};

/// Namespace of the standard.
pub const NAMESPACE: &str = "urn:oasis:names:tc:emergency:cap:1.2";

/// The alert of a revision; none when there is no such published one. It refers to all that were published before it, which it
/// supersedes (§3.2.1).
#[must_use]
pub fn alert(notice: &PublicNotice, number: i64, publisher: &Publisher) -> Option<String> {
    let revision = notice.revisions.iter().find(|revision| revision.number == number)?;
    let mut xml = Xml::new();
    xml.element("alert", &[("xmlns", NAMESPACE)], |xml| {
        xml.leaf("identifier", &notice.identifier(number));
        xml.leaf("sender", &publisher.sender);
        xml.leaf("sent", &publisher.time(revision.published_at));
        xml.leaf("status", if publisher.exercise { "Exercise" } else { "Actual" });
        xml.leaf("msgType", kind(revision.kind));
        xml.leaf("scope", "Public");
        if revision.kind == RevisionKind::Correction {
            xml.leaf("note", "Đính chính. / Correction.");
        }
        let before = notice.revisions.iter().filter(|other| other.number < number);
        let references: Vec<_> = before
            .map(|other| {
                let (identifier, sent) = (notice.identifier(other.number), publisher.time(other.published_at));
                format!("{},{identifier},{sent}", publisher.sender)
            })
            .collect();
        if !references.is_empty() {
            xml.leaf("references", &references.join(" "));
        }
        if !notice.incident.is_empty() {
            xml.leaf("incidents", &quoted(&notice.incident));
        }
        for language in [Language::Vi, Language::En] {
            xml.element("info", &[], |xml| info(xml, notice, revision, publisher, language));
        }
    });
    Some(xml.finish())
}

const fn kind(kind: RevisionKind) -> &'static str {
    match kind {
        RevisionKind::Initial => "Alert",
        RevisionKind::Update | RevisionKind::Correction | RevisionKind::AllClear => "Update",
        RevisionKind::Cancel => "Cancel",
    }
}

/// One of several names between spaces; what has a space of its own stands in quotes (§3.2.1).
fn quoted(text: &str) -> String {
    if text.contains(char::is_whitespace) { format!("\"{}\"", text.replace('"', "'")) } else { text.to_owned() }
}

fn info(xml: &mut Xml, notice: &PublicNotice, revision: &PublicRevision, publisher: &Publisher, language: Language) {
    let text = revision.text(language);
    xml.leaf("language", if language == Language::En { "en" } else { "vi-VN" });
    xml.leaf("category", "Infra");
    xml.leaf("event", event(revision.phase, language));
    xml.leaf("responseType", response(revision));
    xml.leaf("urgency", urgency(revision));
    xml.leaf("severity", severity(revision));
    xml.leaf("certainty", if revision.phase == Phase::Planned { "Likely" } else { "Observed" });
    xml.leaf("expires", &publisher.time(revision.expires_at));
    xml.leaf("senderName", &publisher.name);
    xml.leaf("headline", &text.title);
    xml.leaf("description", &text.body);
    xml.leaf("web", &format!("{}{}", publisher.url, notice.path(revision.number)));
    if !publisher.contact.is_empty() {
        xml.leaf("contact", &publisher.contact);
    }
    let drawn = notice.outage_areas.iter().filter(|area| area.polygon.is_some() && !revision.places.contains(area));
    for area in revision.places.iter().chain(drawn) {
        place(xml, area, language);
    }
    if revision.everybody {
        regions(xml, &revision.regions, language);
    }
}

/// What people are asked to do. What was a mistake, or does not take place, does not say that supply is back.
const fn response(revision: &PublicRevision) -> &'static str {
    match (revision.kind, revision.phase) {
        (RevisionKind::AllClear, _)
        | (RevisionKind::Initial | RevisionKind::Update | RevisionKind::Correction, Phase::AllClear) => "AllClear",
        (RevisionKind::Cancel, _) | (_, Phase::Cancelled) => "None",
        _ => "Monitor",
    }
}

const fn urgency(revision: &PublicRevision) -> &'static str {
    match (revision.kind, revision.phase) {
        (RevisionKind::Cancel | RevisionKind::AllClear, _) | (_, Phase::AllClear | Phase::Cancelled) => "Past",
        (_, Phase::Planned) => "Future",
        _ if matches!(revision.urgency, Urgency::Routine) => "Expected",
        _ => "Immediate",
    }
}

const fn severity(revision: &PublicRevision) -> &'static str {
    match (revision.kind, revision.phase) {
        (RevisionKind::Cancel | RevisionKind::AllClear, _)
        | (_, Phase::AllClear | Phase::Cancelled | Phase::Planned) => "Minor",
        _ if matches!(revision.urgency, Urgency::Routine) => "Moderate",
        _ => "Severe",
    }
}

const fn event(phase: Phase, language: Language) -> &'static str {
    let (vi, en) = match phase {
        Phase::First | Phase::Apology | Phase::Progress | Phase::EstimateChanged => ("Mất điện", "Power outage"),
        Phase::PartialRestoration => ("Khôi phục điện một phần", "Power partly restored"),
        Phase::AllClear => ("Đã có điện lại", "Power restored"),
        Phase::Planned => ("Ngừng cung cấp điện có kế hoạch", "Planned power outage"),
        Phase::Cancelled => ("Hủy ngừng cung cấp điện", "Planned power outage cancelled"),
    };
    match language {
        Language::Vi => vi,
        Language::En => en,
    }
}

fn geocode(xml: &mut Xml, code: &str) {
    xml.element("geocode", &[], |xml| {
        xml.leaf("valueName", "ISO3166-2");
        xml.leaf("value", code);
    });
}

fn place(xml: &mut Xml, area: &Area, language: Language) {
    xml.element("area", &[], |xml| {
        let name = named(area, language);
        // Where only a ring was drawn, nothing is known but the ring.
        let drawn = if language == Language::En { "as drawn" } else { "theo bản đồ" };
        xml.leaf("areaDesc", if name.is_empty() { drawn } else { &name });
        if let Some(polygon) = &area.polygon {
            let pair = |position: &crate::outage::Position| {
                let (longitude, latitude) = position.degrees();
                format!("{latitude},{longitude}")
            };
            xml.leaf("polygon", &polygon.counter_clockwise().iter().map(pair).collect::<Vec<_>>().join(" "));
        }
        if let Some(code) = &area.province {
            geocode(xml, code);
        }
    });
}

/// Corporations are told by the provinces that they serve, since nobody outside knows their codes.
fn regions(xml: &mut Xml, regions: &[String], language: Language) {
    let area = |xml: &mut Xml, code: Option<&str>| {
        let served: Vec<_> = province::all().iter().filter(|one| code.is_none_or(|code| one.region == code)).collect();
        let name = |one: &&province::Province| if language == Language::En { one.name_ascii } else { one.name_vi };
        xml.element("area", &[], |xml| {
            let names = served.iter().map(name).collect::<Vec<_>>().join(", ");
            xml.leaf("areaDesc", if names.is_empty() { code.unwrap_or("Việt Nam") } else { &names });
            for one in &served {
                geocode(xml, one.code);
            }
        });
    };
    if regions.is_empty() {
        area(xml, None);
    }
    for code in regions {
        area(xml, Some(code));
    }
}

#[cfg(test)]
#[path = "cap_tests.rs"]
mod tests;
