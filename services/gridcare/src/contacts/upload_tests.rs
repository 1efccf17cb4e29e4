use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::*;

fn status(code: Code, message: &str) -> Status {
    Status::new(code, message)
}

#[test]
fn what_may_pass_is_tried_again_and_a_refusal_is_not() {
    for code in [Code::Unavailable, Code::ResourceExhausted, Code::Aborted, Code::Cancelled, Code::DeadlineExceeded] {
        assert!(passing(&status(code, "")), "{code:?}");
    }
    for code in [Code::InvalidArgument, Code::PermissionDenied, Code::Unimplemented, Code::NotFound] {
        assert!(!passing(&status(code, "")), "{code:?}");
    }
    assert!(passing(&status(Code::Internal, "h2 protocol error: error reading a body from connection")));
    // The node's own fault has details with its id, and trying again would only repeat it.
    assert!(!passing(&gridcare_chassis::status::fault(&std::io::Error::other("a bug"))));
}

#[tokio::test(start_paused = true)]
async fn without_progress_it_gives_up_after_its_patience() {
    // Nobody listens on port 1.
    let caller = crate::connection::Connection::near("http://127.0.0.1:1".to_owned()).caller().unwrap();
    let upload = Upload { caller, source: "test".to_owned(), window: 2, patience: Duration::from_secs(20) };
    let (out, batches) = mpsc::channel(2);
    out.send(Batch { contacts: Vec::new(), checkpoint: String::new(), mark: () }).await.unwrap();
    let broken = Arc::new(AtomicU64::new(0));
    let counted = broken.clone();
    let lost = move |_: &Status| {
        counted.fetch_add(1, Ordering::Relaxed);
    };
    let began = Instant::now();
    let ended = upload.run(batches, |_, _| ControlFlow::Continue(()), lost).await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable);
    assert!(began.elapsed() >= Duration::from_secs(20));
    // At once, then with growing pauses.
    assert!((6..20).contains(&broken.load(Ordering::Relaxed)), "{broken:?}");
}

#[tokio::test]
async fn nothing_to_send_needs_no_node() {
    let caller = crate::connection::Connection::near("http://127.0.0.1:1".to_owned()).caller().unwrap();
    let upload = Upload { caller, source: "test".to_owned(), window: 2, patience: Duration::ZERO };
    let (out, batches) = mpsc::channel::<Batch<()>>(2);
    drop(out);
    assert!(upload.run(batches, |_, _| ControlFlow::Continue(()), |_| {}).await.is_ok());
}
