use gridcare_proto::{contact::v1 as contact, metric::v1 as metric, ticket::v1 as ticket};
use gridcare_tests::{Place, calls, world::World};
use tonic::Code;

crate::on_both_engines!(
    every_violating_field_is_named,
    a_definition_does_not_change_under_what_is_counted,
    unread_snapshots_do_not_stop_a_node,
    what_cannot_be_read_is_refused_and_the_node_goes_on
);

async fn every_violating_field_is_named(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let mut tickets = calls::tickets(&node);
    let refused = tickets.open_ticket(ticket::OpenTicketRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(calls::violating_fields(&refused), ["channel", "request_id", "subject", "topic"]);
    let bad = ticket::OpenTicketRequest {
        customer_code: "123".into(),
        province: "VN-99".into(),
        priority: 77,
        subject: "x".repeat(501),
        description: "a\0b".into(),
        ..calls::opening("")
    };
    let refused = tickets.open_ticket(bad).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["customer_code", "description", "priority", "province", "subject"]);
    let wrong_digit =
        tickets.get_ticket(ticket::GetTicketRequest { name: "HCMC-0001-2345-9".into() }).await.unwrap_err();
    assert_eq!(
        (wrong_digit.code(), calls::violating_fields(&wrong_digit)),
        (Code::InvalidArgument, vec!["name".to_owned()])
    );
    let missing = tickets.get_ticket(ticket::GetTicketRequest { name: "HCMC-0001-2345-3".into() }).await.unwrap_err();
    assert_eq!((missing.code(), calls::reason(&missing).as_str()), (Code::NotFound, "NO_SUCH_TICKET"));

    let draft = contact::ContactDraft {
        answered_at: Some(calls::at(-1)),
        ended_at: Some(calls::at(-2)),
        wait: Some(prost_types::Duration { seconds: -5, nanos: 0 }),
        topic: "gossip".into(),
        customer_code: "PE".into(),
        ..calls::call("k", 0)
    };
    let record = contact::RecordContactRequest { request_id: String::new(), contact: Some(draft) };
    let refused = calls::contacts(&node).record_contact(record).await.unwrap_err();
    let fields = [
        "contact.answered_at",
        "contact.customer_code",
        "contact.ended_at",
        "contact.topic",
        "contact.wait",
        "request_id",
    ];
    assert_eq!(calls::violating_fields(&refused), fields);

    let query = metric::QueryMetricsRequest {
        from: Some(calls::at(1)),
        until: None,
        time_zone: "Mars/Olympus".into(),
        channels: vec![99],
        ..Default::default()
    };
    let refused = calls::metrics(&node).query_metrics(query).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["channels[0]", "from", "time_zone", "until"]);
    assert_eq!(
        tickets.list_tickets(ticket::ListTicketsRequest::default()).await.unwrap().into_inner().tickets.len(),
        0
    );
}

async fn a_definition_does_not_change_under_what_is_counted(place: Place) {
    let world = World::new(place);
    let database = place.database(&world.folder, "node").await;
    let of = gridcare_tests::world::NodeOf {
        id: "hcmc-1",
        region: "HCMC",
        capabilities: gridcare_tests::world::CAPABILITIES,
    };
    let mut node = world.node_on(&of, &database).await;
    let record = contact::RecordContactRequest { request_id: calls::request_id(), contact: Some(calls::call("k", 0)) };
    calls::contacts(&node).record_contact(record).await.unwrap();
    assert!(node.stop().await.success());
    let mut flags = world.flags_of_node(&of, &database);
    flags.extend(["--figures-service-level-s".to_owned(), "30".to_owned()]);
    let refused = std::process::Command::new(gridcare_tests::binary()).args(&flags).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("service_level_s 20") && said.contains("give these back"),
        "{said}"
    );
}

async fn unread_snapshots_do_not_stop_a_node(place: Place) {
    use gridcare_proto::federation::v1::GetSnapshotRequest;
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    for i in 0..30 {
        calls::tickets(&node)
            .open_ticket(ticket::OpenTicketRequest {
                description: "x".repeat(16_000),
                ..calls::opening(&format!("{i}"))
            })
            .await
            .unwrap();
    }
    let mut unread = Vec::new();
    let mut refused = Vec::new();
    for _ in 0..12 {
        match calls::feed(&node).get_snapshot(GetSnapshotRequest {}).await {
            Ok(stream) => unread.push(stream),
            Err(status) => refused.push(calls::reason(&status)),
        }
    }
    assert!(refused.iter().all(|reason| reason == "TOO_MANY_SNAPSHOTS"), "{refused:?}");
    let listed = calls::tickets(&node).list_tickets(ticket::ListTicketsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.tickets.len(), 30, "others are served meanwhile");
}

async fn what_cannot_be_read_is_refused_and_the_node_goes_on(place: Place) {
    use std::io::{Read as _, Write as _};
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let mut tickets = calls::tickets(&node);
    let huge = ticket::OpenTicketRequest { description: "x".repeat(5 << 20), ..calls::opening("huge") };
    let refused = tickets.open_ticket(huge).await.unwrap_err();
    assert!(
        matches!(refused.code(), Code::InvalidArgument | Code::OutOfRange | Code::ResourceExhausted),
        "{refused:?}"
    );

    // Invalid UTF-8 in a string field: a message whose `request_id` is two bytes of no text.
    let mut grpc = tonic::client::Grpc::new(calls::channel(&node));
    grpc.ready().await.unwrap();
    let path = tonic::codegen::http::uri::PathAndQuery::from_static("/gridcare.ticket.v1.TicketService/OpenTicket");
    let bytes = Raw(vec![0x0a, 0x02, 0xff, 0xfe]);
    let refused =
        grpc.unary::<Raw, ticket::OpenTicketResponse, _>(tonic::Request::new(bytes), path, RawCodec).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");

    // A frame that promises more than it brings, and bytes that are no HTTP/2 at all.
    for garbage in [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x05\x01"[..], &b"\x16\x03\x01\x02\0garbage"[..]] {
        let mut socket = std::net::TcpStream::connect(node.grpc).unwrap();
        socket.write_all(garbage).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let _ = socket.read_to_end(&mut Vec::new());
    }
    assert!(!node.log_text().contains("panicked"), "{}", node.log_text());
    tickets.open_ticket(calls::opening("still there")).await.unwrap();
    assert_eq!(
        tickets.list_tickets(ticket::ListTicketsRequest::default()).await.unwrap().into_inner().tickets.len(),
        1
    );
}

/// Bytes sent as they are.
struct Raw(Vec<u8>);
struct RawCodec;

impl tonic::codec::Codec for RawCodec {
    type Encode = Raw;
    type Decode = ticket::OpenTicketResponse;
    type Encoder = RawEncoder;
    type Decoder = tonic_prost::ProstDecoder<ticket::OpenTicketResponse>;
    fn encoder(&mut self) -> RawEncoder {
        RawEncoder
    }
    fn decoder(&mut self) -> Self::Decoder {
        tonic_prost::ProstDecoder::default()
    }
}

struct RawEncoder;

impl tonic::codec::Encoder for RawEncoder {
    type Item = Raw;
    type Error = tonic::Status;
    fn encode(&mut self, item: Raw, buffer: &mut tonic::codec::EncodeBuf<'_>) -> Result<(), tonic::Status> {
        use tonic::codegen::Bytes;
        prost::bytes::BufMut::put(buffer, Bytes::from(item.0));
        Ok(())
    }
}
