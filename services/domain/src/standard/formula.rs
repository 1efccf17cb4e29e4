//! Formulas of figures: names and numbers with `+ - * /` and brackets.

/// Measures that formulas are made of: counts and sums of contacts, tickets and interruptions.
pub const MEASURES: [&str; 33] = [
    "offered",
    "answered",
    "answered_within",
    "abandoned",
    "short_abandoned",
    "blocked",
    "handled",
    "wait_answered",
    "talk_time",
    "hold_time",
    "wrap_time",
    "messages",
    "opened",
    "closed",
    "resolved",
    "reopened",
    "met",
    "breached",
    "ended",
    "running",
    "score_sum",
    "scores",
    "settled_at_once",
    "settled",
    "p50_first_response",
    "p90_first_response",
    "p50_resolution",
    "p90_resolution",
    "distinct_customers",
    "most_at_once",
    "customer_minutes_interrupted",
    "customers_interrupted",
    "customers_served",
];

/// The names in a formula, or why it is none.
pub(super) fn names(text: &str) -> Result<Vec<&str>, &'static str> {
    let (mut names, mut depth, mut wants_value, mut rest) = (Vec::new(), 0_u32, true, text);
    loop {
        rest = rest.trim_start_matches(' ');
        let Some(first) = rest.bytes().next() else { break };
        let mut length = 1;
        match (first, wants_value) {
            (b'(', true) => depth += 1,
            (b')', false) => depth = depth.checked_sub(1).ok_or("a bracket closes that never opened")?,
            (b'+' | b'-' | b'*' | b'/', false) => wants_value = true,
            (b'a'..=b'z' | b'0'..=b'9', true) => {
                let ends = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.');
                length = rest.find(ends).unwrap_or(rest.len());
                let word = &rest[..length];
                if first.is_ascii_digit() {
                    word.parse::<f64>().map_err(|_| "a number is malformed")?;
                } else if word.contains('.') {
                    return Err("a name has no points");
                } else {
                    names.push(word);
                }
                wants_value = false;
            }
            (_, true) => return Err("a name or a number is missing"),
            (_, false) => return Err("an operator is missing"),
        }
        rest = &rest[length..];
    }
    match (wants_value, depth) {
        (true, _) => Err("a name or a number is missing"),
        (false, 1..) => Err("a bracket is not closed"),
        (false, 0) => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_read() {
        assert_eq!(names("answered_within / offered").unwrap(), ["answered_within", "offered"]);
        assert_eq!(names("(talk_time + hold_time) / handled").unwrap(), ["talk_time", "hold_time", "handled"]);
        assert_eq!(names("1 - saidi / 525600").unwrap(), ["saidi"]);
        for text in ["", "a b", "a +", "(a", "a)", "A / b", "a / / b", "1.2.3 / a", "a.b", "a / é"] {
            assert!(names(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,40}") {
            let _ = names(&text);
        }
    }
}
