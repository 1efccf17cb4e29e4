//! The same over real sockets, with and without TLS.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use gridcare_courier::{
    smpp::{
        Event,
        session::{Ended, Phase, Tcp, Tls, TlsFiles},
    },
    smsc::acceptor,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::world::{Bound, accepted, is_bound, messages, smsc, start, submit_all};

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

async fn sends_and_hears(mut bound: Bound) {
    is_bound(&bound.session).await;
    assert_eq!(accepted(&submit_all(&bound.session, &messages(200, "mat dien")).await), 200);
    for _ in 0..200 {
        let Event::Receipt { part, taken, .. } = bound.event().await else { panic!("a receipt") };
        assert!(part.is_some());
        taken.taken();
    }
    bound.stop.cancel();
    bound.task.await.unwrap();
}

#[tokio::test]
async fn two_hundred_messages_over_tcp() {
    let smsc = smsc(|config| config.delivery = Duration::from_millis(5));
    let (listener, address) = listener().await;
    let serving = smsc.clone();
    tokio::spawn(async move { serving.serve(listener, None).await });
    sends_and_hears(start(Arc::new(Tcp { address }), |config| config.window = NonZeroU32::new(50).unwrap())).await;
    assert_eq!((smsc.counts().accepted, smsc.counts().receipts), (200, 200));
    assert!(smsc.counts().peak_window <= 50);
}

#[tokio::test]
async fn two_hundred_messages_over_tls_and_none_to_a_stranger() {
    let smsc = smsc(|config| config.delivery = Duration::from_millis(5));
    let folder = tempfile::tempdir().unwrap();
    let files = ["centre", "stranger"].map(|name| {
        let made = rcgen::generate_simple_self_signed(["smsc.example".to_owned()]).unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, made.cert.pem()).unwrap();
        (path, made)
    });
    let key = folder.path().join("key");
    std::fs::write(&key, files[0].1.signing_key.serialize_pem()).unwrap();
    let tls = acceptor(&files[0].0, &key).unwrap();
    let (listener, address) = listener().await;
    let serving = smsc.clone();
    tokio::spawn(async move { serving.serve(listener, Some(tls)).await });
    let dial = |ca: &std::path::Path| {
        Arc::new(Tls::new(&address, TlsFiles { ca, identity: None, name: "smsc.example" }).unwrap())
    };
    sends_and_hears(start(dial(&files[0].0), |_| {})).await;
    assert_eq!(smsc.counts().accepted, 200);
    let stranger = start(dial(&files[1].0), |_| {});
    let down = |phase: &Phase| matches!(phase, Phase::Down(Ended::Broken(_)));
    stranger.session.watch().wait_for(|state| down(&state.phase)).await.unwrap();
    assert!(Tls::new(&address, TlsFiles { ca: folder.path(), identity: None, name: "smsc.example" }).is_err());
    assert!(acceptor(&key, &files[0].0).is_err(), "each holds the other");
}

#[tokio::test]
async fn a_unit_longer_than_the_limit_ends_the_session_with_a_reason() {
    let (listener, address) = listener().await;
    let bound = start(Arc::new(Tcp { address }), |_| {});
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bind = [0; 256];
    assert!(stream.read(&mut bind).await.unwrap() > 16);
    // bind_transceiver_resp, then a unit that claims four gibibytes.
    stream.write_all(&[0, 0, 0, 17, 0x80, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 0]).await.unwrap();
    stream.write_all(&[0xff; 64]).await.unwrap();
    let told = |phase: &Phase| matches!(phase, Phase::Down(Ended::Protocol(_)));
    bound.session.watch().wait_for(|state| told(&state.phase)).await.unwrap();
    assert!(bound.session.state().to_string().contains("claims 4294967295 octets"), "{}", bound.session.state());
}

#[tokio::test]
async fn a_flood_of_enquiries_that_are_never_read_does_not_fill_the_memory() {
    let (listener, address) = listener().await;
    let bound = start(Arc::new(Tcp { address }), |_| {});
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bind = [0; 256];
    assert!(stream.read(&mut bind).await.unwrap() > 16);
    stream.write_all(&[0, 0, 0, 17, 0x80, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 0]).await.unwrap();
    is_bound(&bound.session).await;
    let enquire = [0, 0, 0, 16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 2].repeat(4_096);
    // We stop being heard once both directions are full: the session holds us back instead of storing its answers.
    let flooding = async {
        loop {
            stream.write_all(&enquire).await.unwrap();
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(2), flooding).await.is_err());
    drop(stream);
    bound.session.watch().wait_for(|state| matches!(state.phase, Phase::Down(_))).await.unwrap();
}
