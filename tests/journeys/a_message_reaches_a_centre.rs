use std::process::Stdio;

use gridcare_tests::{binary, variable};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

#[tokio::test]
async fn a_foreign_client_submits_in_parts_and_gets_every_receipt() {
    let mut centre = Command::new(binary())
        .args([
            "smsc-sim",
            "--listen",
            "127.0.0.1:0",
            "--delivery",
            "50",
            "--system-id",
            "foreign",
            "--password",
            "esme",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(centre.stderr.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    let address = first.split_once("listening on ").unwrap().1.split(';').next().unwrap().to_owned();

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/foreign_esme.py");
    let python = Command::new(variable("GRIDCARE_TEST_PYTHON")).args([script, &address]).kill_on_drop(true).output();
    let done = tokio::time::timeout(std::time::Duration::from_mins(1), python).await.unwrap().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let parts: u64 = String::from_utf8_lossy(&done.stdout).trim().parse().unwrap();

    kill(Pid::from_raw(i32::try_from(centre.id().unwrap()).unwrap()), Signal::SIGTERM).unwrap();
    let ended = centre.wait_with_output().await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let counts: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&counts["accepted"], &counts["receipts"]), (&parts.into(), &parts.into()), "{counts}");
    assert_eq!((&counts["binds"], &counts["duplicates"]), (&1.into(), &0.into()), "{counts}");
}

#[tokio::test]
async fn a_share_that_is_none_is_refused_with_its_cure() {
    let ended = gridcare_tests::tool::run(&["smsc-sim", "--refused", "2"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("give a number from 0 to 1"), "{}", ended.err);
}
