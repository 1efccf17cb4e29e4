use std::time::Duration;

use gridcare_store::lease;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{SharedNode, config::Keep};

const EVERY: Duration = Duration::from_mins(10);
const DAY_US: i64 = 24 * 3_600 * 1_000_000;
const PAGE: i64 = 5_000;

/// Compacts the feed and forgets what is old, a range at a time, in one process at a time.
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
    let days_ago = |days: u32| now.saturating_sub(i64::from(days).saturating_mul(DAY_US));
    while node.store.feed_compact(days_ago(keep.feed_days), PAGE).await? > 0 {}
    // Answers are counted within an hour; own texts may come back later.
    while node.store.forget_sms(days_ago(7), PAGE).await? > 0 {}
    // An answer to a question comes within days, or not at all.
    while node.store.forget_questions(days_ago(90), PAGE).await? > 0 {}
    node.store.forget_question_texts(days_ago(90)).await?;
    while node.store.forget_notifications(days_ago(keep.notification_days), PAGE).await? > 0 {}
    while node.store.forget_bulks(days_ago(keep.bulk_days), PAGE).await? > 0 {}
    let mut after = Some(Uuid::nil());
    while let Some(key) = after {
        after = node.store.expire_requests(key, PAGE, days_ago(keep.request_days)).await?;
    }
    Ok(())
}
