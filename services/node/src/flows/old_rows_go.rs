use std::time::Duration;

use gridcare_store::lease;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{SharedNode, config::Keep};

const EVERY: Duration = Duration::from_mins(10);
const DAY_US: i64 = 24 * 3_600 * 1_000_000;
const PAGE: i64 = 5_000;

/// Compacts the feed and forgets old answers, a range at a time, in one process at a time.
pub(crate) async fn run(node: SharedNode, keep: Keep, shutdown: CancellationToken) {
    let holder = gridcare_chassis::id::new_id().to_string();
    loop {
        if let Err(e) = sweep(&node, &keep, &holder).await {
            tracing::warn!(error = &e as &dyn std::error::Error, "old rows could not be removed; trying again later");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn sweep(node: &SharedNode, keep: &Keep, holder: &str) -> Result<(), gridcare_store::StoreError> {
    let now = node.now_us();
    let until = now + 2 * i64::try_from(EVERY.as_micros()).unwrap_or(i64::MAX / 4);
    if lease::take(node.store.db(), "sweep", holder, now, until).await?.is_none() {
        return Ok(());
    }
    // Erasures whose going through the stored answers was interrupted.
    node.store.sweep_answers(now).await?;
    while node.store.feed_compact(now - i64::from(keep.feed_days) * DAY_US, PAGE).await? > 0 {}
    // Answers are counted within an hour; own texts may come back later.
    while node.store.forget_sms(now - 7 * DAY_US, PAGE).await? > 0 {}
    let mut after = Some(Uuid::nil());
    while let Some(key) = after {
        after = node.store.expire_requests(key, PAGE, now - i64::from(keep.request_days) * DAY_US).await?;
    }
    Ok(())
}
