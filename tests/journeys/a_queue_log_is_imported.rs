use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use gridcare_proto::contact::v1 as wire;
use gridcare_tests::{
    Place, Process, calls, eventually,
    tool::{self, Ended},
    world::World,
};

use crate::contact_arrives::day;

crate::on_both_engines!(
    calls_are_put_together_from_their_lines_and_a_grown_file_doubles_nothing,
    a_rotated_file_is_known_again_and_a_call_may_end_in_the_next,
    an_unfinished_call_is_listed_and_completed_by_a_later_import,
    a_bad_line_is_named_with_its_reason_and_stops_only_a_strict_import,
    a_node_killed_in_the_middle_of_an_import_has_every_call_once_in_the_end,
);

/// One line of the log, at a second of 22 May 2013.
fn line(second: i64, rest: &str) -> String {
    format!("{}|{rest}\n", calls::at(second).seconds)
}

fn append(path: &Path, text: impl AsRef<[u8]>) {
    File::options().create(true).append(true).open(path).unwrap().write_all(text.as_ref()).unwrap();
}

fn arguments(node: &Process, more: &[&str], files: &[&PathBuf]) -> Vec<String> {
    let address = node.endpoint();
    let first = ["contacts", "import", "--format", "queue_log", "--json", "--address", &address];
    let files = files.iter().map(|path| path.display().to_string());
    first.iter().chain(more).map(|text| (*text).to_owned()).chain(files).collect()
}

async fn import(node: &Process, more: &[&str], files: &[&PathBuf]) -> Ended {
    tool::run(&arguments(node, more, files)).await
}

/// Accepted, completed, bad lines and unfinished, of an import that went well.
fn sums(ended: &Ended) -> (u64, u64, u64, u64) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let totals = ended.json();
    let sum = |name: &str| totals[name].as_u64().unwrap();
    assert_eq!((sum("rejected"), &totals["stopped"]), (0, &false.into()), "{ended:?}");
    (sum("accepted"), sum("completed"), sum("bad_lines"), sum("unfinished_count"))
}

/// Every contact of the node by its key; none has the key of another.
async fn stored(node: &Process) -> BTreeMap<String, wire::ContactDraft> {
    let mut found = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let request = wire::ListContactsRequest { filter: None, page_size: 1_000, page_token };
        let page = calls::contacts(node).list_contacts(request).await.unwrap().into_inner();
        for contact in page.contacts.into_iter().filter_map(|contact| contact.contact) {
            let twice = found.insert(contact.source_key.clone(), contact);
            assert_eq!(twice, None, "stored twice");
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

/// How many contacts the figures count, and how many of them were answered and abandoned.
async fn counted(node: &Process) -> (u64, u64, u64) {
    let counts = day(node).await.into_iter().map(|row| row.counts.unwrap());
    counts.fold((0, 0, 0), |sum, c| (sum.0 + c.contacts, sum.1 + c.answered, sum.2 + c.abandoned))
}

async fn calls_are_put_together_from_their_lines_and_a_grown_file_doubles_nothing(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let log = world.file("queue_log");
    // Two callers at once, an agent who did not pick up, and a line about no call at all.
    append(&log, line(0, "NONE|NONE|NONE|QUEUESTART|"));
    append(&log, line(10, "c1|care|NONE|ENTERQUEUE||0901000001|1"));
    append(&log, line(12, "c2|care|NONE|ENTERQUEUE||0901000002|2"));
    append(&log, line(18, "c1|care|Agent/7|RINGNOANSWER|5000"));
    append(&log, line(25, "c1|care|Agent/8|CONNECT|15|c1x|3"));
    append(&log, line(42, "c2|care|NONE|ABANDON|1|2|30"));
    append(&log, line(85, "c1|care|Agent/8|COMPLETECALLER|15|60|1"));
    assert_eq!(sums(&import(&node, &[], &[&log]).await), (2, 0, 0, 0));
    let contacts = stored(&node).await;
    let (answered, abandoned) = (&contacts["c1/care"], &contacts["c2/care"]);
    assert_eq!(answered.outcome(), wire::Outcome::Answered);
    assert_eq!((answered.channel(), answered.direction()), (wire::Channel::Hotline, wire::Direction::Inbound));
    assert_eq!(
        (answered.arrived_at, answered.answered_at, answered.ended_at),
        (Some(calls::at(10)), Some(calls::at(25)), Some(calls::at(85)))
    );
    assert_eq!((answered.wait.unwrap().seconds, answered.talk.unwrap().seconds), (15, 60));
    assert_eq!((answered.contact_point.as_str(), answered.agent.as_str()), ("0901000001", "Agent/8"));
    assert_eq!((abandoned.outcome(), abandoned.answered_at, abandoned.talk), (wire::Outcome::Abandoned, None, None));
    assert_eq!((abandoned.ended_at, abandoned.wait.unwrap().seconds), (Some(calls::at(42)), 30));

    let again = import(&node, &[], &[&log]).await;
    assert_eq!(sums(&again), (0, 0, 0, 0), "the same file again");
    assert_eq!(again.json()["resumed"], true);
    append(&log, line(100, "c3|care|NONE|ENTERQUEUE||0901000003|1"));
    append(&log, line(103, "c3|care|Agent/7|CONNECT|3|c3x|1"));
    append(&log, line(110, "c3|care|Agent/7|COMPLETEAGENT|3|7|1"));
    assert_eq!(sums(&import(&node, &[], &[&log]).await), (1, 0, 0, 0), "only what has grown");
    assert_eq!(stored(&node).await.len(), 3);
    assert_eq!(counted(&node).await, (3, 2, 1));

    // A copy that nobody remembers is read whole, and the node takes nothing twice.
    let copy = world.file("copy");
    append(&copy, "\n");
    append(&copy, fs::read(&log).unwrap());
    let copied = import(&node, &[], &[&copy]).await;
    assert_eq!((sums(&copied), &copied.json()["duplicates"]), ((0, 0, 0, 0), &3.into()));
    assert_eq!(counted(&node).await, (3, 2, 1));
}

async fn a_rotated_file_is_known_again_and_a_call_may_end_in_the_next(place: Place) {
    let world = World::new(place);
    let node = world.node("hanoi-1", "HANOI").await;
    let (log, old) = (world.file("queue_log"), world.file("queue_log.1"));
    append(&log, line(0, "c1|care|NONE|ENTERQUEUE||0901000001|1"));
    append(&log, line(9, "c1|care|NONE|ABANDON|1|1|9"));
    assert_eq!(sums(&import(&node, &[], &[&log]).await), (1, 0, 0, 0));

    append(&log, line(20, "c2|care|NONE|ENTERQUEUE||0901000002|1"));
    append(&log, line(30, "c2|care|Agent/7|CONNECT|10|c2x|3"));
    append(&log, line(40, "c3|care|NONE|ENTERQUEUE||0901000003|1"));
    fs::rename(&log, &old).unwrap();
    append(&log, line(90, "c2|care|Agent/7|COMPLETEAGENT|10|60|1"));
    append(&log, line(95, "c4|care|NONE|ENTERQUEUE||0901000004|1"));
    append(&log, line(99, "c4|care|NONE|ABANDON|1|1|4"));
    let both = import(&node, &[], &[&old, &log]).await;
    assert_eq!(sums(&both), (3, 0, 0, 1), "c2, c3 which goes on, and c4: {both:?}");
    let contacts = stored(&node).await;
    let over_the_turn = &contacts["c2/care"];
    assert_eq!((over_the_turn.arrived_at, over_the_turn.ended_at), (Some(calls::at(20)), Some(calls::at(90))));
    assert_eq!(over_the_turn.contact_point, "0901000002", "the old file knew the caller");

    // The next time only the new file is given; the end of c3 finds its beginning at the node.
    append(&log, line(100, "c3|care|Agent/8|CONNECT|60|c3x|3"));
    append(&log, line(150, "c3|care|Agent/8|COMPLETECALLER|60|50|1"));
    assert_eq!(sums(&import(&node, &[], &[&log]).await), (0, 1, 0, 0));
    assert_eq!(sums(&import(&node, &[], &[&old, &log]).await), (0, 0, 0, 0), "both again");
    let keys: Vec<_> = stored(&node).await.into_keys().collect();
    assert_eq!(keys, ["c1/care", "c2/care", "c3/care", "c4/care"]);
    assert_eq!(counted(&node).await, (4, 2, 2));
}

async fn an_unfinished_call_is_listed_and_completed_by_a_later_import(place: Place) {
    let world = World::new(place);
    let node = world.node("spc-1", "SPC").await;
    let log = world.file("queue_log");
    append(&log, line(0, "waiting|care|NONE|ENTERQUEUE||0901000001|1"));
    append(&log, line(5, "talking|care|NONE|ENTERQUEUE||0901000002|2"));
    append(&log, line(8, "talking|care|Agent/7|CONNECT|3|x|1"));
    // Half a line: Asterisk is writing it.
    append(&log, line(20, "waiting|care|NONE|ABAN").trim_end());
    let first = import(&node, &[], &[&log]).await;
    assert_eq!(sums(&first), (2, 0, 0, 2));
    let totals = first.json();
    assert_eq!(totals["incomplete_last_line"], true);
    let listed: BTreeSet<_> = totals["unfinished"].as_array().unwrap().iter().map(|c| c["call"].to_string()).collect();
    assert_eq!(listed, BTreeSet::from(["\"waiting\"".to_owned(), "\"talking\"".to_owned()]));
    let contacts = stored(&node).await;
    assert_eq!((contacts["waiting/care"].ended_at, contacts["talking/care"].ended_at), (None, None));
    assert_eq!(contacts["talking/care"].answered_at, Some(calls::at(8)), "what is known is stored");
    assert_eq!(counted(&node).await, (0, 0, 0), "nobody counts a call before it ends");

    append(&log, "DON|1|1|20\n");
    append(&log, line(68, "talking|care|Agent/7|COMPLETECALLER|3|60|1"));
    let second = import(&node, &[], &[&log]).await;
    assert_eq!(sums(&second), (0, 2, 0, 0));
    let contacts = stored(&node).await;
    assert_eq!(contacts["waiting/care"].outcome(), wire::Outcome::Abandoned);
    assert_eq!(contacts["talking/care"].ended_at, Some(calls::at(68)));
    assert_eq!((contacts.len(), counted(&node).await), (2, (2, 1, 1)));
    // For people, the same in words.
    let mut people = arguments(&node, &[], &[&log]);
    people.retain(|argument| argument != "--json");
    let said = tool::run(&people).await.out;
    let expected = "queue_log: 0 accepted, 0 completed, 0 known already, 0 rejected, 0 bad lines, 0 unfinished\n";
    assert_eq!(said, expected);
}

async fn a_bad_line_is_named_with_its_reason_and_stops_only_a_strict_import(place: Place) {
    let world = World::new(place);
    let node = world.node("cpc-1", "CPC").await;
    let log = world.file("queue_log");
    append(&log, line(0, "c1|care|NONE|ENTERQUEUE||0901000001|1"));
    append(&log, line(1, "c9|care"));
    append(&log, b"1369180802|c9|c\xff\xfere|NONE|ENTERQUEUE||0901000009|1\n");
    append(&log, "yesterday|c9|care|NONE|ENTERQUEUE||0901000009|1\n");
    append(&log, line(5, "c1|care|NONE|ABANDON|1|1|five"));
    append(&log, line(6, "c1|care|NONE|ABANDON|1|1|6"));

    let strict = import(&node, &["--strict"], &[&log]).await;
    assert_eq!(strict.code, Some(1), "{strict:?}");
    let told: Vec<_> = strict.err.lines().collect();
    assert_eq!(told, [format!("{}:2: too few fields", log.display())]);
    assert_eq!(strict.json()["stopped"], true);
    assert!(stored(&node).await.is_empty(), "nothing of what was read with it");

    let lenient = import(&node, &[], &[&log]).await;
    assert_eq!(sums(&lenient), (1, 0, 4, 0));
    let told: Vec<_> = lenient.err.lines().collect();
    let reasons = [
        (2, "too few fields"),
        (3, "not UTF-8"),
        (4, "the time is not a number of seconds"),
        (5, "the wait time is not a number of seconds"),
    ];
    assert_eq!(told, reasons.map(|(number, reason)| format!("{}:{number}: {reason}", log.display())));
    let contacts = stored(&node).await;
    assert_eq!(contacts.keys().collect::<Vec<_>>(), ["c1/care"]);
    assert_eq!(contacts["c1/care"].ended_at, Some(calls::at(6)), "a bad line moves no call");
    assert_eq!(import(&node, &["--strict"], &[&log]).await.code, Some(0), "what was reported is not reported again");
}

async fn a_node_killed_in_the_middle_of_an_import_has_every_call_once_in_the_end(place: Place) {
    const CALLS: i64 = 20_000;
    let world = World::new(place);
    let mut node = world.node("hcmc-1", "HCMC").await;
    let log = world.file("queue_log");
    let mut lines = Vec::new();
    for n in 0..CALLS {
        let from = n * 4;
        lines.push((from, format!("c{n}|care|NONE|ENTERQUEUE||09{n:08}|1")));
        lines.push((from + 6, format!("c{n}|care|Agent/{}|CONNECT|6|x|2", n % 50)));
        lines.push((from + 6 + n % 300, format!("c{n}|care|Agent/{}|COMPLETECALLER|6|{}|1", n % 50, n % 300)));
    }
    lines.sort_by_key(|(second, _)| *second);
    let text = lines.iter().fold(String::new(), |mut text, (second, rest)| {
        let _ = text.write_str(&line(*second, rest));
        text
    });
    append(&log, text);

    let running = arguments(&node, &[], &[&log]);
    let running = tokio::spawn(async move { tool::run_with(&running, &BTreeMap::new(), Duration::from_mins(5)).await });
    eventually("a part of it is stored", || async {
        let request = wire::GetImportCheckpointRequest { source: "queue_log".into() };
        let kept = calls::contacts(&node).get_import_checkpoint(request).await.ok()?;
        (!kept.into_inner().checkpoint.is_empty()).then_some(())
    })
    .await;
    node.kill();
    assert!(!running.is_finished(), "it was killed in the middle");
    node.restart().await;
    let ended = running.await.unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("the connection broke and is tried again"), "{}", ended.err);
    let totals = ended.json();
    let taken = totals["accepted"].as_i64().unwrap() + totals["duplicates"].as_i64().unwrap();
    assert_eq!((taken, totals["unfinished_count"].as_i64().unwrap()), (CALLS, 0), "{totals}");

    let found = stored(&node).await;
    let missing = (0..CALLS).find(|n| found.get(&format!("c{n}/care")).is_none_or(|call| call.ended_at.is_none()));
    assert_eq!((found.len(), missing), (20_000, None));
    assert_eq!(counted(&node).await, (20_000, 20_000, 0));
    let verified = tool::run(&["metric", "verify", "--address", &node.endpoint()]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(verified.out.ends_with("against 20000 contacts: 0 differ\n"), "{}", verified.out);
}
