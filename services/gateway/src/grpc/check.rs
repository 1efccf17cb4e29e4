use gridcare_domain::{contact::Channel, metric::QUARTER_US, refusal::Violation, ticket::State, topic::Topic};
use gridcare_proto::convert::{code, time};
use jiff::Timestamp;

use crate::{country::Country, flows::metric_merges::Period};

/// A period on quarters of an hour, or violations.
pub(super) fn period(
    from: Option<&prost_types::Timestamp>,
    until: Option<&prost_types::Timestamp>,
    found: &mut Vec<Violation>,
) -> Option<Period> {
    let mut bound = |field: &str, at: Option<&prost_types::Timestamp>| {
        let Some(given) = at else {
            found.push(Violation::new(field, "REQUIRED", "give both from and until"));
            return None;
        };
        let at = time::instant(given).filter(|at| on_quarter(*at) && given.nanos == 0);
        if at.is_none() {
            found.push(Violation::new(field, "NOT_A_QUARTER", "give a time on a quarter of an hour"));
        }
        at
    };
    // Both are looked at before either is missed.
    let (from, until) = (bound("from", from), bound("until", until));
    let (from, until) = (from?, until?);
    if until <= from {
        found.push(Violation::new("until", "EMPTY_PERIOD", "give an until that is later than from"));
        return None;
    }
    Some(Period { from, until })
}

fn on_quarter(at: Timestamp) -> bool {
    at.as_microsecond().rem_euclid(QUARTER_US) == 0
}

/// Channels by their numbers, or violations.
pub(super) fn channels(numbers: &[i32], found: &mut Vec<Violation>) -> Vec<Channel> {
    each("channels", numbers, found, |number| code::channel_from_wire(*number), "give a channel of this version")
}

/// States by their numbers, or violations.
pub(super) fn states(numbers: &[i32], found: &mut Vec<Violation>) -> Vec<State> {
    each("states", numbers, found, |number| code::state_from_wire(*number), "give a state of this version")
}

/// Words of topics, or violations.
pub(super) fn topics(words: &[String], found: &mut Vec<Violation>) -> Vec<String> {
    let known = |word: &String| Topic::parse(word).map(|topic| topic.code().to_owned());
    each("topics", words, found, known, "give a topic of the closed list")
}

/// Regions that this gateway has, or violations.
pub(super) fn regions<'a>(names: &[String], country: &'a Country, found: &mut Vec<Violation>) -> Vec<&'a str> {
    let known = Country::regions(&country.seats);
    let find = |name: &String| known.iter().copied().find(|region| *region == name);
    each("regions", names, found, find, &format!("give one of {}", known.join(", ")))
}

/// A version from an etag; an empty one asks for no comparison.
pub(super) fn version(etag: &str, found: &mut Vec<Violation>) -> Option<i64> {
    if etag.is_empty() {
        return None;
    }
    let version = etag.strip_prefix('v').and_then(|digits| digits.parse().ok());
    if version.is_none() {
        found.push(Violation::new("etag", "MALFORMED", "give the etag as it was read, or none"));
    }
    version
}

/// Longer than any list of codes or regions; a longer one is refused whole, so that a small request cannot cost much.
const MOST: usize = 256;

/// Each value once, in the order given.
fn each<T, U: PartialEq>(
    field: &str,
    given: &[T],
    found: &mut Vec<Violation>,
    read: impl Fn(&T) -> Option<U>,
    cure: &str,
) -> Vec<U> {
    let mut values = Vec::new();
    if given.len() > MOST {
        found.push(Violation::new(field, "TOO_MANY", format!("give at most {MOST}, each once")));
        return values;
    }
    for (i, given) in given.iter().enumerate() {
        match read(given) {
            Some(value) if !values.contains(&value) => values.push(value),
            Some(_) => {}
            None => found.push(Violation::new(format!("{field}[{i}]"), "UNKNOWN_CODE", cure)),
        }
    }
    values
}
