//! A collector that is not there costs a warning, not the process.

use std::time::Duration;

use gridcare_chassis::{config::Telemetry, telemetry};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_collector_is_survived() {
    let config = Telemetry { otlp_endpoint: Some("http://127.0.0.1:1".to_owned()), ..Telemetry::default() };
    let guard = telemetry::init(&config, "test", "one").unwrap();
    assert!(matches!(telemetry::init(&config, "test", "two"), Err(telemetry::TelemetryError::Twice)));
    tracing::info_span!("work").in_scope(|| tracing::info!("done"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let ending = tokio::time::timeout(Duration::from_secs(10), guard.shutdown());
    ending.await.expect("the end is not held up");
}
