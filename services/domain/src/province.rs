//! The 63 provinces of Vietnam before 1 July 2025, by ISO 3166-2 code, and the corporation that served each in 2013.

use std::sync::OnceLock;

/// `facts/provinces-2013.csv`, from ISO 3166-2:VN; see `facts/` for the sources.
const FACTS: &str = include_str!("../facts/provinces-2013.csv");

/// A province as of 2013.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Province {
    /// ISO 3166-2 code, for example `VN-01`.
    pub code: &'static str,
    /// Name in Vietnamese, in normal form C.
    pub name_vi: &'static str,
    /// Name without diacritics.
    pub name_ascii: &'static str,
    /// Code of the corporation that served it: `NPC`, `HANOI`, `CPC`, `HCMC` or `SPC`.
    pub region: &'static str,
}

/// All provinces, in the order of their codes.
pub fn all() -> &'static [Province] {
    static ALL: OnceLock<Vec<Province>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut provinces: Vec<_> = FACTS.lines().skip(1).filter_map(read).collect();
        provinces.sort_unstable_by_key(|province| province.code);
        provinces
    })
}

/// The province of this code, exactly as ISO 3166-2 writes it.
#[must_use]
pub fn find(code: &str) -> Option<&'static Province> {
    let all = all();
    all.binary_search_by(|province| province.code.cmp(code)).ok().map(|at| &all[at])
}

/// One line of the facts, whose fields hold neither commas nor quotes; the tests count the lines.
fn read(line: &'static str) -> Option<Province> {
    let mut fields = line.split(',');
    match (fields.next(), fields.next(), fields.next(), fields.next(), fields.next()) {
        (Some(code), Some(name_vi), Some(name_ascii), Some(region), None) => {
            Some(Province { code, name_vi, name_ascii, region })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::text::{fold, nfc};

    #[test]
    fn there_were_63_and_each_corporation_served_its_own() {
        assert_eq!(all().len(), 63);
        let mut by_region = BTreeMap::new();
        for province in all() {
            *by_region.entry(province.region).or_insert(0) += 1;
        }
        assert_eq!(by_region, BTreeMap::from([("NPC", 27), ("HANOI", 1), ("CPC", 13), ("HCMC", 1), ("SPC", 21)]));
    }

    #[test]
    fn provinces_are_found_by_their_exact_code() {
        assert_eq!(find("VN-01").unwrap().name_vi, "Lai Châu");
        assert_eq!(find("VN-HN").unwrap().region, "HANOI");
        assert_eq!(find("VN-SG").unwrap().region, "HCMC");
        for code in ["", "vn-01", "VN-1", "VN-", "iso_3166_2", "VN-999"] {
            assert_eq!(find(code), None, "{code}");
        }
        assert!(all().iter().all(|province| find(province.code) == Some(province)));
    }

    #[test]
    fn names_are_in_normal_form_and_agree_with_each_other() {
        for province in all() {
            assert_eq!(nfc(province.name_vi), province.name_vi);
            assert_eq!(fold(province.name_vi), fold(province.name_ascii));
        }
    }
}
