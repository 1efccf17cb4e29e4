use gridcare_domain::{
    contact::Channel,
    customer::{Consent, Customer, Draft, Language, Locality, PointDraft, PointKind, Premises, Purpose, settle},
    refusal::Violation,
};
use jiff::Timestamp;

use crate::{convert::time, customer::v1 as wire};

/// The customer that a draft describes, in normal forms, or every rule that it breaks. `at` prefixes the field names.
///
/// # Errors
/// All violations.
pub fn from_wire(given: wire::CustomerDraft, at: &str) -> Result<Customer, Vec<Violation>> {
    let mut found = Vec::new();
    let preferred_channel = Channel::parse(&given.preferred_channel);
    if preferred_channel.is_none() && !given.preferred_channel.is_empty() {
        found.push(Violation::new(
            format!("{at}preferred_channel"),
            "UNKNOWN_CODE",
            "give a channel such as sms, or none",
        ));
    }
    let preferred_language =
        code(given.preferred_language, Language::from_number, &format!("{at}preferred_language"), &mut found);
    let mut contact_points = Vec::with_capacity(given.contact_points.len());
    for (i, point) in given.contact_points.into_iter().enumerate() {
        let field = format!("{at}contact_points[{i}].");
        let kind = code(point.kind, PointKind::from_number, &format!("{field}kind"), &mut found);
        if kind.is_none() && point.kind == 0 {
            found.push(Violation::new(format!("{field}kind"), "REQUIRED", "say whether it is a phone or an email"));
        }
        let consents = point.consents.into_iter().enumerate();
        let consents = consents.filter_map(|(j, given)| consent(given, &format!("{field}consents[{j}]."), &mut found));
        let consents = consents.collect();
        contact_points.push(PointDraft { kind: kind.unwrap_or(PointKind::Phone), value: point.value, consents });
    }
    let premises = given.premises.into_iter().enumerate().map(|(i, place)| Premises {
        code: place.code,
        address: place.address,
        province: filled(place.province),
        district: place.district,
        area: place.area,
        locality: code(place.locality, Locality::from_number, &format!("{at}premises[{i}].locality"), &mut found),
        feeder: filled(place.feeder),
        transformer: filled(place.transformer),
        medical_equipment: place.medical_equipment,
        critical_service: place.critical_service,
    });
    let premises = premises.collect();
    let draft = Draft {
        code: given.code,
        name: given.name,
        name_plain: given.name_plain,
        contact_points,
        preferred_channel,
        preferred_language,
        premises,
    };
    match settle(draft, at) {
        Ok(customer) if found.is_empty() => Ok(customer),
        Ok(_) => Err(found),
        Err(more) => {
            found.extend(more);
            Err(found)
        }
    }
}

fn consent(given: wire::Consent, at: &str, found: &mut Vec<Violation>) -> Option<Consent> {
    let purpose = code(given.purpose, Purpose::from_number, &format!("{at}purpose"), found);
    if purpose.is_none() && given.purpose == 0 {
        found.push(Violation::new(format!("{at}purpose"), "REQUIRED", "say what the consent is for"));
    }
    let given_at = given.given_at.as_ref().and_then(time::instant);
    if given_at.is_none() {
        found.push(Violation::new(format!("{at}given_at"), "REQUIRED", "say when it was given, refused or withdrawn"));
    }
    // A time that is missing has been named; the rules need not name it again.
    let given_at = given_at.unwrap_or(Timestamp::UNIX_EPOCH);
    Some(Consent { purpose: purpose?, granted: given.granted, given_at, source: given.source })
}

fn code<T>(number: i32, read: impl Fn(i64) -> Option<T>, field: &str, found: &mut Vec<Violation>) -> Option<T> {
    let known = read(i64::from(number));
    if known.is_none() && number != 0 {
        found.push(Violation::new(field, "UNKNOWN_CODE", "give a code of this version"));
    }
    known
}

fn filled(given: String) -> Option<String> {
    Some(given).filter(|text| !text.is_empty())
}

fn number(code: i64) -> i32 {
    i32::try_from(code).unwrap_or(0)
}

/// A customer on the wire.
#[must_use]
pub fn to_wire(customer: &Customer) -> wire::CustomerDraft {
    let consent = |consent: &Consent| wire::Consent {
        purpose: number(consent.purpose.number()),
        granted: consent.granted,
        given_at: Some(time::timestamp(consent.given_at)),
        source: consent.source.clone(),
    };
    let points = customer.contact_points.iter().map(|point| wire::ContactPoint {
        kind: number(point.kind.number()),
        value: point.value.clone(),
        consents: point.consents.iter().map(consent).collect(),
    });
    wire::CustomerDraft {
        code: customer.code.to_string(),
        name: customer.name.clone(),
        name_plain: customer.name_plain.clone(),
        contact_points: points.collect(),
        preferred_channel: customer.preferred_channel.map_or("", Channel::code).to_owned(),
        preferred_language: number(customer.preferred_language.number()),
        premises: customer.premises.iter().map(premises_to_wire).collect(),
    }
}

fn premises_to_wire(place: &Premises) -> wire::Premises {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    wire::Premises {
        code: place.code.clone(),
        address: place.address.clone(),
        province: text(&place.province),
        district: place.district.clone(),
        area: place.area.clone(),
        locality: place.locality.map_or(0, |locality| number(locality.number())),
        feeder: text(&place.feeder),
        transformer: text(&place.transformer),
        medical_equipment: place.medical_equipment,
        critical_service: place.critical_service,
    }
}

/// A violation on the wire, for batches.
#[must_use]
pub fn violation_to_wire(violation: Violation) -> wire::CustomerViolation {
    wire::CustomerViolation {
        field: violation.field,
        reason: violation.reason.to_owned(),
        description: violation.description,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> wire::CustomerDraft {
        let consent = |purpose: wire::ConsentPurpose, granted| wire::Consent {
            purpose: purpose.into(),
            granted,
            given_at: Some(prost_types::Timestamp { seconds: 1_369_180_800, nanos: 0 }),
            source: "contract".into(),
        };
        let phone = wire::ContactPoint {
            kind: wire::ContactPointKind::Phone.into(),
            value: "0901 234 567".into(),
            consents: vec![
                consent(wire::ConsentPurpose::Marketing, false),
                consent(wire::ConsentPurpose::OutageNotice, true),
            ],
        };
        let place = wire::Premises { province: "VN-SG".into(), medical_equipment: true, ..Default::default() };
        wire::CustomerDraft {
            code: "PE01000123456".into(),
            name: "Nguyễn Thị Lan".into(),
            contact_points: vec![phone],
            preferred_channel: "sms".into(),
            premises: vec![place],
            ..Default::default()
        }
    }

    #[test]
    fn a_customer_survives_the_wire() {
        let customer = from_wire(sound(), "").unwrap();
        assert_eq!(customer.contact_points[0].consents[0].purpose, Purpose::OutageNotice, "in the order of purposes");
        assert_eq!(from_wire(to_wire(&customer), "").unwrap(), customer);
    }

    #[test]
    fn every_violation_of_the_wire_and_of_the_rules_is_named_together() {
        let mut bad = sound();
        bad.name.clear();
        bad.preferred_channel = "pigeon".into();
        bad.preferred_language = 9;
        bad.contact_points[0].kind = 0;
        bad.contact_points[0].consents[0].given_at = None;
        bad.contact_points[0].consents[1].purpose = 0;
        bad.premises[0].locality = 7;
        let found = from_wire(bad, "customer.").unwrap_err();
        let fields: Vec<_> = found.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "customer.preferred_channel",
                "customer.preferred_language",
                "customer.contact_points[0].kind",
                "customer.contact_points[0].consents[0].given_at",
                "customer.contact_points[0].consents[1].purpose",
                "customer.premises[0].locality",
                "customer.name",
            ]
        );
    }

    #[test]
    fn every_code_has_its_name_on_the_wire() {
        for kind in PointKind::ALL {
            let name = wire::ContactPointKind::try_from(number(kind.number())).unwrap();
            assert_eq!(name.as_str_name(), format!("CONTACT_POINT_KIND_{}", kind.code().to_uppercase()));
        }
        for purpose in Purpose::ALL {
            let name = wire::ConsentPurpose::try_from(number(purpose.number())).unwrap();
            assert_eq!(name.as_str_name(), format!("CONSENT_PURPOSE_{}", purpose.code().to_uppercase()));
        }
        for language in Language::ALL {
            let name = wire::Language::try_from(number(language.number())).unwrap();
            assert_eq!(name.as_str_name(), format!("LANGUAGE_{}", language.code().to_uppercase()));
        }
    }
}
