use gridcare_domain::{
    completeness::{Link, Reach},
    feed::Cursor,
};
use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

use super::{GatewayStore, ticket};
use crate::{
    StoreError,
    db::{Row, Tx},
    lease::{self, Lease},
    statement::{statements, values},
};

statements! {
    MEMBER_SEAT =
        "INSERT INTO member (node, region, endpoint, expected_from_us, incarnation, position, epoch, head, snapshot_no)
         VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0)
         ON CONFLICT (node) DO UPDATE SET region = excluded.region, endpoint = excluded.endpoint, expected_from_us = excluded.expected_from_us
         WHERE member.region <> excluded.region OR member.endpoint <> excluded.endpoint OR member.expected_from_us <> excluded.expected_from_us";
    MEMBER_LIST =
        "SELECT node, region, endpoint, expected_from_us, time_zone, product_version, incarnation, position, batch_id, head, seen_us, failing, failing_since_us
         FROM member ORDER BY node";
    MEMBER_ONE =
        "SELECT node, region, endpoint, expected_from_us, time_zone, product_version, incarnation, position, batch_id, head, seen_us, failing, failing_since_us
         FROM member WHERE node = $1";
    MEMBER_DESCRIBE = "UPDATE member SET time_zone = $1, product_version = $2 WHERE node = $3 AND (time_zone IS NULL OR time_zone <> $1 OR product_version IS NULL OR product_version <> $2)";
    MEMBER_ZONE = "SELECT time_zone FROM member WHERE node = $1";
    // What was read from one place is kept once, and under one lease: whoever lost it changes nothing.
    MEMBER_ADVANCE =
        "UPDATE member SET incarnation = $1, position = $2, batch_id = $3, epoch = $4, head = $5, seen_us = $6, failing = NULL, failing_since_us = NULL
         WHERE node = $7 AND incarnation = $8 AND position = $9 AND epoch <= $4";
    MEMBER_BOOKMARK = "UPDATE member SET head = $1, seen_us = $2, epoch = $3, failing = NULL, failing_since_us = NULL WHERE node = $4 AND epoch <= $3";
    MEMBER_FAILING =
        "UPDATE member SET failing = $1, failing_since_us = CASE WHEN failing IS NULL THEN $2 ELSE failing_since_us END, epoch = $3
         WHERE node = $4 AND epoch <= $3";
    MEMBER_SNAPSHOT_BEGIN = "UPDATE member SET snapshot_no = snapshot_no + 1, epoch = $1 WHERE node = $2 AND epoch <= $1 RETURNING snapshot_no";
    MEMBER_SNAPSHOT_END =
        "UPDATE member SET incarnation = $1, position = $2, batch_id = $3, epoch = $4, head = $5, seen_us = $6, failing = NULL, failing_since_us = NULL
         WHERE node = $7 AND snapshot_no = $8 AND epoch <= $4";
}

/// A member as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Its node.
    pub node: String,
    /// Its region.
    pub region: String,
    /// Where it is dialled.
    pub endpoint: String,
    /// Since when answers expect it, microseconds since 1970.
    pub expected_from_us: i64,
}

/// A member as the gateway knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// As configured.
    pub seat: Seat,
    /// Its time zone, once it was reached.
    pub time_zone: Option<String>,
    /// Its product version, once it was reached.
    pub product_version: Option<String>,
    /// How far its feed has been applied; of the nil incarnation before the first contact.
    pub cursor: Cursor,
    /// The newest position of its feed, as last heard.
    pub head: i64,
    /// The link to it.
    pub link: Link,
}

impl Member {
    /// Entries not yet applied, as far as known.
    #[must_use]
    pub fn behind(&self) -> u64 {
        u64::try_from(self.head - self.cursor.position).unwrap_or(0)
    }
}

const fn reach_number(reach: Reach) -> i64 {
    match reach {
        Reach::Ok => 1,
        Reach::Stale => 2,
        Reach::Timeout => 3,
        Reach::Unreachable => 4,
        Reach::Denied => 5,
        Reach::VersionSkew => 6,
    }
}

fn reach_of(number: i64) -> Result<Reach, StoreError> {
    let all = [Reach::Ok, Reach::Stale, Reach::Timeout, Reach::Unreachable, Reach::Denied, Reach::VersionSkew];
    let corrupt = || StoreError::Corrupt { table: "member", what: "unknown reach".into() };
    all.into_iter().find(|reach| reach_number(*reach) == number).ok_or_else(corrupt)
}

fn member(row: &Row) -> Result<Member, StoreError> {
    let at = |us: Option<i64>| us.and_then(|us| Timestamp::from_microsecond(us).ok());
    let failing = match (row.int_or_null(11)?, at(row.int_or_null(12)?)) {
        (Some(kind), Some(since)) => Some((reach_of(kind)?, since)),
        _ => None,
    };
    Ok(Member {
        seat: Seat { node: row.text(0)?, region: row.text(1)?, endpoint: row.text(2)?, expected_from_us: row.int(3)? },
        time_zone: row.text_or_null(4)?,
        product_version: row.text_or_null(5)?,
        cursor: Cursor { incarnation: row.uuid(6)?, position: row.int(7)?, batch_id: row.uuid_or_null(8)? },
        head: row.int(9)?,
        link: Link { seen_at: at(row.int_or_null(10)?), failing },
    })
}

/// Moves a member's cursor from where it was read, or loses the lease.
pub(super) async fn advance(
    tx: &mut Tx,
    lease: &Lease,
    node: &str,
    from: &Cursor,
    to: &Cursor,
    head: i64,
    now_us: i64,
) -> Result<(), StoreError> {
    let values = values![
        to.incarnation,
        to.position,
        to.batch_id,
        lease.epoch,
        head,
        now_us,
        node,
        from.incarnation,
        from.position
    ];
    won(tx.execute(&MEMBER_ADVANCE, values).await?, lease)
}

/// The number of a new snapshot of a member.
pub(super) async fn begin_snapshot(tx: &mut Tx, lease: &Lease, node: &str) -> Result<i64, StoreError> {
    let row = tx.fetch_one(&MEMBER_SNAPSHOT_BEGIN, values![lease.epoch, node]).await?;
    row.ok_or_else(|| StoreError::LeaseLost(lease.name.clone()))?.int(0)
}

/// Sets the cursor from which to go on after the snapshot.
pub(super) async fn end_snapshot(
    tx: &mut Tx,
    lease: &Lease,
    node: &str,
    number: i64,
    cursor: &Cursor,
    now_us: i64,
) -> Result<(), StoreError> {
    let Cursor { incarnation, position, batch_id } = cursor;
    let values = values![*incarnation, *position, *batch_id, lease.epoch, *position, now_us, node, number];
    won(tx.execute(&MEMBER_SNAPSHOT_END, values).await?, lease)
}

/// The zone in which a member's days begin; UTC before it has said, or when it says a zone that we do not know.
pub(super) async fn zone(tx: &mut Tx, node: &str) -> Result<TimeZone, StoreError> {
    let row = tx.fetch_one(&MEMBER_ZONE, values![node]).await?;
    let name = row.map(|row| row.text_or_null(0)).transpose()?.flatten();
    Ok(name.and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC))
}

fn won(changed: u64, lease: &Lease) -> Result<(), StoreError> {
    if changed == 0 { Err(StoreError::LeaseLost(lease.name.clone())) } else { Ok(()) }
}

impl GatewayStore {
    /// Makes the members those of the configuration. What is known of others stays, and nobody asks for it.
    pub async fn seat(&self, seats: &[Seat]) -> Result<(), StoreError> {
        let mut ordered: Vec<_> = seats.iter().collect();
        // In key order, so that two replicas that start at once do not wait for each other.
        ordered.sort_by(|a, b| a.node.cmp(&b.node));
        let mut tx = self.db.begin().await?;
        for seat in ordered {
            let Seat { node, region, endpoint, expected_from_us } = seat;
            let values = values![node.as_str(), region.as_str(), endpoint.as_str(), *expected_from_us, Uuid::nil()];
            tx.execute(&MEMBER_SEAT, values).await?;
        }
        tx.commit().await
    }

    /// All members ever configured.
    pub async fn members(&self) -> Result<Vec<Member>, StoreError> {
        self.db.fetch(&MEMBER_LIST, vec![]).await?.iter().map(member).collect()
    }

    /// One member.
    pub async fn member(&self, node: &str) -> Result<Option<Member>, StoreError> {
        self.db.fetch_one(&MEMBER_ONE, values![node]).await?.as_ref().map(member).transpose()
    }

    /// Keeps what a member says of itself.
    pub async fn describe(&self, lease: &Lease, node: &str, time_zone: &str, version: &str) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        let before = zone(&mut tx, node).await?;
        tx.execute(&MEMBER_DESCRIBE, values![time_zone, version, node]).await?;
        let now = zone(&mut tx, node).await?;
        if now != before {
            ticket::retally(&mut tx, node, &now).await?;
        }
        tx.commit().await
    }

    /// The member was heard of: its head, by our clock; whatever failed before has passed.
    pub async fn bookmark(&self, lease: &Lease, node: &str, head: i64, now_us: i64) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        won(tx.execute(&MEMBER_BOOKMARK, values![head, now_us, lease.epoch, node]).await?, lease)?;
        tx.commit().await
    }

    /// An attempt failed. `since` is kept from the first failure for as long as attempts go on failing.
    pub async fn failing(&self, lease: &Lease, node: &str, reach: Reach, now_us: i64) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        won(tx.execute(&MEMBER_FAILING, values![reach_number(reach), now_us, lease.epoch, node]).await?, lease)?;
        tx.commit().await
    }
}
