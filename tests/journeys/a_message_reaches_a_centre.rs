use gridcare_tests::{centre::Centre, variable};
use tokio::process::Command;

#[tokio::test]
async fn a_foreign_client_submits_in_parts_and_gets_every_receipt() {
    let centre = Centre::start(&["--delivery", "50", "--system-id", "foreign", "--password", "esme"]).await;

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/foreign_esme.py");
    let python =
        Command::new(variable("GRIDCARE_TEST_PYTHON")).args([script, &centre.address]).kill_on_drop(true).output();
    let done = tokio::time::timeout(std::time::Duration::from_mins(1), python).await.unwrap().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let parts: u64 = String::from_utf8_lossy(&done.stdout).trim().parse().unwrap();

    let counts = centre.end().await;
    assert_eq!((&counts["accepted"], &counts["receipts"]), (&parts.into(), &parts.into()), "{counts}");
    assert_eq!((&counts["binds"], &counts["duplicates"]), (&1.into(), &0.into()), "{counts}");
}

#[tokio::test]
async fn a_share_that_is_none_is_refused_with_its_cure() {
    let ended = gridcare_tests::tool::run(&["smsc-sim", "--refused", "2"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("give a number from 0 to 1"), "{}", ended.err);
}
