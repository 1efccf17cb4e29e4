use serde::{Deserialize, Serialize};

use super::polygon::{Polygon, Position};
use crate::text::fold;

/// Where supply is lost. All that is given must hold, so that a feeder within a province is less than either.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Area {
    /// ISO 3166-2 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub province: Option<String>,
    /// Name of the district; case and diacritics make no difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// Code of an area as the corporation divides its grid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area_code: Option<String>,
    /// Code of a feeder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feeder: Option<String>,
    /// Code of a transformer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transformer: Option<String>,
    /// What a ring encloses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polygon: Option<Polygon>,
}

/// Where somebody is supplied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Site<'a> {
    /// ISO 3166-2 code.
    pub province: Option<&'a str>,
    /// Name of the district.
    pub district: Option<&'a str>,
    /// Code of the area.
    pub area_code: Option<&'a str>,
    /// Code of the feeder.
    pub feeder: Option<&'a str>,
    /// Code of the transformer.
    pub transformer: Option<&'a str>,
    /// The place itself.
    pub position: Option<Position>,
}

/// Under this are found areas of which nothing but a ring is given.
const RING: &str = "g";

/// Codes and names as they are compared.
pub(super) fn key(text: &str) -> String {
    fold(text.trim())
}

impl Area {
    /// Whether nothing is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it covers a site: all that is given is the site's too.
    #[must_use]
    pub fn covers(&self, site: &Site<'_>) -> bool {
        let within = |ring: &Polygon| site.position.is_some_and(|position| ring.covers(position));
        !self.is_empty() && self.agrees(site) && self.polygon.as_ref().is_none_or(within)
    }

    /// Whether it covers a site, or its ring may lie within so many metres of it: a first look, which leaves the distance to
    /// whoever decides.
    #[must_use]
    pub fn may_reach(&self, site: &Site<'_>, metres: f64) -> bool {
        let near = |ring: &Polygon| site.position.is_some_and(|position| ring.box_reaches(position, metres));
        !self.is_empty() && self.agrees(site) && self.polygon.as_ref().is_none_or(near)
    }

    /// Whether all that is named of it is the site's too, whatever its ring says.
    fn agrees(&self, site: &Site<'_>) -> bool {
        let holds = |own: &Option<String>, other: Option<&str>| {
            own.as_deref().is_none_or(|own| other.is_some_and(|other| key(own) == key(other)))
        };
        holds(&self.province, site.province)
            && holds(&self.district, site.district)
            && holds(&self.area_code, site.area_code)
            && holds(&self.feeder, site.feeder)
            && holds(&self.transformer, site.transformer)
    }

    /// A site of which all is known that is given of this area, but for its place on the map.
    #[must_use]
    pub(super) fn site(&self) -> Site<'_> {
        Site {
            province: self.province.as_deref(),
            district: self.district.as_deref(),
            area_code: self.area_code.as_deref(),
            feeder: self.feeder.as_deref(),
            transformer: self.transformer.as_deref(),
            position: None,
        }
    }

    /// The narrowest thing that is given, under which it is found: every area that covers a site, or may reach it, has one of
    /// the scopes of that site.
    #[must_use]
    pub fn scope(&self) -> String {
        let of = |letter: char, text: &Option<String>| text.as_deref().map(|text| format!("{letter}:{}", key(text)));
        of('t', &self.transformer)
            .or_else(|| of('f', &self.feeder))
            .or_else(|| of('a', &self.area_code))
            .or_else(|| of('d', &self.district))
            .or_else(|| of('p', &self.province))
            .unwrap_or_else(|| if self.polygon.is_some() { RING.to_owned() } else { String::new() })
    }
}

impl Site<'_> {
    /// The scopes of areas that may cover or reach it.
    #[must_use]
    pub fn scopes(&self) -> Vec<String> {
        let parts = [
            ('t', self.transformer),
            ('f', self.feeder),
            ('a', self.area_code),
            ('d', self.district),
            ('p', self.province),
        ];
        let named = parts.iter().filter_map(|(letter, text)| text.map(|text| format!("{letter}:{}", key(text))));
        named.chain(self.position.map(|_| RING.to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn area(province: &str, district: &str, area_code: &str, feeder: &str) -> Area {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Area {
            province: some(province),
            district: some(district),
            area_code: some(area_code),
            feeder: some(feeder),
            ..Area::default()
        }
    }

    #[test]
    fn all_that_is_given_must_hold() {
        let site = Site {
            province: Some("VN-SG"),
            district: Some("Quận 1"),
            area_code: Some("PD0100"),
            feeder: Some("471-E5"),
            ..Site::default()
        };
        for covering in [
            area("VN-SG", "", "", ""),
            area("VN-SG", "QUAN 1", "", ""),
            area("", "", "pd0100", ""),
            area("", "", "", "471-e5"),
            area("VN-SG", "Quận 1", "PD0100", "471-E5"),
        ] {
            assert!(covering.covers(&site), "{covering:?}");
        }
        for other in [area("", "", "", ""), area("VN-57", "", "", "471-E5"), area("VN-SG", "Quận 2", "", "")] {
            assert!(!other.covers(&site), "{other:?}");
        }
        assert!(!area("VN-SG", "", "", "471-E5").covers(&Site { province: Some("VN-SG"), ..Site::default() }));
    }

    fn square(side: i32) -> Polygon {
        let corner = |lon_e7, lat_e7| Position { lon_e7, lat_e7 };
        Polygon { ring: vec![corner(0, 0), corner(side, 0), corner(side, side), corner(0, side), corner(0, 0)] }
    }

    #[test]
    fn a_transformer_and_a_ring_narrow_an_area() {
        let ringed = Area { transformer: Some("T-17".into()), polygon: Some(square(100)), ..Area::default() };
        let within =
            Site { transformer: Some("t-17"), position: Some(Position { lon_e7: 50, lat_e7: 50 }), ..Site::default() };
        assert!(ringed.covers(&within));
        assert!(!ringed.covers(&Site { position: None, ..within }));
        assert!(!ringed.covers(&Site { position: Some(Position { lon_e7: 150, lat_e7: 50 }), ..within }));
        assert!(!ringed.covers(&Site { transformer: Some("T-18"), ..within }));
    }

    proptest! {
        #[test]
        fn what_covers_or_reaches_a_site_is_found_under_one_of_its_scopes(
            given in prop::collection::vec("[ab]?", 5), ringed: bool, place in prop::option::of(0..20i32),
            site in prop::collection::vec("[abAB]?", 5),
        ) {
            let polygon = ringed.then(|| square(10));
            let transformer = (!given[4].is_empty()).then(|| given[4].clone());
            let area = Area { transformer, polygon, ..area(&given[0], &given[1], &given[2], &given[3]) };
            let part = |i: usize| (!site[i].is_empty()).then_some(site[i].as_str());
            let site = Site {
                province: part(0), district: part(1), area_code: part(2), feeder: part(3), transformer: part(4),
                position: place.map(|at| Position { lon_e7: at, lat_e7: at }),
            };
            // Five centimetres are half of the square's side: some places lie inside, some beside it, some too far.
            let reached = area.may_reach(&site, 0.05);
            prop_assert!(reached || !area.covers(&site));
            if reached {
                prop_assert!(site.scopes().contains(&area.scope()));
            }
        }
    }
}
