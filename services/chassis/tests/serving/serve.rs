//! What the chassis promises around every service, against a real server on loopback.

use std::time::Duration;

use crate::world::{Raw, SERVICE, World, call, call_with, full};
use gridcare_chassis::{
    client::Caller,
    identity::PRINCIPAL,
    methods::Methods,
    serve::{self, Limits, Readiness},
    tls::ClientTls,
};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status, client::Grpc};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_types::StatusExt;

const SOON: Duration = Duration::from_secs(5);

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_panic_is_an_internal_error_that_shows_nothing() {
    let world = World::start(Limits::default(), None).await;
    let status = call(world.channel(), "Panic", b"").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"));
    assert!(!format!("{status:?}").contains("hunter2"), "{status:?}");
    // Also in the middle of a stream.
    let mut grpc = Grpc::new(world.channel());
    grpc.ready().await.unwrap();
    let stream = grpc.server_streaming(Request::new("".into()), full("PanicLater"), Raw).await.unwrap();
    let mut stream = stream.into_inner();
    let status = loop {
        match stream.message().await {
            Ok(message) => assert!(message.is_some()),
            Err(status) => break status,
        }
    };
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"));
    // And the server lives on.
    assert_eq!(call(world.channel(), "Who", b"").await.unwrap(), "loopback");
}

#[tokio::test]
async fn what_is_no_message_is_the_callers_fault() {
    let world = World::start(Limits::default(), None).await;
    let health = "/grpc.health.v1.Health/Check";
    // A field of invalid UTF-8, a field that is cut off, and no protobuf at all.
    for bytes in [&b"\x0a\x02\xff\xfe"[..], b"\x0a\x05ab", b"\xff\xff\xff"] {
        let status = call(world.channel(), health, bytes).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::InvalidArgument, "MALFORMED_MESSAGE"),
            "{bytes:?}"
        );
    }
    let status = call(world.channel(), health, &vec![b'x'; 5 << 20]).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "MESSAGE_TOO_LARGE"));
    // A frame that promises more than it brings.
    let frame =
        http_body_util::Full::new(bytes::Bytes::from_static(b"\0\0\0\0\x09abc")).map_err(|never| match never {});
    let mut request =
        http::Request::post(format!("{}{health}", world.endpoint())).body(tonic::body::Body::new(frame)).unwrap();
    request.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    let mut channel = world.channel();
    let channel = tower::ServiceExt::ready(&mut channel).await.unwrap();
    let response = tower::Service::call(channel, request).await.unwrap();
    let status = Status::from_header_map(response.headers()).unwrap();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "MALFORMED_MESSAGE"));
}

#[tokio::test]
async fn what_is_too_much_is_shed_with_a_time_to_come_again() {
    let world = World::start(Limits { requests: 1, streams: 1, ..Limits::default() }, None).await;
    let slow = tokio::spawn(call(world.channel(), "Slow", b""));
    let refused = async {
        loop {
            match call(world.channel(), "Empty", b"").await {
                Ok(_) => sleep(Duration::from_millis(5)).await,
                Err(status) => return status,
            }
        }
    };
    let status = timeout(SOON, refused).await.unwrap();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "OVERLOADED"));
    assert!(status.get_error_details().retry_info().unwrap().retry_delay.is_some());
    // A probe is let in, and a stream has room of its own, until that is taken as well.
    HealthClient::new(world.channel()).check(HealthCheckRequest::default()).await.unwrap();
    let open = async || {
        let mut grpc = Grpc::new(world.channel());
        grpc.ready().await.unwrap();
        grpc.server_streaming(Request::new("".into()), full("Endless"), Raw).await
    };
    let stream = open().await.unwrap();
    assert_eq!(open().await.unwrap_err().code(), Code::ResourceExhausted);
    // Whoever hangs up makes room.
    drop(stream);
    slow.abort();
    let room = async {
        while open().await.is_err() || call(world.channel(), "Empty", b"").await.is_err() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, room).await.unwrap();
}

#[tokio::test]
async fn deadlines_hold_for_calls_and_for_streams() {
    let world = World::start(Limits { unary_ms: 200, ..Limits::default() }, None).await;
    // The server's own maximum, and a shorter wish.
    for (wish, least, most) in [(None, 190, 1_000), (Some(60), 40, 180)] {
        let mut request = Request::new(bytes::Bytes::new());
        if let Some(wish) = wish {
            request.set_timeout(Duration::from_millis(wish));
        }
        let start = Instant::now();
        // Through a caller: with a plain channel, its timer and the server's would race for the right to say so.
        let caller = Caller::new(world.channel(), Methods::default(), SOON);
        let status = call_with(caller, "Slow", request).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
        let took = start.elapsed().as_millis();
        assert!((least..most).contains(&took), "{took} ms");
    }
    // The maximum is not for streams; a wish is, also after the headers.
    let mut grpc = Grpc::new(world.channel());
    grpc.ready().await.unwrap();
    let mut request = Request::new(bytes::Bytes::new());
    request.set_timeout(Duration::from_millis(400));
    let start = Instant::now();
    let mut stream = grpc.server_streaming(request, full("Endless"), Raw).await.unwrap().into_inner();
    let status = loop {
        if let Err(status) = stream.message().await {
            break status;
        }
    };
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
    assert!(start.elapsed() >= Duration::from_millis(350), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_caller_gives_up_on_a_silent_peer() {
    // It accepts and says nothing.
    let silent = serve::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let channel = gridcare_chassis::tls::channel(&endpoint, &ClientTls::default()).unwrap();
    let methods = Methods::read([tonic_health::pb::FILE_DESCRIPTOR_SET]).unwrap();
    let mut client = HealthClient::new(Caller::new(channel, methods, Duration::from_millis(200)));
    let start = Instant::now();
    let status = client.check(HealthCheckRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_caller_on_loopback_names_itself() {
    let world = World::start(Limits::default(), None).await;
    let mut request = Request::new(bytes::Bytes::new());
    request.metadata_mut().insert(PRINCIPAL, "desk".parse().unwrap());
    assert_eq!(call_with(world.channel(), "Who", request).await.unwrap(), "desk");
}

#[tokio::test]
async fn health_follows_readiness_and_a_shutdown_is_orderly() {
    let world = World::start(Limits { drain_ms: 1_500, ..Limits::default() }, None).await;
    let mut health = HealthClient::new(world.channel());
    for service in ["", SERVICE] {
        let serving = async {
            let request = HealthCheckRequest { service: service.to_owned() };
            while health.check(request.clone()).await.map_or(0, |answer| answer.into_inner().status)
                != ServingStatus::Serving as i32
            {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(SOON, serving).await.unwrap();
    }
    let mut watch = health.watch(HealthCheckRequest { service: SERVICE.to_owned() }).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);

    let mut grpc = Grpc::new(world.channel());
    grpc.ready().await.unwrap();
    let mut stream = grpc.server_streaming(Request::new("".into()), full("Endless"), Raw).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    let channel = world.channel();
    let slow = tokio::spawn(call(channel, "Slow", b""));
    sleep(Duration::from_millis(50)).await;

    let start = Instant::now();
    world.shutdown.cancel();
    let status = loop {
        match stream.message().await {
            Ok(message) => assert!(message.is_some()),
            Err(status) => break status,
        }
    };
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "SHUTTING_DOWN"));
    assert!(start.elapsed() < Duration::from_secs(1), "a reader is told at once");
    // The slow call holds the server up until the drain limit, and no longer.
    timeout(Duration::from_secs(4), world.server).await.expect("the drain limit").unwrap().unwrap();
    assert!(start.elapsed() >= Duration::from_millis(1_400), "{:?}", start.elapsed());
    assert_eq!(world.readiness.failures().await, ["shutdown: has begun"]);
    slow.abort();
}

#[tokio::test]
async fn a_server_without_calls_ends_at_once() {
    let world = World::start(Limits::default(), None).await;
    call(world.channel(), "Empty", b"").await.unwrap();
    world.shutdown.cancel();
    timeout(Duration::from_secs(2), world.server).await.expect("no drain without calls").unwrap().unwrap();
}

#[tokio::test]
async fn grpc_web_speaks_over_http_1() {
    let world = World::start(Limits::default(), None).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let head = format!(
        "POST /{SERVICE}/Who HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc-web+proto\r\ncontent-length: 5\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(b"\0\0\0\0\0").await.unwrap();
    let mut answer = Vec::new();
    timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("loopback") && answer.contains("grpc-status:0"),
        "{answer}"
    );
}

#[tokio::test]
async fn reflection_lists_the_services_in_both_versions() {
    use tonic_reflection::pb::{v1, v1alpha};
    let world = World::start(Limits::default(), None).await;
    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(world.channel());
    let mut answers = client.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap());
    assert!(answer.contains(SERVICE) && answer.contains("grpc.health.v1.Health"), "{answer}");
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
            SERVICE.to_owned(),
        )),
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(world.channel());
    let mut answers = client.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap());
    assert!(answer.contains("FileDescriptorResponse"), "{answer}");
}

#[tokio::test]
async fn probes_tell_what_is_missing() {
    let (readiness, shutdown) =
        (Readiness::new().check("database", || async { Err("not migrated".to_owned()) }), CancellationToken::new());
    let listener = serve::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let more = axum::Router::new().route("/more", axum::routing::get(|| async { "more\n" }));
    let server = tokio::spawn(serve::admin::serve(listener, readiness, more, shutdown.clone()));
    let get = async |path: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        timeout(SOON, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    };
    assert!(get("/livez").await.starts_with("HTTP/1.1 200"));
    let ready = get("/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("database: not migrated"), "{ready}");
    assert!(get("/metrics").await.starts_with("HTTP/1.1 200"));
    assert!(get("/more").await.contains("more"));
    shutdown.cancel();
    timeout(SOON, server).await.unwrap().unwrap().unwrap();
}
