use std::{path::PathBuf, time::Duration};

use gridcare_chassis::clock::{Clock as _, SystemClock};
use gridcare_domain::{
    report::day::{date_of, local_day},
    standard::{SecretKey, builtin},
};
use gridcare_proto::{
    convert::time,
    federation::v1::ReachStatus,
    report::v1::{self as wire, ReportMeasure},
    standard::v1 as standard,
    ticket::v1 as ticket,
};
use gridcare_tests::{
    Place, Process, calls, eventually, tool,
    world::{CAPABILITIES, NodeOf, World},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio_stream::StreamExt as _;

crate::on_both_engines!(
    what_tickets_came_to_is_told_alike_by_node_and_gateway_and_leads_to_the_tickets,
    a_report_says_who_is_missing,
    a_tampered_tally_is_found,
    a_node_with_a_compacted_feed_or_another_zone_counts_anew,
    an_export_is_read_by_a_foreign_reader,
    a_report_over_2013_uses_the_rules_of_2013,
);

/// A few local days around now.
fn period(step: wire::ReportStep) -> wire::ReportPeriod {
    let today = local_day(SystemClock.now().as_microsecond(), &TimeZone::get("Asia/Ho_Chi_Minh").unwrap());
    let date = |day: i32| date_of(day).to_string();
    wire::ReportPeriod { from: date(today - 3), until: date(today + 2), step: step.into(), ..Default::default() }
}

async fn report(node: &Process, period: wire::ReportPeriod) -> wire::GetReportResponse {
    let request = wire::GetReportRequest { period: Some(period) };
    calls::reports(node).get_report(request).await.unwrap().into_inner()
}

async fn national(gateway: &Process, period: wire::ReportPeriod) -> wire::GetNationalReportResponse {
    let request = wire::GetNationalReportRequest { period: Some(period), regions: vec![] };
    calls::national_reports(gateway).get_national_report(request).await.unwrap().into_inner()
}

async fn open(node: &Process, topic: &str) -> String {
    let request = ticket::OpenTicketRequest { topic: topic.into(), ..calls::opening("Mất điện") };
    calls::tickets(node).open_ticket(request).await.unwrap().into_inner().ticket.unwrap().id
}

async fn become_state(node: &Process, name: &str, state: ticket::TicketState) {
    let request = ticket::ChangeTicketStateRequest {
        request_id: calls::request_id(),
        name: name.into(),
        state: state.into(),
        ..Default::default()
    };
    calls::tickets(node).change_ticket_state(request).await.unwrap();
}

/// Six tickets: two resolved, one of these closed, one cancelled, one resolved and reopened, two untouched.
async fn some_work(node: &Process) -> Vec<String> {
    use ticket::TicketState::{Cancelled, Closed, Reopened, Resolved};
    let mut ids = Vec::new();
    for topic in ["outage", "outage", "bill", "outage", "outage", "bill"] {
        ids.push(open(node, topic).await);
    }
    for (id, states) in
        [(0, vec![Resolved]), (1, vec![Resolved, Closed]), (2, vec![Cancelled]), (3, vec![Resolved, Reopened])]
    {
        for state in states {
            become_state(node, &ids[id], state).await;
        }
    }
    ids
}

async fn verify(node: &Process) -> wire::VerifyReportResponse {
    let stream = calls::reports(node).verify_report(wire::VerifyReportRequest {}).await.unwrap().into_inner();
    stream.collect::<Result<Vec<_>, _>>().await.unwrap().pop().unwrap()
}

/// What the rows of a report say of the flow, summed over its intervals.
fn flow(rows: &[wire::ReportRow], region: &str) -> [u64; 5] {
    let mut sum = [0; 5];
    for row in rows.iter().filter(|row| row.region == region && row.category.is_empty()) {
        for (sum, count) in sum.iter_mut().zip([row.inflow, row.resolved, row.closed, row.cancelled]) {
            *sum += count;
        }
        sum[4] = row.backlog;
    }
    sum
}

async fn what_tickets_came_to_is_told_alike_by_node_and_gateway_and_leads_to_the_tickets(place: Place) {
    let world = World::new(place);
    let (hcmc, spc) = tokio::join!(world.node("hcmc-1", "HCMC"), world.node("spc-1", "SPC"));
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &hcmc), ("spc-1", "SPC", &spc)]).await;
    let ids = some_work(&hcmc).await;
    open(&spc, "outage").await;

    // What was committed before a report was asked for is in it.
    let own = report(&hcmc, period(wire::ReportStep::Day)).await;
    assert_eq!(own.currency.as_ref().map(|currency| (currency.behind, currency.recounting)), Some((0, false)));
    assert_eq!(own.rows.len(), 5, "a row for each day");
    assert_eq!(flow(&own.rows, ""), [6, 2, 1, 1, 3]);
    assert_eq!(own.open.iter().map(|open| (open.open, open.ages[0].count)).collect::<Vec<_>>(), [(3, 3)]);
    assert!(own.figures.iter().any(|f| f.figure == "compliance_of_ended" && !f.denominator.is_empty()));
    let total = report(&hcmc, wire::ReportPeriod { by_category: true, ..period(wire::ReportStep::Total) }).await;
    let row = &total.rows[0];
    let resolution = row.resolution.as_ref().unwrap();
    assert!(resolution.count == 2 && resolution.p50.is_some() && resolution.p95.is_some(), "{resolution:?}");
    assert!(row.first_contact.as_ref().unwrap().rate.is_none(), "nothing judged is no rate");
    let outages = row.topics.iter().find(|topic| topic.code == "outage").unwrap();
    assert_eq!((outages.count, outages.share), (4, Some(4.0 / 6.0)));
    let categories: u64 = total.rows[1..].iter().map(|row| row.inflow).sum();
    assert_eq!(categories, 6, "categories add up to all");

    // From the figure to its tickets.
    let mut request = wire::ListReportTicketsRequest {
        measure: ReportMeasure::Resolved.into(),
        from: own.rows[0].from.clone(),
        until: own.rows[4].until.clone(),
        page_size: 1,
        ..Default::default()
    };
    let mut listed = Vec::new();
    loop {
        let page = calls::reports(&hcmc).list_report_tickets(request.clone()).await.unwrap().into_inner();
        listed.extend(page.tickets.into_iter().map(|ticket| ticket.id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    listed.sort();
    let mut resolved = ids[..2].to_vec();
    resolved.sort();
    assert_eq!(listed, resolved);
    let foreign =
        wire::ListReportTicketsRequest { measure: ReportMeasure::Inflow.into(), page_token: "AAAA".into(), ..request };
    let refused = calls::reports(&hcmc).list_report_tickets(foreign).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["page_token"]);

    // The country is the sum of its regions, and each is what its node says.
    let all = eventually("the gateway has applied everything", || async {
        let all = national(&gateway, period(wire::ReportStep::Day)).await;
        (flow(&all.rows, "")[0] == 7 && flow(&all.rows, "HCMC")[4] == 3).then_some(all)
    })
    .await;
    assert_eq!(flow(&all.rows, "HCMC"), flow(&own.rows, ""));
    assert_eq!(flow(&all.rows, "SPC"), [1, 0, 0, 0, 1]);
    assert_eq!(flow(&all.rows, ""), [7, 2, 1, 1, 4]);
    let of = |figure: &str| all.coverage.iter().find(|c| c.figure == figure).unwrap().completeness.clone().unwrap();
    assert_eq!((of("inflow").expected, of("inflow").covered), (2, 2));
    assert_eq!(
        of("satisfaction").not_reported,
        ["HCMC", "SPC"],
        "nobody was asked, which is not a satisfaction of zero"
    );

    let verified = verify(&hcmc).await;
    assert_eq!((verified.tickets_read, verified.mismatches.len()), (6, 0), "{verified:?}");
    assert!(verified.tallies_checked > 0);
    for tool in [vec!["report", "verify"], vec!["metric", "verify", "--tickets"]] {
        let ended = tool::run(&[tool, vec!["--address", &hcmc.endpoint()]].concat()).await;
        assert_eq!((ended.code, ended.out.contains(" 0 differ")), (Some(0), true), "{ended:?}");
    }
}

async fn a_report_says_who_is_missing(place: Place) {
    let world = World::new(place);
    let (hcmc, mut spc) = tokio::join!(world.node("hcmc-1", "HCMC"), world.node("spc-1", "SPC"));
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &hcmc), ("spc-1", "SPC", &spc)]).await;
    open(&spc, "outage").await;
    eventually("the ticket is in the national report", || async {
        let report = national(&gateway, period(wire::ReportStep::Total)).await;
        (flow(&report.rows, "SPC")[0] == 1).then_some(())
    })
    .await;
    spc.kill();
    let dark = eventually("the node shows as unreachable", || async {
        let report = national(&gateway, period(wire::ReportStep::Total)).await;
        let reach = report.completeness.clone().unwrap();
        (reach.covered == 1).then_some((report, reach))
    })
    .await;
    let away = dark.1.regions.iter().find(|region| region.region == "SPC").unwrap();
    assert_eq!((dark.1.expected, away.status()), (2, ReachStatus::Unreachable));
    assert!(away.since.is_some() && away.as_of.is_some(), "since when, and how old its figures are");
    assert_eq!(flow(&dark.0.rows, "SPC")[0], 1, "its last figures stay");
    let mut shown = vec!["report", "show", "--gateway", "--lang", "vi", "--by", "day"];
    let (endpoint, asked) = (gateway.endpoint(), period(wire::ReportStep::Day));
    shown.extend(["--from", &asked.from, "--until", &asked.until, "--address", &endpoint]);
    let ended = tool::run(&shown).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("SPC: mất liên lạc từ"), "{}", ended.out);
}

async fn on_database(database: &str, sql: &'static str) -> u64 {
    if database.starts_with("sqlite") {
        let pool = sqlx::SqlitePool::connect(database).await.unwrap();
        let changed = sqlx::query(sql).execute(&pool).await.unwrap().rows_affected();
        pool.close().await;
        changed
    } else {
        let pool = sqlx::PgPool::connect(database).await.unwrap();
        let changed = sqlx::query(sql).execute(&pool).await.unwrap().rows_affected();
        pool.close().await;
        changed
    }
}

async fn a_tampered_tally_is_found(place: Place) {
    let world = World::new(place);
    let database = place.database(&world.folder, "tampered").await;
    let of = NodeOf { id: "hcmc-1", region: "HCMC", capabilities: CAPABILITIES };
    let mut node = world.node_on(&of, &database).await;
    some_work(&node).await;
    assert_eq!(verify(&node).await.mismatches, []);
    assert!(node.stop().await.success());
    let tampering = "UPDATE ticket_tally SET n = n + 1 WHERE measure = 1 AND grain = 1 AND category = ''";
    assert!(on_database(&database, tampering).await > 0);
    node.restart().await;
    let found = verify(&node).await.mismatches;
    assert!(found.iter().any(|m| m.measure == "inflow" && m.grain == "day" && m.stored != m.recounted), "{found:?}");
    let ended = tool::run(&["report", "verify", "--address", &node.endpoint()]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
}

async fn a_node_with_a_compacted_feed_or_another_zone_counts_anew(place: Place) {
    let world = World::new(place);
    let database = place.database(&world.folder, "compacted").await;
    let of = NodeOf { id: "hcmc-1", region: "HCMC", capabilities: CAPABILITIES };
    let mut node = world.node_on(&of, &database).await;
    some_work(&node).await;
    assert!(node.stop().await.success());
    // As if nothing was ever counted, and what could be counted from has been compacted away meanwhile.
    for sql in [
        "DELETE FROM ticket_tally",
        "DELETE FROM ticket_counted",
        "DELETE FROM ticket_counted_day",
        "UPDATE tally_rolled SET position = 0",
        "DELETE FROM feed WHERE position <= 4",
        "UPDATE feed_head SET horizon = 4",
    ] {
        on_database(&database, sql).await;
    }
    node.restart().await;
    recounted(&node, 6).await;
    assert!(node.stop().await.success());
    on_database(&database, "UPDATE tally_rolled SET time_zone = 'America/New_York'").await;
    node.restart().await;
    recounted(&node, 6).await;
    open(&node, "outage").await;
    recounted(&node, 7).await;
}

async fn recounted(node: &Process, inflow: u64) {
    eventually("the tickets are counted anew", || async {
        let report = report(node, period(wire::ReportStep::Total)).await;
        let current = report.currency.as_ref().is_some_and(|currency| !currency.recounting && currency.behind == 0);
        (current && flow(&report.rows, "")[0] == inflow).then_some(())
    })
    .await;
    assert_eq!(verify(node).await.mismatches, []);
}

/// What a database that is not ours finds in a file.
async fn read(path: PathBuf) -> serde_json::Value {
    let python = gridcare_tests::variable("GRIDCARE_TEST_PYTHON");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/foreign_reader.py");
    let reading = tokio::process::Command::new(python).arg(script).arg(&path).output();
    let done = tokio::time::timeout(Duration::from_mins(1), reading).await.unwrap().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

async fn an_export_is_read_by_a_foreign_reader(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &node)]).await;
    some_work(&node).await;
    let asked = period(wire::ReportStep::Day);
    eventually("the gateway has applied everything", || async {
        (flow(&national(&gateway, asked.clone()).await.rows, "")[0] == 6).then_some(())
    })
    .await;
    let mut rows = Vec::new();
    for (process, of, inflow) in [(&node, vec![], 6), (&gateway, vec!["--gateway"], 12)] {
        for format in ["csv", "parquet"] {
            let file = world.file(&format!("report.{format}"));
            let (endpoint, path) = (process.endpoint(), file.display().to_string());
            let mut arguments = vec!["report", "export", "--by", "day", "--format", format, "--out", &path];
            arguments.extend(["--from", &asked.from, "--until", &asked.until, "--address", &endpoint]);
            arguments.extend(&of);
            let ended = tool::run(&arguments).await;
            assert_eq!(ended.code, Some(0), "{ended:?}");
            let found = read(file).await;
            assert_eq!(found["names"].as_array().unwrap().len(), 18, "{found}");
            assert_eq!((&found["names"][4], &found["types"][10]), (&"figure".into(), &"DOUBLE".into()), "{found}");
            // At the gateway the country and its one region.
            assert_eq!(found["inflow"], inflow, "{found}");
            rows.push(found["rows"].as_u64().unwrap());
        }
    }
    assert_eq!((rows[0], rows[2]), (rows[1], rows[3]), "both formats say the same");
}

/// Answered and resolved within an hour, in another system, on 22 May 2013.
async fn import_of_2013(node: &Process, key: &str) {
    use ticket::imported_event::Event;
    let event = |second: i64, event| ticket::ImportedEvent {
        at: Some(calls::at(second)),
        event: Some(event),
        ..Default::default()
    };
    let imported = ticket::ImportedTicket {
        source_key: key.into(),
        opened_at: Some(calls::at(0)),
        opening: Some(calls::opening("Mất điện")),
        events: vec![
            event(600, Event::Said(ticket::TimelineKind::Reply.into())),
            event(3_600, Event::State(ticket::TicketState::Resolved.into())),
        ],
    };
    let request = ticket::ImportTicketsRequest {
        request_id: calls::request_id(),
        source: "old-desk".into(),
        tickets: vec![imported],
    };
    let answer = calls::tickets(node).import_tickets(request).await.unwrap().into_inner();
    assert_eq!((answer.imported, answer.rejections), (1, vec![]));
}

/// Rule, limit and source of each row of compliance.
async fn rules_of(node: &Process, period: wire::ReportPeriod) -> Vec<[String; 3]> {
    let rows = report(node, period).await.rows;
    rows.into_iter().flat_map(|row| row.compliance).map(|row| [row.rule, row.limit, row.source]).collect()
}

async fn a_report_over_2013_uses_the_rules_of_2013(place: Place) {
    let key = SecretKey::from_seed(&[7; 32]);
    let trusted = format!("[{{id: \"{}\", public: \"{}\"}}]", key.public().id(), key.public().to_base64());
    let mut world = World::new(place);
    world.node_flags.extend(["--standards-trusted-keys".to_owned(), trusted]);
    let node = world.node("hcmc-1", "HCMC").await;
    import_of_2013(&node, "before the next version").await;

    // In force for a minute, since it arrives late. It promises more from 2017 on, and knows another source of what held before.
    let effective = Timestamp::from_second(SystemClock.now().as_second() - 60).unwrap();
    let published = effective - SignedDuration::from_secs(60);
    let mut bundle = builtin().to_owned();
    for (from, to) in [
        ("version: 1\n", "version: 2\n".to_owned()),
        ("effective_at: 2013-01-01T00:00:00+07:00", format!("effective_at: {effective}")),
        ("source: \"EVN 2017, assumed to have held before\"", "source: the archive".to_owned()),
        (
            "limit: 2 h, from: 2017-01-01, source: \"EVN 2017, in force by then; the day is assumed\"",
            "limit: 90 min, from: 2017-01-01, source: the minister".to_owned(),
        ),
    ] {
        assert!(bundle.contains(from), "{from}");
        bundle = bundle.replacen(from, &to, 1);
    }
    let offer = standard::OfferStandardRequest {
        request_id: calls::request_id(),
        signature: key.sign(bundle.as_bytes(), published).to_yaml().into_bytes(),
        bundle: bundle.into(),
        published_at: Some(time::timestamp(published)),
    };
    let offered = calls::standards(&node).offer_standard(offer).await.unwrap().into_inner().standard.unwrap();
    assert_eq!((offered.version.as_str(), offered.reasons), ("evn-2013.2", vec![]));
    import_of_2013(&node, "after it").await;
    open(&node, "outage").await;

    let of_2013 = wire::ReportPeriod { from: "2013-01-01".into(), until: "2014-01-01".into(), ..Default::default() };
    let expected = [
        ["evn-2013.1/answer_first_urgent/0", "30 min", "practice"],
        ["evn-2013.2/answer_first_urgent/0", "30 min", "practice"],
        ["evn-2013.1/restore_after_fault/0", "2 h", "EVN 2017, assumed to have held before"],
        ["evn-2013.2/restore_after_fault/0", "2 h", "the archive"],
    ];
    assert_eq!(rules_of(&node, of_2013).await, expected);
    let expected = [
        ["evn-2013.2/answer_first_urgent/1", "15 min", "practice"],
        ["evn-2013.2/restore_after_fault/1", "90 min", "the minister"],
    ];
    assert_eq!(rules_of(&node, period(wire::ReportStep::Total)).await, expected);
}
