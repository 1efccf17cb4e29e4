use gridcare_proto::federation::v1 as federation;
use gridcare_tests::{Place, Process, calls, eventually, otlp::Collector, world::World};

crate::on_both_engines!(a_trace_goes_from_the_client_through_node_and_gateway_to_the_statement);

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn traced<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01").parse().unwrap());
    request
}

async fn a_trace_goes_from_the_client_through_node_and_gateway_to_the_statement(place: Place) {
    let (collector, endpoint) = Collector::start().await;
    let mut world = World::new(place);
    for flags in [&mut world.node_flags, &mut world.gateway_flags] {
        flags.extend(["--telemetry-otlp-endpoint".to_owned(), endpoint.clone()]);
    }
    let node = world.node("hcmc-1", "HCMC").await;
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &node)]).await;
    calls::tickets(&node).open_ticket(traced(calls::opening("Mất điện"))).await.unwrap();
    calls::nation(&gateway).get_national_status(traced(federation::GetNationalStatusRequest::default())).await.unwrap();
    let trace: Vec<u8> = (0..16).map(|i| u8::from_str_radix(&TRACE[2 * i..2 * i + 2], 16).unwrap()).collect();
    let names = eventually("the spans arrive", || async {
        let spans: Vec<_> = collector.spans().into_iter().filter(|span| span.trace_id == trace).collect();
        let names: Vec<_> = spans.iter().map(|span| span.name.clone()).collect();
        let has = |part: &str| names.iter().any(|name| name.contains(part));
        // On Postgres a batch of openings is one statement; on SQLite it is several and a commit.
        let written = has("OPENING") || (has("TICKET_INSERT") && has("FEED_APPEND") && has("COMMIT"));
        (has("OpenTicket") && written && has("GetNationalStatus") && has("CAPABILIT")).then_some(names)
    })
    .await;
    // Each statement hangs below the request that caused it: no span of the trace is an orphan.
    let spans: Vec<_> = collector.spans().into_iter().filter(|span| span.trace_id == trace).collect();
    for span in &spans {
        let parent = &span.parent_span_id;
        let known = parent == &[0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]
            || spans.iter().any(|other| other.span_id == *parent);
        assert!(known, "{} has no parent among {names:?}", span.name);
    }
    eventually("figures go out by OTLP too", || async {
        collector.figures().iter().any(|name| name.contains("grpc")).then_some(())
    })
    .await;
    let figures = scrape(&node).await;
    assert!(figures.contains("gridcare_grpc_server_requests_total") && figures.contains("OpenTicket"), "{figures}");
}

async fn scrape(process: &Process) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut socket = tokio::net::TcpStream::connect(process.http).await.unwrap();
    socket.write_all(b"GET /metrics HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).await.unwrap();
    text
}
