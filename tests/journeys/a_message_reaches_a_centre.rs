use std::{sync::Arc, time::Duration};

use gridcare_chassis::{clock::SystemClock, id::new_id};
use gridcare_courier::smpp::{
    Event, Outcome, Outgoing, Route, Sender, Session,
    route::Choice,
    session::{SessionConfig, State, Surroundings, Tls, TlsFiles},
};
use gridcare_domain::sms_text::Encoding;
use gridcare_tests::{centre::Centre, variable};
use jiff::SignedDuration;
use tokio::{process::Command, sync::mpsc};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_foreign_client_submits_in_parts_and_gets_every_receipt() {
    let centre = Centre::start(&["--delivery", "50", "--system-id", "foreign", "--password", "esme"]).await;

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/foreign_esme.py");
    let python =
        Command::new(variable("GRIDCARE_TEST_PYTHON")).args([script, &centre.address]).kill_on_drop(true).output();
    let done = tokio::time::timeout(Duration::from_mins(1), python).await.unwrap().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let parts: u64 = String::from_utf8_lossy(&done.stdout).trim().parse().unwrap();

    let counts = centre.end().await;
    assert_eq!((&counts["accepted"], &counts["receipts"]), (&parts.into(), &parts.into()), "{counts}");
    assert_eq!((&counts["binds"], &counts["duplicates"]), (&1.into(), &0.into()), "{counts}");
}

#[tokio::test]
async fn a_courier_delivers_by_tls_and_gets_its_receipt() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["smsc.example".to_owned()]).unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let files = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let centre = Centre::start(&[&["--delivery", "50"], &files[..]].concat()).await;

    let dial = Tls::new(&centre.address, TlsFiles { ca: &cert, identity: None, name: "smsc.example" }).unwrap();
    let ((told, mut events), stop) = (mpsc::channel(10), CancellationToken::new());
    let (dial, clock) = (Arc::new(dial), SystemClock::shared());
    let around = Surroundings { dial, clock, events: told, stop: stop.clone(), matching: None };
    let (session, life) = Session::start(SessionConfig::default(), around);
    session.watch().wait_for(State::is_bound).await.unwrap();
    let message = Outgoing {
        id: new_id(),
        from: Sender::Name("EVNHCMC".into()),
        to: "84901234567".into(),
        text: "Da co dien lai.".into(),
        encoding: Encoding::Gsm7,
        reference: 7,
        expires: session.now() + SignedDuration::from_mins(5),
    };
    let route = Route::new(vec![session], Choice::Preferred, Duration::from_secs(5));
    let reports = route.send(&message).await.unwrap();
    assert!(matches!(reports[0].outcome, Outcome::Accepted { .. }), "{reports:?}");
    let Some(Event::Receipt { taken, .. }) = events.recv().await else { panic!("its receipt") };
    taken.taken();
    stop.cancel();
    life.await.unwrap();
    let counts = centre.end().await;
    assert_eq!((&counts["accepted"], &counts["receipts"]), (&1.into(), &1.into()), "{counts}");
}

#[tokio::test]
async fn a_share_that_is_none_is_refused_with_its_cure() {
    let ended = gridcare_tests::tool::run(&["smsc-sim", "--refused", "2"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("give a number from 0 to 1"), "{}", ended.err);
}
