use gridcare_domain::{capability::Capability, contact::Channel, feed::Change};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Committed, NodeStore, StoreError,
    db::{Row, Tx},
    feed,
    statement::{statements, values},
};

statements! {
    CAPABILITY_LIST = "SELECT channel, metric, version, offered_from_us, reported_from_us, reported_through_us FROM capability ORDER BY channel, metric";
    CAPABILITY_PUT =
        "INSERT INTO capability (channel, metric, version, offered_from_us, reported_from_us, reported_through_us)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (channel, metric) DO UPDATE SET version = excluded.version, offered_from_us = excluded.offered_from_us,
             reported_from_us = excluded.reported_from_us, reported_through_us = excluded.reported_through_us";
}

fn read(row: &Row) -> Result<(Capability, i64), StoreError> {
    let corrupt = || StoreError::Corrupt { table: "capability", what: "unknown channel".into() };
    let at = |column| -> Result<Option<Timestamp>, StoreError> {
        Ok(row.int_or_null(column)?.and_then(|us| Timestamp::from_microsecond(us).ok()))
    };
    let capability = Capability {
        channel: Channel::from_number(row.int(0)?).ok_or_else(corrupt)?,
        metric: row.text(1)?,
        offered_from: at(3)?,
        reported_from: at(4)?,
        reported_through: at(5)?,
    };
    Ok((capability, row.int(2)?))
}

pub(crate) async fn list_in(tx: &mut Tx) -> Result<Vec<(Capability, i64)>, StoreError> {
    tx.fetch(&CAPABILITY_LIST, vec![]).await?.iter().map(read).collect()
}

impl NodeStore {
    /// Makes the declared capabilities those of the configuration. What changed goes into the feed; what the
    /// configuration no longer names is declared as not offered. Returns how many changed.
    pub async fn declare_capabilities(
        &self,
        wanted: &[Capability],
        batch_id: Uuid,
        now_us: i64,
        change: impl Fn(&Capability, i64) -> Change,
    ) -> Result<usize, StoreError> {
        let mut tx = self.db.begin().await?;
        let known = list_in(&mut tx).await?;
        let dropped =
            known.iter().filter(|(k, _)| !wanted.iter().any(|w| w.channel == k.channel && w.metric == k.metric));
        let dropped = dropped.map(|(k, _)| Capability {
            offered_from: None,
            reported_from: None,
            reported_through: None,
            ..k.clone()
        });
        let mut changes = Vec::new();
        for capability in wanted.iter().cloned().chain(dropped) {
            let old = known.iter().find(|(k, _)| k.channel == capability.channel && k.metric == capability.metric);
            if old.is_some_and(|(k, _)| *k == capability) {
                continue;
            }
            let version = old.map_or(0, |(_, version)| *version) + 1;
            let us = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
            let row = values![
                capability.channel.number(),
                capability.metric.as_str(),
                version,
                us(capability.offered_from),
                us(capability.reported_from),
                us(capability.reported_through),
            ];
            tx.execute(&CAPABILITY_PUT, row).await?;
            changes.push(change(&capability, version));
        }
        let count = changes.len();
        feed::append(&mut tx, batch_id, now_us, changes).await?;
        tx.commit().await?;
        if count > 0 {
            self.writer.committed(Committed { feed: true, contacts: false });
        }
        Ok(count)
    }
}
