//! How far notices have come: marks that causing transactions left become entries of the feed, at most one a second for each.

use std::{error::Error, time::Duration};

use gridcare_chassis::id::new_id;
use gridcare_domain::feed::{Change, Kind};
use gridcare_proto::{
    convert::{code, time},
    federation::v1 as federation,
    notice::v1 as wire,
};
use gridcare_store::{
    StoreError,
    lease::{self, Lease},
    progress::{Progress, RevisionProgress},
};
use prost::Message as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Node, SharedNode};

/// A notice becomes an entry at most this often; the marks are looked at as often.
const THROTTLE: Duration = Duration::from_secs(1);
/// How long a process that stopped is waited for.
const LEASE: Duration = Duration::from_secs(10);
/// Notices that are told together.
const AT_ONCE: i64 = 100;
const MINUTE_US: i64 = 60_000_000;

/// Tells of progress, in one process of the node at a time.
pub(crate) async fn run(node: SharedNode, shutdown: CancellationToken) {
    let holder = new_id().to_string();
    let mut held = None;
    loop {
        let began = Instant::now();
        match turn(&node, &holder).await {
            Ok(lease) => held = lease,
            Err(StoreError::LeaseLost(_)) => held = None,
            Err(e) => tracing::warn!(error = &e as &dyn Error, "progress of notices could not be told; trying again"),
        }
        // Counting takes an eighth of the time at most: couriers go first.
        let rest = THROTTLE.max(8 * began.elapsed());
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep_until(began + rest) => {}
        }
    }
    if let Some(lease) = held {
        // Another process goes on at once instead of waiting for the lease to end.
        let _ = lease::release(node.store.db(), &lease).await;
    }
}

async fn turn(node: &Node, holder: &str) -> Result<Option<Lease>, StoreError> {
    let mut held = None;
    let mut after = Uuid::nil();
    loop {
        let moved = node.store.notices_moved(after, AT_ONCE).await?;
        let Some((last, _)) = moved.last() else { return Ok(held) };
        after = last.notice_id;
        let now_us = node.now_us();
        let until = now_us + i64::try_from(LEASE.as_micros()).unwrap_or(0);
        held = lease::take(node.store.db(), "notice progress", holder, now_us, until).await?;
        let Some(lease) = &held else { return Ok(None) };
        let change = |(one, progress): &(gridcare_store::progress::Changed, Progress)| {
            change(one.notice_id, one.version + 1, progress)
        };
        let changes = moved.iter().map(change).collect();
        let moved: Vec<_> = moved.iter().map(|(one, _)| *one).collect();
        node.store.tell_progress(lease, &moved, new_id(), now_us, changes).await?;
    }
}

/// The feed's change of how far a notice has come.
pub(crate) fn change(notice_id: Uuid, version: i64, progress: &Progress) -> Change {
    let key = notice_id.to_string();
    let payload = federation::FederatedNoticeProgress {
        notice_id: key.clone(),
        version: u64::try_from(version).unwrap_or(0),
        revisions: revisions(progress),
        first: first(progress),
    };
    Change { kind: Kind::NoticeProgress, key, version, payload: payload.encode_to_vec() }
}

fn revisions(progress: &Progress) -> Vec<wire::RevisionProgress> {
    let revision = |(number, revision): (&i64, &RevisionProgress)| {
        let counts = revision.counts.iter().map(|((way, state), deliveries)| wire::DeliveryCount {
            channel: code::notice_channel_to_wire(way.channel()),
            state: state.code().to_owned(),
            deliveries: *deliveries,
        });
        let mut taken = 0;
        let accepted = revision.accepted.iter().map(|(minute_us, accepted)| {
            taken += accepted;
            wire::MinuteCount { minute: Some(time::micros(minute_us + MINUTE_US)), accepted: taken }
        });
        let (predicted_recipients, predicted_within_30_minutes) = revision.planned.unwrap_or_default();
        wire::RevisionProgress {
            revision: *number,
            counts: counts.collect(),
            accepted: accepted.collect(),
            predicted_recipients,
            predicted_within_30_minutes,
            published_at: Some(time::micros(revision.published_us)),
        }
    };
    progress.revisions.iter().map(revision).collect()
}

fn first(progress: &Progress) -> Vec<wire::FirstReached> {
    let reached =
        |((province, channel), at_us): (&(String, gridcare_domain::notice::NoticeChannel), &i64)| wire::FirstReached {
            province: province.clone(),
            channel: code::notice_channel_to_wire(*channel),
            at: Some(time::micros(*at_us)),
        };
    progress.first.iter().map(reached).collect()
}

impl Node {
    /// How far a notice has come here.
    pub(crate) async fn follow_notice(&self, id: Uuid) -> Result<wire::NoticeProgress, StoreError> {
        let progress = self.store.notice_progress(id).await?;
        Ok(wire::NoticeProgress {
            region: self.region.clone(),
            node: self.id.clone(),
            revisions: revisions(&progress),
            first: first(&progress),
        })
    }
}
