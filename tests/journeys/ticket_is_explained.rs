//! A ticket is explained: every interval of every clock, with the rule, its source, and totals that add up.

use gridcare_proto::ticket::v1::{self as wire, ClockKind, IntervalKind, imported_event::Event};
use gridcare_tests::{Place, Process, calls, world::World};

crate::on_both_engines!(
    every_second_of_a_clock_is_explained,
    totals_are_the_sums_of_the_intervals_to_the_microsecond,
    a_template_is_filled_from_its_ticket,
);

fn us(duration: Option<prost_types::Duration>) -> i64 {
    duration.map_or(0, |d| d.seconds * 1_000_000 + i64::from(d.nanos) / 1_000)
}

/// Friday 24 May 2013, 16:00 local, in seconds: two days after `at(0)`, which is Wednesday 07:00.
const FRIDAY: i64 = 2 * 86_400 + 9 * 3_600;

/// A complaint over a weekend; it is opened and its state changes so many microseconds after a whole second each.
fn complaint(micros: [i32; 4]) -> wire::ImportedTicket {
    let at = |second: i64, micros: i32| prost_types::Timestamp { nanos: micros * 1_000, ..calls::at(FRIDAY + second) };
    let state = |at: prost_types::Timestamp, state: wire::TicketState| wire::ImportedEvent {
        at: Some(at),
        event: Some(Event::State(state.into())),
        ..Default::default()
    };
    wire::ImportedTicket {
        source_key: "1".into(),
        opened_at: Some(at(0, micros[0])),
        opening: Some(wire::OpenTicketRequest {
            category: "meter_complaint".into(),
            channel: "office".into(),
            subject: "Công tơ chạy nhanh".into(),
            ..Default::default()
        }),
        events: vec![
            // Half an hour into working time, and over the weekend.
            state(at(1_800, micros[1]), wire::TicketState::WaitingCustomer),
            state(at(3 * 86_400, micros[2]), wire::TicketState::InProgress),
            state(at(4 * 86_400, micros[3]), wire::TicketState::Resolved),
        ],
    }
}

/// The clocks of a history, as they are explained at its end.
async fn explained(node: &Process, history: wire::ImportedTicket) -> wire::ExplainClocksResponse {
    let at = history.events.last().and_then(|event| event.at);
    let request = wire::ImportTicketsRequest {
        request_id: calls::request_id(),
        source: "old-desk".into(),
        tickets: vec![history],
    };
    let mut tickets = calls::tickets(node);
    assert_eq!(tickets.import_tickets(request).await.unwrap().into_inner().imported, 1);
    let listed = tickets.list_tickets(wire::ListTicketsRequest::default()).await.unwrap().into_inner().tickets;
    let name = listed[0].reference.clone();
    let explained =
        tickets.explain_clocks(wire::ExplainClocksRequest { name: name.clone(), at }).await.unwrap().into_inner();
    assert_eq!(explained.reference, name);
    explained
}

async fn every_second_of_a_clock_is_explained(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let explained = explained(&node, complaint([0; 4])).await;
    let clock = |target: &str| {
        explained.clocks.iter().find(|c| c.clock.as_ref().is_some_and(|c| c.target == target)).unwrap().clone()
    };
    for one in &explained.clocks {
        let sum = us(one.counted) + us(one.paused) + us(one.outside);
        assert_eq!(us(one.elapsed), sum, "elapsed = counted + paused + outside");
        assert!(one.intervals.windows(2).all(|pair| pair[0].until == pair[1].from), "disjoint and exhaustive");
        assert!(one.intervals.iter().all(|i| !i.rule.is_empty() && !i.source.is_empty()));
    }
    let complaint = clock("meter_complaint");
    let rule = &complaint.rules[0];
    assert_eq!((rule.limit.as_str(), rule.calendar.as_str(), rule.assumed), ("3 wd", "office", true));
    assert!(rule.rule.starts_with("evn-2013.1/meter_complaint/") && rule.source.contains("EVN 2017"));
    // Half an hour on Friday and one and a half hours from Monday 16:00 to 17:00 and Tuesday until 16:00 …
    let hours = |h: f64| (h * 3_600e6).round();
    #[expect(clippy::cast_precision_loss, reason = "a few days in microseconds")]
    let as_float = |us: i64| us as f64;
    // Friday 16:00–16:30; Monday 16:00–17:00; Tuesday 07:30–11:30 and 13:00–16:00.
    assert!((as_float(us(complaint.counted)) - hours(0.5 + 1.0 + 4.0 + 3.0)).abs() < 1.0);
    // Friday 16:30–17:00; Monday 07:30–11:30 and 13:00–16:00.
    assert!((as_float(us(complaint.paused)) - hours(0.5 + 4.0 + 3.0)).abs() < 1.0);
    let kinds: std::collections::BTreeSet<_> = complaint.intervals.iter().map(wire::ClockInterval::kind).collect();
    assert_eq!(kinds.len(), 3, "counted, paused and outside: {kinds:?}");
    assert!(complaint.intervals.iter().any(|i| i.kind() == IntervalKind::Paused && i.reason == "waiting_customer"));
    assert!(explained.clocks.iter().any(|c| c.clock.as_ref().is_some_and(|c| c.kind() == ClockKind::FirstResponse)));
}

async fn totals_are_the_sums_of_the_intervals_to_the_microsecond(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    // 506 µs of what is counted and 499 µs of the pause are a whole millisecond more than their milliseconds alone.
    let explained = explained(&node, complaint([1, 3, 502, 6])).await;
    let instant =
        |at: Option<prost_types::Timestamp>| at.map_or(0, |at| at.seconds * 1_000_000 + i64::from(at.nanos) / 1_000);
    for one in &explained.clocks {
        let lasted = |kind: IntervalKind| -> i64 {
            let of_kind = one.intervals.iter().filter(|i| i.kind() == kind);
            of_kind.map(|i| instant(i.until) - instant(i.from)).sum()
        };
        let totals = [one.counted, one.paused, one.outside].map(us);
        assert_eq!(totals, [IntervalKind::Counted, IntervalKind::Paused, IntervalKind::Outside].map(lasted));
        assert_eq!(us(one.elapsed), totals.iter().sum::<i64>());
    }
    assert!(explained.clocks.iter().any(|one| us(one.elapsed) % 1_000 == 5), "four days and five microseconds");
}

async fn a_template_is_filled_from_its_ticket(place: Place) {
    let mut world = World::new(place);
    let said = ["--sms-hotline", "1900545454", "--public-name", "EVN HCMC"].map(str::to_owned);
    world.node_flags.extend(said);
    let node = world.node("hcmc-1", "HCMC").await;
    let opening =
        wire::OpenTicketRequest { requester_name: "Bà {reference}".into(), ..calls::opening("Mất điện") };
    let opened = calls::opened(&node, opening).await;
    let mut tickets = calls::tickets(&node);
    let render = |template: &str, language: wire::Language| wire::RenderTemplateRequest {
        name: opened.id.clone(),
        template: template.into(),
        language: language.into(),
        values: std::collections::HashMap::new(),
    };
    let mut texts = Vec::new();
    for language in [wire::Language::Vi, wire::Language::En] {
        let text = tickets.render_template(render("first_answer", language)).await.unwrap().into_inner().text;
        for known in [opened.reference.as_str(), "EVN HCMC", "1900545454"] {
            assert!(text.contains(known), "{text}");
        }
        texts.push(text);
    }
    assert_ne!(texts[0], texts[1]);
    let mut given = render("first_answer", wire::Language::Vi);
    given.values.insert("region_name".into(), "Điện lực Quận 1".into());
    let text = tickets.render_template(given).await.unwrap().into_inner().text;
    assert!(text.contains("Điện lực Quận 1"), "what is given goes before what is known: {text}");
    let refused = tickets.render_template(render("no_such", wire::Language::Vi)).await.unwrap_err();
    assert_eq!(calls::reason(&refused), "NO_SUCH_TEMPLATE");
    let missing = tickets.render_template(render("resolved", wire::Language::Vi)).await.unwrap_err();
    assert_eq!(calls::reason(&missing), "PLACEHOLDERS_MISSING");
}
