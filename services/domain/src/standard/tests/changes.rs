use super::*;

fn changes(yaml: &str) -> Vec<String> {
    diff(&read(SMALL).unwrap(), &read(yaml).unwrap()).iter().map(ToString::to_string).collect()
}

#[test]
fn equal_bundles_do_not_differ_whatever_their_spelling() {
    assert_eq!(changes(SMALL), Vec::<String>::new());
    assert_eq!(changes(&with("limit: 4 h", "limit: 240 min")), Vec::<String>::new());
    assert_eq!(changes(&format!("# a remark\n{SMALL}")), Vec::<String>::new());
}

#[test]
fn limits_are_tightened_and_loosened() {
    assert_eq!(
        changes(&with("limit: 2 h", "limit: 1 h")),
        ["tightened target restore, rule from 2020-01-01: 2 h -> 1 h"]
    );
    assert_eq!(
        changes(&with("limit: 3 wd", "limit: 4 wd")),
        ["loosened  target settle, rule from 2013-01-01: 3 wd -> 4 wd"]
    );
    assert_eq!(
        changes(&with("limit: 3 wd", "limit: 8 wh")),
        ["changed   target settle, rule from 2013-01-01: 3 wd -> 8 wh"]
    );
}

#[test]
fn what_comes_and_goes_is_told() {
    let yaml = with("date: 2013-01-01", "date: 2013-04-30").replace("code: bill", "code: invoice");
    assert_eq!(
        changes(&yaml),
        [
            "removed   calendar office, holiday 2013-01-01",
            "added     calendar office, holiday 2013-04-30",
            "removed   category bill",
            "added     category invoice",
        ]
    );
    let yaml = with("until: 2020-01-01", "until: 2021-01-01").replace("2 h, from: 2020-01-01", "2 h, from: 2021-01-01");
    assert_eq!(
        changes(&yaml),
        [
            "changed   target restore, rule from 2013-01-01, until: 2020-01-01 -> 2021-01-01",
            "removed   target restore, rule from 2020-01-01",
            "added     target restore, rule from 2021-01-01",
        ]
    );
    assert_eq!(changes(&with(", province]", ", channel]")), ["removed   export province", "added     export channel"]);
    let yaml = with("version: 1\n", "version: 2\n").replace("ask_after: PT1H", "ask_after: PT2H");
    assert_eq!(changes(&yaml).len(), 2);
}
