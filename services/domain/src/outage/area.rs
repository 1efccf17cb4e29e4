use crate::text::fold;

/// Where supply is lost. All that is given must hold, so that a feeder within a province is less than either.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Area {
    /// ISO 3166-2 code.
    pub province: Option<String>,
    /// Name of the district; case and diacritics make no difference.
    pub district: Option<String>,
    /// Code of an area as the corporation divides its grid.
    pub area_code: Option<String>,
    /// Code of a feeder.
    pub feeder: Option<String>,
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
}

/// Codes and names as they are compared.
fn key(text: &str) -> String {
    fold(text.trim())
}

impl Area {
    /// Whether nothing is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.province, &self.district, &self.area_code, &self.feeder].iter().all(|part| part.is_none())
    }

    /// Whether it covers a site: all that is given is the site's too.
    #[must_use]
    pub fn covers(&self, site: &Site<'_>) -> bool {
        let holds = |own: &Option<String>, other: Option<&str>| {
            own.as_deref().is_none_or(|own| other.is_some_and(|other| key(own) == key(other)))
        };
        !self.is_empty()
            && holds(&self.province, site.province)
            && holds(&self.district, site.district)
            && holds(&self.area_code, site.area_code)
            && holds(&self.feeder, site.feeder)
    }

    /// The narrowest thing that is given, under which it is found: every area that covers a site has one of the scopes of
    /// that site.
    #[must_use]
    pub fn scope(&self) -> String {
        let of = |letter: char, text: &Option<String>| text.as_deref().map(|text| format!("{letter}:{}", key(text)));
        of('f', &self.feeder)
            .or_else(|| of('a', &self.area_code))
            .or_else(|| of('d', &self.district))
            .or_else(|| of('p', &self.province))
            .unwrap_or_default()
    }
}

impl Site<'_> {
    /// The scopes of areas that may cover it.
    #[must_use]
    pub fn scopes(&self) -> Vec<String> {
        let parts = [('f', self.feeder), ('a', self.area_code), ('d', self.district), ('p', self.province)];
        parts.iter().filter_map(|(letter, text)| text.map(|text| format!("{letter}:{}", key(text)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn area(province: &str, district: &str, area_code: &str, feeder: &str) -> Area {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Area { province: some(province), district: some(district), area_code: some(area_code), feeder: some(feeder) }
    }

    #[test]
    fn all_that_is_given_must_hold() {
        let site = Site {
            province: Some("VN-SG"),
            district: Some("Quận 1"),
            area_code: Some("PD0100"),
            feeder: Some("471-E5"),
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

    proptest! {
        #[test]
        fn what_covers_a_site_is_found_under_one_of_its_scopes(a in "[ab]?", b in "[ab]?", c in "[ab]?", d in "[ab]?", site in prop::collection::vec("[abAB]?", 4)) {
            let area = area(&a, &b, &c, &d);
            let part = |i: usize| (!site[i].is_empty()).then_some(site[i].as_str());
            let site = Site { province: part(0), district: part(1), area_code: part(2), feeder: part(3) };
            if area.covers(&site) {
                prop_assert!(site.scopes().contains(&area.scope()));
            }
        }
    }
}
