//! Whom a notice concerns: some regions, and within them whoever is supplied in one of some places.

use serde::{Deserialize, Serialize};

use crate::{customer_code::CustomerCode, outage::Area, province, refusal::Violation};

/// Places of one audience at most.
pub const MOST_PLACES: usize = 1_000;
/// Customers that one audience may name at most.
pub const MOST_CUSTOMERS: usize = 10_000;
/// Longest name or code of a place, in bytes.
const NAME_LIMIT: usize = 100;

/// Whom a notice concerns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    /// Codes of corporations; all of them when empty.
    pub regions: Vec<String>,
    /// Whoever is supplied in one of these.
    pub places: Vec<Area>,
    /// These as well, wherever they are supplied.
    // Kept as rows of their own, where an erasure finds them.
    #[serde(skip)]
    pub customers: Vec<CustomerCode>,
}

impl Audience {
    /// Whether a corporation's customers are in it at all.
    #[must_use]
    pub fn concerns_region(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.iter().any(|named| named == region)
    }

    /// Whether every customer of its regions is in it.
    #[must_use]
    pub const fn is_everybody(&self) -> bool {
        self.places.is_empty() && self.customers.is_empty()
    }
}

/// Every rule that an audience breaks; empty when it is sound. `at` prefixes the field names.
#[must_use]
pub fn check(audience: &Audience, at: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut no = |field: String, reason, cure: &str| found.push(Violation::new(format!("{at}{field}"), reason, cure));
    if audience.regions.is_empty() && audience.is_everybody() {
        no(
            "regions".into(),
            "REQUIRED",
            "name regions, places or customers: an audience is never everybody by accident",
        );
    }
    let lengths = [
        ("regions", audience.regions.len(), 100),
        ("places", audience.places.len(), MOST_PLACES),
        ("customer_codes", audience.customers.len(), MOST_CUSTOMERS),
    ];
    for (field, length, most) in lengths {
        if length > most {
            no(field.into(), "TOO_MANY", &format!("give at most {most}"));
        }
    }
    for (i, region) in audience.regions.iter().enumerate() {
        let sound =
            (1..=32).contains(&region.len()) && region.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !sound {
            no(format!("regions[{i}]"), "MALFORMED", "give a region's code, such as HCMC");
        }
    }
    for (i, place) in audience.places.iter().enumerate() {
        if place.is_empty() {
            no(format!("places[{i}]"), "REQUIRED", "give a province, district, area code or feeder");
        }
        if place.district.is_some() && place.province.is_none() {
            let cure = "give the province of the district: other provinces have districts of that name";
            no(format!("places[{i}].province"), "REQUIRED", cure);
        }
        if place.province.as_deref().is_some_and(|code| province::find(code).is_none()) {
            no(format!("places[{i}].province"), "UNKNOWN_CODE", "give an ISO 3166-2 code such as VN-57, or none");
        }
        for (field, text) in [("district", &place.district), ("area_code", &place.area_code), ("feeder", &place.feeder)]
        {
            let unsound = |text: &String| text.trim().is_empty() || text.len() > NAME_LIMIT || text.contains('\0');
            if text.as_ref().is_some_and(unsound) {
                no(format!("places[{i}].{field}"), "LENGTH", "give 1 to 100 bytes, or leave it out");
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_is_never_everybody_by_accident() {
        assert_eq!(check(&Audience::default(), "audience.")[0].field, "audience.regions");
        let regions = Audience { regions: vec!["HCMC".into()], ..Audience::default() };
        assert!(check(&regions, "").is_empty());
        assert!(regions.is_everybody() && regions.concerns_region("HCMC") && !regions.concerns_region("SPC"));
    }

    #[test]
    fn every_unsound_place_is_named() {
        let place = |province: Option<&str>, district: Option<&str>| Area {
            province: province.map(str::to_owned),
            district: district.map(str::to_owned),
            ..Area::default()
        };
        let places = vec![place(None, None), place(None, Some("Quận 1")), place(Some("VN-00"), Some(" "))];
        let found = check(&Audience { places, ..Audience::default() }, "");
        let fields: Vec<_> = found.iter().map(|v| (v.field.as_str(), v.reason)).collect();
        assert_eq!(
            fields,
            [
                ("places[0]", "REQUIRED"),
                ("places[1].province", "REQUIRED"),
                ("places[2].province", "UNKNOWN_CODE"),
                ("places[2].district", "LENGTH"),
            ]
        );
    }
}
