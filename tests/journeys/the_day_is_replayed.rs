use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use gridcare_tests::{
    Place,
    tool::{self, Ended},
    world::World,
};
use serde_json::Value;

/// The same story in an hour, for whoever has no time: the fault at 13:52, all back at 14:32.
const SHORT: [(&str, &str); 14] = [
    ("T13:40:00", "T13:48:00"),
    ("2013-05-23T00:30:00", "2013-05-22T14:50:00"),
    ("T14:25:00", "T14:10:00"),
    ("T14:30:00", "T14:11:00"),
    ("T14:34:00", "T14:24:00"),
    ("T15:10:00", "T14:20:00"),
    ("T15:20:00", "T14:21:00"),
    ("T15:54:00", "T14:26:00"),
    ("T16:30:00", "T14:28:00"),
    ("T17:00:00", "T14:23:00"),
    ("T19:00:00", "T14:29:00"),
    ("T22:40:00", "T14:32:00"),
    ("T14:35:00", "T14:13:00"),
    ("T14:55:00", "T14:28:00"),
];
/// When what ends the story is told.
const TOLD: [(&str, &str); 6] = [
    ("T15:30:00", "T14:29:00"),
    ("T22:45:00", "T14:34:00"),
    ("T22:50:00", "T14:34:00"),
    ("T22:55:00", "T14:36:00"),
    ("T14:40:00", "T14:24:00"),
    ("T16:35:00", "T14:30:00"),
];
/// What else the short story has: a corporation that tells three minutes later, rates that can be halved and throttled at so
/// small a scale, and so many callers that they find the lines busy.
const OTHERWISE: [(&str, &str); 5] = [
    ("T13:58:00", "T14:01:00"),
    ("[2500]", "[16000]"),
    ("[2500, 2500]", "[32000, 32000]"),
    ("T14:03:00", "T14:01:00"),
    ("callers: 0.02", "callers: 0.2"),
];
const INCIDENT: &str = include_str!("../../services/gridcare/facts/incident-2013-05-22.yaml");
const ASSUMED: &str = include_str!("../../services/gridcare/facts/replay-2013-05-22.yaml");

fn shortened(facts: &str) -> String {
    // Marked, so that no time is moved twice.
    let moves = SHORT.iter().chain(&TOLD);
    let marked = moves
        .clone()
        .enumerate()
        .fold(facts.to_owned(), |facts, (at, (from, _))| facts.replace(from, &format!("<{at}>")));
    moves.enumerate().fold(marked, |facts, (at, (_, to))| facts.replace(&format!("<{at}>"), to))
}

async fn replay(scale: &str, more: &[&str]) -> Ended {
    let arguments: Vec<_> =
        ["replay", "2013-05-22", "--json", "--scale", scale].into_iter().chain(more.iter().copied()).collect();
    let ended = tool::run_with(&arguments, &BTreeMap::new(), Duration::from_mins(30)).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended
}

fn written(folder: &Path, name: &str, facts: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, facts).unwrap();
    path.display().to_string()
}

fn share(report: &Value, name: &str) -> f64 {
    report[name].as_f64().unwrap_or_else(|| panic!("no {name} in {report}"))
}

/// What holds however short the day is.
fn holds(report: &Value) {
    let claims: Vec<_> =
        report["claims"].as_array().unwrap().iter().map(|claim| claim["at"].as_str().unwrap()).collect();
    assert_eq!(claims, ["13:52", "14:00", "14:19"]);
    for region in report["regions"].as_array().unwrap() {
        for channel in ["sms_minutes", "web_minutes"] {
            let first = region["first_notice"][channel]["13:52"].as_f64().unwrap();
            assert!((0.0..=30.0).contains(&first), "{channel} of {region}");
        }
        // Whoever was to be told is accounted for, and nobody twice.
        let states = region["deliveries"].as_object().unwrap();
        assert!(["queued", "leased", "submitting"].iter().all(|open| !states.contains_key(*open)), "{region}");
        assert!(region["centres"].as_array().unwrap().iter().all(|centre| centre["duplicates"] == 0), "{region}");
        let clocks = ["met", "missed"].map(|state| region["clocks"][state].as_u64().unwrap());
        assert!(clocks.iter().sum::<u64>() > 0, "{region}");
        // What is offered there came in: the busy ones did not.
        for counted in ["answered", "abandoned", "busy"] {
            assert_eq!(region["contacts"]["hotline"][counted], region["calls"][counted], "{region}");
        }
        assert_eq!(region["contacts"]["sms"]["messages"], region["sms_questions"], "{region}");
        assert!(region["calls"]["offered"].as_u64().unwrap() > 0, "{region}");
    }
    let provinces = |channel: &str| -> u64 {
        let regions = report["regions"].as_array().unwrap().iter();
        regions.map(|region| region["first_notice"][channel].as_u64().unwrap()).sum()
    };
    assert_eq!((provinces("sms_provinces"), provinces("web_provinces")), (22, 22));
    let allowed = share(report, "allowed_share_at_30");
    assert!(allowed <= share(report, "predicted_share_at_30"), "{report}");
    assert!(share(report, "share_at_30") >= 0.95 * allowed, "{report}");
    assert_eq!((&report["proof"]["verified"], &report["proof"]["notices"]), (&true.into(), &3.into()));
    for claim in claims {
        assert!(report["indices"][claim]["country"]["saidi"].as_f64().unwrap() > 0.0, "{report}");
    }
    // What was said while a node was away landed once it was back.
    let away = &report["national"]["revisions"][1]["landed"];
    assert!(away["HCMC"]["minutes"].as_f64().unwrap() < 1.0, "{report}");
    assert!((3.0..17.0).contains(&away["SPC"]["minutes"].as_f64().unwrap()), "{report}");
    // Radio reads the apology; all else went out with the first notice.
    let prints: BTreeMap<_, _> = report["prints"].as_array().unwrap().iter().map(printed).collect();
    let expected = [("letter_to_generators", 1), ("letter_to_localities", 1), ("press", 1), ("radio", 3_u64)];
    assert_eq!(prints, BTreeMap::from(expected));
    assert!(report["regions"][1]["centres"][1]["throttled"].as_u64().unwrap() > 0, "{report}");
    for region in report["regions"].as_array().unwrap() {
        assert!(region["calls"]["busy"].as_u64().unwrap() > 0, "{region}");
        assert!(region["reports"]["joined"].as_u64().unwrap() > 0, "{region}");
    }
}

fn printed(print: &Value) -> (&str, u64) {
    (print["output"].as_str().unwrap(), print["revision"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_two_provinces_are_told_within_thirty_minutes_and_the_same_facts_tell_the_same_story() {
    let world = World::new(Place::Sqlite);
    let folder = world.file("facts");
    fs::create_dir_all(&folder).unwrap();
    let assumed = OTHERWISE.iter().fold(shortened(ASSUMED), |facts, (from, to)| {
        assert!(facts.contains(from), "the facts have no {from} any more");
        facts.replace(from, to)
    });
    let incident = shortened(INCIDENT);
    let incident = written(&folder, "incident.yaml", &incident);
    let assumed = written(&folder, "assumed.yaml", &assumed);
    let facts = ["--incident", incident.as_str(), "--assumed", assumed.as_str(), "--sms-rate", "50"];
    let (once, again) = tokio::join!(replay("8000", &facts), replay("8000", &facts));
    assert_eq!(once.out, again.out, "byte for byte");
    let report = once.json();
    holds(&report);
    let hcmc = &report["regions"][0];
    assert!(hcmc["clocks"]["met"].as_u64().unwrap() > 0, "supply is back within two hours there: {hcmc}");
    assert_eq!(hcmc["first_notice"]["web_minutes"]["13:52"], 9.0, "as the facts say, and not those that ship");
    let last = hcmc["coverage"].as_array().unwrap().len();
    assert!(last > 15, "at its whole rate its centre has all of them in the fourteenth minute, not in the {last}th");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_day_is_replayed_and_less_rate_or_other_facts_make_another_one() {
    if std::env::var_os("GRIDCARE_TEST_LONG").is_none() {
        return;
    }
    let world = World::new(Place::Sqlite);
    let folder = world.file("facts");
    fs::create_dir_all(&folder).unwrap();
    let later = written(&folder, "assumed.yaml", &ASSUMED.replace("T13:58:00", "T14:01:00"));
    let (half, other) = (["--sms-rate", "50"], ["--assumed", later.as_str()]);
    let (once, halved, later) = tokio::join!(replay("500", &[]), replay("500", &half), replay("500", &other));
    let report = once.json();
    holds(&report);
    assert!(share(&halved.json(), "share_at_30") < share(&report, "share_at_30") - 0.1, "{}", halved.out);
    assert_ne!(later.out, once.out);
    assert_eq!(later.json()["regions"][0]["first_notice"]["web_minutes"]["13:52"], 9.0);
}
