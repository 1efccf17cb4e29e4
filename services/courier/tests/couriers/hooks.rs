use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use gridcare_courier::config::{Hook, Webhooks};
use ring::hmac;
use tokio::net::TcpListener;

use crate::{
    node::{EN, VI},
    world::{World, eventually},
};

type Posts = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// Partners: one takes notices, one is gone, one is busy at first, and one never answers.
async fn partners(posts: Posts) -> String {
    let (busy, taken) = (Arc::new(AtomicUsize::new(0)), posts);
    let press = move |headers: HeaderMap, body: Bytes| async move {
        taken.lock().unwrap().push((headers, body));
        StatusCode::ACCEPTED
    };
    let busy = move || async move {
        if busy.fetch_add(1, Ordering::Relaxed) == 0 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
    };
    let router = Router::new()
        .route("/press", post(press))
        .route("/gone", post(async || StatusCode::GONE))
        .route("/busy", post(busy))
        .route("/hangs", post(async || std::future::pending::<StatusCode>().await));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test]
async fn partners_are_told_signed_and_a_hanging_one_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let secret_file = folder.path().join("secret");
    std::fs::write(&secret_file, "between us\n").unwrap();
    let posts = Posts::default();
    let address = partners(Arc::clone(&posts)).await;
    let hook = |name: &str| Hook {
        name: name.into(),
        url: format!("{address}/{name}"),
        secret_file: secret_file.clone(),
        timeout_ms: 300,
    };
    let mut world = World::new(|_| {});
    world.config.sms.centres.clear();
    world.config.webhook = Webhooks { ca: None, hooks: ["press", "gone", "busy", "hangs"].map(hook).into() };
    let names = ["hangs"; 70].into_iter().chain(["gone", "busy", "stranger"]).chain(["press"; 30]);
    world.node.queue(names.map(str::to_owned));
    let running = world.start();
    let of = |name: &str| -> BTreeMap<&'static str, usize> {
        let mut states = BTreeMap::new();
        for delivery in world.node.look().deliveries.values().filter(|delivery| delivery.address == name) {
            *states.entry(delivery.state).or_default() += 1;
        }
        states
    };
    let told = async {
        eventually("the press has them all", || of("press") == BTreeMap::from([("delivered", 30)])).await;
        eventually("who was busy has it", || of("busy") == BTreeMap::from([("delivered", 1)])).await;
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.expect("the others are not held up");
    assert_eq!((of("gone"), of("stranger")), (BTreeMap::from([("failed", 1)]), BTreeMap::from([("failed", 1)])));
    assert!(of("hangs").keys().all(|state| ["queued", "leased", "submitting"].contains(state)), "{:?}", of("hangs"));

    let (headers, body) = posts.lock().unwrap()[0].clone();
    let signature = headers["gridcare-signature"].to_str().unwrap();
    let (moment, digits) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"between us");
    let signed = [moment.as_bytes(), b".", &body].concat();
    let octets = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
    hmac::verify(&key, &signed, &octets.collect::<Vec<_>>()).unwrap();
    let said: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&said["vi"]["body"], &said["en"]["body"]), (&VI.into(), &EN.into()), "{said}");
    assert_eq!((&said["notice"], &said["revision"]), (&"n".into(), &1.into()), "{said}");
    assert_eq!(said["id"], format!("n.1.{}", said["number"]), "{said}");
    running.end().await;
}
