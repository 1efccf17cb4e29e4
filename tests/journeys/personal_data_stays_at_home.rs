use gridcare_proto::{contact::v1 as contact, federation::v1 as federation, ticket::v1 as ticket};
use gridcare_tests::{Place, Process, calls, eventually, otlp::Collector, world::World};
use prost::Message as _;
use tokio_stream::StreamExt as _;

crate::on_both_engines!(planted_markers_appear_only_at_the_node);

/// What no gateway, feed, log or trace may ever hold.
const NAME: &str = "Xuyến-Marker-Nguyễn";
const PHONE: &str = "0907777123456";
const TEXT: &str = "plantedfreetext";
const CODE: &str = "PE77788899900";
const AGENT: &str = "agentmarkerlan";
const REQUEST: &str = "marker-request-";

fn markers() -> Vec<Vec<u8>> {
    [NAME, PHONE, TEXT, CODE, AGENT, REQUEST].iter().map(|marker| marker.as_bytes().to_vec()).collect()
}

fn found(haystack: &[u8]) -> Vec<String> {
    let lower = haystack.to_ascii_lowercase();
    markers()
        .into_iter()
        .filter(|marker| lower.windows(marker.len()).any(|window| window == marker.to_ascii_lowercase()))
        .map(|marker| String::from_utf8_lossy(&marker).into_owned())
        .collect()
}

async fn planted_markers_appear_only_at_the_node(place: Place) {
    let (collector, endpoint) = Collector::start().await;
    let mut world = World::new(place);
    for flags in [&mut world.node_flags, &mut world.gateway_flags] {
        flags.extend([
            "--telemetry-otlp-endpoint".to_owned(),
            endpoint.clone(),
            "--telemetry-filter".to_owned(),
            "trace".to_owned(),
        ]);
    }
    let node_database = place.database(&world.folder, "hcmc").await;
    let gateway_database = place.database(&world.folder, "gateway").await;
    let of = gridcare_tests::world::NodeOf {
        id: "hcmc-1",
        region: "HCMC",
        capabilities: gridcare_tests::world::CAPABILITIES,
    };
    let mut node = world.node_on(&of, &node_database).await;
    let mut gateway = world.gateway_on("gateway-1", &[("hcmc-1", "HCMC", &node)], &gateway_database).await;
    plant(&node).await;
    let head = calls::feed(&node)
        .describe_node(federation::DescribeNodeRequest {})
        .await
        .unwrap()
        .into_inner()
        .head
        .unwrap()
        .position;
    // Three capabilities, three states of the ticket, and a bucket.
    let feed = eventually("the whole feed is there", || async {
        let mut stream = calls::feed(&node).pull_feed(federation::PullFeedRequest::default()).await.ok()?.into_inner();
        let mut bytes = Vec::new();
        loop {
            let frame = stream.next().await?.ok()?;
            let position = frame.cursor.as_ref()?.position;
            frame.encode(&mut bytes).ok()?;
            if position >= head.max(7) {
                return Some(bytes);
            }
        }
    })
    .await;
    eventually("the gateway has applied it", || async {
        let list = calls::nation(&gateway)
            .list_national_tickets(federation::ListNationalTicketsRequest::default())
            .await
            .ok()?
            .into_inner();
        (list.tickets.first()?.ticket.as_ref()?.version == 3).then_some(())
    })
    .await;
    assert!(node.stop().await.success());
    assert!(gateway.stop().await.success());
    eventually("traces have arrived", || async {
        collector.spans().iter().any(|span| ["TICKET_INSERT", "OPENING"].contains(&span.name.as_ref())).then_some(())
    })
    .await;

    assert_eq!(
        found(&contents(&node_database).await).len(),
        markers().len() - 1,
        "the node itself keeps all but the request ids, or this test looks wrongly"
    );
    assert_eq!(found(&feed), Vec::<String>::new(), "in the feed");
    assert_eq!(found(&contents(&gateway_database).await), Vec::<String>::new(), "in the gateway's database");
    assert_eq!(found(node.log_text().as_bytes()), Vec::<String>::new(), "in the node's log");
    assert_eq!(found(gateway.log_text().as_bytes()), Vec::<String>::new(), "in the gateway's log");
    assert_eq!(found(&collector.bytes()), Vec::<String>::new(), "in traces");
}

/// Every way by which personal data comes in, well-formed and not.
async fn plant(node: &Process) {
    let mut tickets = calls::tickets(node);
    let id = |n: u8| format!("{REQUEST}{n}");
    let opening = ticket::OpenTicketRequest {
        request_id: id(1),
        subject: format!("{TEXT} một"),
        description: format!("{TEXT} hai {NAME}"),
        customer_code: CODE.into(),
        requester_name: NAME.into(),
        requester_contact_point: PHONE.into(),
        author: AGENT.into(),
        ..calls::opening("")
    };
    let opened = tickets.open_ticket(opening.clone()).await.unwrap().into_inner().ticket.unwrap();
    tickets.open_ticket(ticket::OpenTicketRequest { subject: TEXT.into(), ..opening.clone() }).await.unwrap_err();
    tickets
        .open_ticket(ticket::OpenTicketRequest {
            request_id: id(2),
            topic: TEXT.into(),
            province: NAME.into(),
            ..opening
        })
        .await
        .unwrap_err();
    let assign = ticket::AssignTicketRequest {
        request_id: id(3),
        name: opened.id.clone(),
        assignee: AGENT.into(),
        author: AGENT.into(),
        ..Default::default()
    };
    tickets.assign_ticket(assign).await.unwrap();
    let remark = ticket::AddTimelineEntryRequest {
        request_id: id(4),
        name: opened.id.clone(),
        kind: 2,
        text: TEXT.into(),
        author: AGENT.into(),
        ..Default::default()
    };
    tickets.add_timeline_entry(remark).await.unwrap();
    tickets
        .close_ticket(ticket::CloseTicketRequest {
            request_id: id(5),
            name: opened.id,
            reason: TEXT.into(),
            ..Default::default()
        })
        .await
        .unwrap_err();
    let filter = ticket::TicketFilter { words: TEXT.into(), customer_code: CODE.into(), ..Default::default() };
    tickets.list_tickets(ticket::ListTicketsRequest { filter: Some(filter), ..Default::default() }).await.unwrap();
    let contact = contact::ContactDraft {
        customer_code: CODE.into(),
        contact_point: PHONE.into(),
        agent: AGENT.into(),
        note: format!("{TEXT} {NAME}"),
        ..calls::call(TEXT, 0)
    };
    let record = contact::RecordContactRequest { request_id: id(6), contact: Some(contact.clone()) };
    calls::contacts(node).record_contact(record).await.unwrap();
    // The same source key again: a refusal that must not repeat it.
    let record = contact::RecordContactRequest { request_id: id(7), contact: Some(contact) };
    calls::contacts(node).record_contact(record).await.unwrap_err();
}

/// Every byte of a database.
async fn contents(database: &str) -> Vec<u8> {
    if let Some(path) = database.strip_prefix("sqlite://") {
        return [path.to_owned(), format!("{path}-wal")]
            .iter()
            .flat_map(|file| std::fs::read(file).unwrap_or_default())
            .collect();
    }
    let pool = sqlx::PgPool::connect(database).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
        .fetch_all(&pool)
        .await
        .unwrap();
    let mut all = String::new();
    for table in tables {
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT t::text FROM {table} AS t")))
            .fetch_all(&pool)
            .await
            .unwrap();
        all.push_str(&rows.join("\n"));
    }
    all.into_bytes()
}
