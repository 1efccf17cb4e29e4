//! The dated routing table: who serves a customer code on a day. The prefix of a code is not its owner: corporations merge, and
//! customers keep their codes.

use std::{collections::BTreeMap, sync::OnceLock};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    customer_code::CustomerCode,
    province,
    refusal::{Refusal, RefusalKind},
};

/// `facts/routing.yaml`; its sources are in it.
const FACTS: &str = include_str!("../facts/routing.yaml");

/// One row of the table: a prefix or a province, and who serves it from a day until another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Beginning of a customer code, 2 to 13 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// ISO 3166-2 code of a province.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub province: Option<String>,
    /// Code of the corporation.
    pub region: String,
    /// First local day; none: for as long as anybody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// The local day at whose beginning it ends; none: it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

impl Route {
    fn holds(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day < until)
    }

    /// What it is about: a prefix or a province.
    fn rule(&self) -> &str {
        self.prefix.as_deref().or(self.province.as_deref()).unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    routes: Vec<Route>,
}

/// Who serves a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Code of the corporation.
    pub region: String,
    /// First local day; none: for as long as the table knows.
    pub since: Option<Date>,
    /// The local day at whose beginning it ends.
    pub until: Option<Date>,
    /// The prefix or province that decided.
    pub rule: String,
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingFinding {
    /// Which row, from 0; the later one of two.
    pub row: usize,
    /// Whether the table cannot be used: an overlap or a malformed row, but not a gap.
    pub fatal: bool,
    /// In words.
    pub message: String,
}

/// The table, ordered so that a lookup tries at most twelve prefixes and a province.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routing {
    by_rule: BTreeMap<String, Vec<Route>>,
}

impl Routing {
    /// The table that ships with the product.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Routing> = OnceLock::new();
        BUILTIN.get_or_init(|| Self::read(FACTS).unwrap_or_default())
    }

    /// Reads a table from YAML with one key, `routes`.
    ///
    /// # Errors
    /// Everything that makes it unusable.
    pub fn read(yaml: &str) -> Result<Self, Vec<String>> {
        let file: File = serde_yaml_ng::from_str(yaml).map_err(|error| vec![error.to_string()])?;
        Self::new(file.routes)
    }

    /// Everything that is doubtful about a table in YAML.
    ///
    /// # Errors
    /// Why it cannot be read at all.
    pub fn findings(yaml: &str) -> Result<Vec<RoutingFinding>, String> {
        let file: File = serde_yaml_ng::from_str(yaml).map_err(|error| error.to_string())?;
        Ok(lint(&file.routes))
    }

    /// A table of these rows.
    ///
    /// # Errors
    /// Every fatal finding of [`lint`].
    pub fn new(routes: Vec<Route>) -> Result<Self, Vec<String>> {
        let fatal = lint(&routes).into_iter().filter(|finding| finding.fatal);
        let fatal: Vec<_> = fatal.map(|finding| format!("routes[{}]: {}", finding.row, finding.message)).collect();
        if !fatal.is_empty() {
            return Err(fatal);
        }
        let mut by_rule: BTreeMap<String, Vec<Route>> = BTreeMap::new();
        for route in routes {
            by_rule.entry(route.rule().to_owned()).or_default().push(route);
        }
        Ok(Self { by_rule })
    }

    /// Who serves this code, or where the prefix says nothing this province, on a local day: the longest prefix that is in force
    /// decides.
    ///
    /// # Errors
    /// `UNKNOWN_CODE` when no row says.
    pub fn owner(&self, code: &CustomerCode, province: Option<&str>, day: Date) -> Result<Owner, Refusal> {
        let in_force = |rule: &str| self.by_rule.get(rule)?.iter().find(|route| route.holds(day));
        let code = code.as_str();
        let by_prefix = (2..=code.len()).rev().find_map(|length| in_force(&code[..length]));
        let Some(route) = by_prefix.or_else(|| in_force(province?)) else {
            let message = "no corporation is known to serve this customer code on that day; check the code";
            return Err(Refusal::new(RefusalKind::NotFound, "UNKNOWN_CODE", message));
        };
        let rule = route.rule().to_owned();
        Ok(Owner { region: route.region.clone(), since: route.from, until: route.until, rule })
    }
}

impl Owner {
    /// What a node of another corporation answers: who serves the customer, and since when.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let since = self.since.map(|day| format!(" since {day}")).unwrap_or_default();
        let message = format!("this customer is served by {}{since}; ask there", self.region);
        let refusal = Refusal::new(RefusalKind::Precondition, "NOT_OURS", message).with("region", self.region.as_str());
        match self.since {
            Some(day) => refusal.with("since", day.to_string()),
            None => refusal,
        }
    }
}

/// Everything that is doubtful about these rows: malformed ones, days on which two rows of one rule hold, and days on which none
/// does and no shorter prefix stands in.
#[must_use]
pub fn lint(routes: &[Route]) -> Vec<RoutingFinding> {
    let mut found = Vec::new();
    for (row, route) in routes.iter().enumerate() {
        let mut fatal = |message: &str| found.push(RoutingFinding { row, fatal: true, message: message.to_owned() });
        match (&route.prefix, &route.province) {
            (Some(prefix), None) if !is_prefix(prefix) => {
                fatal("prefix: give P, a letter, and up to 11 letters or digits");
            }
            (None, Some(code)) if province::find(code).is_none() => {
                fatal("province: give an ISO 3166-2 code, such as VN-SG");
            }
            (Some(_), Some(_)) | (None, None) => fatal("give either a prefix or a province"),
            _ => {}
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if route.region.is_empty() || route.region.len() > 32 || !route.region.chars().all(plain) {
            fatal("region: give the corporation's code, such as HCMC");
        }
        if route.until.is_some_and(|until| route.from.is_some_and(|from| until <= from)) {
            fatal("until: it is not after from; exchange them");
        }
    }
    let mut by_rule: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, route) in routes.iter().enumerate() {
        by_rule.entry(route.rule()).or_default().push(row);
    }
    for (rule, rows) in &mut by_rule {
        rows.sort_by_key(|row| (routes[*row].from, *row));
        for pair in rows.windows(2) {
            let (earlier, later) = (&routes[pair[0]], &routes[pair[1]]);
            let (end, begin) = (earlier.until, later.from);
            let (fatal, message) = match (end, begin) {
                (Some(end), Some(begin)) if end == begin => continue,
                (Some(end), Some(begin)) if end < begin => {
                    (false, format!("{rule}: nobody is named from {end} until {begin}"))
                }
                _ => (true, format!("{rule}: two rows hold on one day; end routes[{}] where this one begins", pair[0])),
            };
            found.push(RoutingFinding { row: pair[1], fatal, message });
        }
    }
    // A gap at an end matters only where no shorter prefix stands in.
    for (rule, rows) in &by_rule {
        let shorter = (2..rule.len()).any(|length| rule.starts_with('P') && by_rule.contains_key(&rule[..length]));
        let (first, last) = (rows.first(), rows.last());
        if let Some(row) = first.filter(|row| routes[**row].from.is_some() && !shorter) {
            found.push(RoutingFinding {
                row: *row,
                fatal: false,
                message: format!("{rule}: nobody is named before this row"),
            });
        }
        if let Some(row) = last.filter(|row| routes[**row].until.is_some() && !shorter) {
            found.push(RoutingFinding {
                row: *row,
                fatal: false,
                message: format!("{rule}: nobody is named after this row"),
            });
        }
    }
    found.sort_by_key(|finding| finding.row);
    found
}

fn is_prefix(prefix: &str) -> bool {
    let bytes = prefix.as_bytes();
    (2..=13).contains(&bytes.len())
        && bytes[0] == b'P'
        && bytes[1].is_ascii_uppercase()
        && bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> CustomerCode {
        CustomerCode::parse(text).unwrap()
    }

    fn region(text: &str, day: Date) -> String {
        Routing::builtin().owner(&code(text), None, day).map_or_else(|r| r.reason.to_owned(), |owner| owner.region)
    }

    fn route(prefix: &str, region: &str, from: Option<Date>, until: Option<Date>) -> Route {
        Route { prefix: Some(prefix.into()), province: None, region: region.into(), from, until }
    }

    #[test]
    fn the_built_in_table_is_sound_and_whole() {
        let file: File = serde_yaml_ng::from_str(FACTS).unwrap();
        assert_eq!(lint(&file.routes), []);
        for place in province::all() {
            let unknown = code("PX00000000000");
            let owner = Routing::builtin().owner(&unknown, Some(place.code), date(2013, 5, 22)).unwrap();
            assert_eq!((owner.region.as_str(), owner.rule.as_str()), (place.region, place.code));
        }
    }

    #[test]
    fn binh_duong_and_ba_ria_moved_on_the_first_of_july_2025_with_their_codes() {
        let (before, since) = (date(2025, 6, 30), date(2025, 7, 1));
        for moved in ["PB04000000001", "PB15000000001"] {
            assert_eq!((region(moved, before), region(moved, since)), ("SPC".into(), "HCMC".into()));
        }
        assert_eq!((region("PB05000000001", since), region("PE01000000001", before)), ("SPC".into(), "HCMC".into()));
        assert_eq!(region("PX01000000001", since), "UNKNOWN_CODE");
        let owner = Routing::builtin().owner(&code("PB04000000001"), None, since).unwrap();
        let refusal = owner.refusal();
        assert_eq!(
            (refusal.reason, refusal.message.as_str()),
            ("NOT_OURS", "this customer is served by HCMC since 2025-07-01; ask there")
        );
        assert_eq!(refusal.metadata, [("region", "HCMC".to_owned()), ("since", "2025-07-01".to_owned())]);
    }

    #[test]
    fn lint_finds_overlaps_gaps_and_malformed_rows() {
        let day = |d| Some(date(2025, 7, d));
        let overlap = [route("PA", "NPC", None, day(2)), route("PA", "SPC", day(1), None)];
        assert!(lint(&overlap).iter().any(|f| f.fatal && f.row == 1), "{:?}", lint(&overlap));
        assert!(Routing::new(overlap.to_vec()).is_err());
        let gap = [route("PA", "NPC", None, day(1)), route("PA", "SPC", day(3), None)];
        let found = lint(&gap);
        assert_eq!(found.len(), 1);
        assert!(!found[0].fatal && found[0].message.contains("from 2025-07-01 until 2025-07-03"), "{found:?}");
        let ends = [route("PA", "NPC", day(1), day(2))];
        assert_eq!(lint(&ends).iter().map(|f| f.fatal).collect::<Vec<_>>(), [false, false]);
        let covered = [route("PA", "NPC", None, None), route("PA01", "SPC", day(1), day(2))];
        assert_eq!(lint(&covered), [], "the shorter prefix stands in");
        let both = Route { province: Some("VN-SG".into()), ..route("PA", "NPC", None, None) };
        let malformed = [
            route("P", "NPC", None, None),
            route("PA", "", None, None),
            route("PB", "NPC", day(2), day(1)),
            both,
            Route { prefix: None, province: Some("VN-99".into()), ..route("PA", "NPC", None, None) },
        ];
        let fatal: Vec<_> = lint(&malformed).into_iter().filter(|f| f.fatal).map(|f| f.row).collect();
        assert_eq!(fatal, [0, 1, 2, 3, 3, 4], "the fourth overlaps the second too");
    }

    proptest! {
        #[test]
        fn the_longest_prefix_in_force_decides(
            rows in prop::collection::vec(("P[AB][01]{0,3}", 0_i8..3, 0_i8..4, 1_i8..4), 0..8), digits in "[AB][01]{4}", day in 0_i8..8,
        ) {
            let at = |d: i8| date(2025, 7, 1 + d);
            let routes: Vec<_> = rows
                .iter()
                .map(|(prefix, region, from, length)| route(prefix, &format!("R{region}"), Some(at(*from)), Some(at(from + length))))
                .collect();
            let Ok(routing) = Routing::new(routes.clone()) else { return Ok(()) };
            let code = code(&format!("P{digits}0000000"));
            let expected = routes
                .iter()
                .filter(|r| code.as_str().starts_with(r.rule()) && r.from.unwrap() <= at(day) && at(day) < r.until.unwrap())
                .max_by_key(|r| r.rule().len());
            let found = routing.owner(&code, None, at(day)).ok().map(|owner| owner.region);
            prop_assert_eq!(found, expected.map(|r| r.region.clone()));
        }
    }
}
