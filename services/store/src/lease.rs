use crate::{
    StoreError,
    db::{Db, Tx},
    statement::{statements, values},
};

statements! {
    LEASE_TAKE =
        "INSERT INTO lease (name, holder, epoch, until_us) VALUES ($1, $2, 1, $3)
         ON CONFLICT (name) DO UPDATE SET
             epoch = CASE WHEN lease.holder = excluded.holder AND lease.until_us >= $4 THEN lease.epoch ELSE lease.epoch + 1 END,
             holder = excluded.holder, until_us = excluded.until_us
         WHERE lease.holder = excluded.holder OR lease.until_us < $4
         RETURNING epoch";
    LEASE_RELEASE = "UPDATE lease SET until_us = 0 WHERE name = $1 AND holder = $2 AND epoch = $3";
    LEASE_EPOCH = "SELECT epoch FROM lease WHERE name = $1 {lock:lease}";
    LEASE_LIST = "SELECT name, holder, epoch, until_us FROM lease ORDER BY name";
}

/// A lease as held: work done under it is conditional on its epoch, in the transaction of its effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What is leased.
    pub name: String,
    /// By whom: a random id of the process.
    pub holder: String,
    /// Grows whenever the lease changes hands, or was lost for a time.
    pub epoch: i64,
    /// Until when, microseconds since 1970.
    pub until_us: i64,
}

/// Takes or renews a lease until `until_us`; `None` when another holds it.
pub async fn take(db: &Db, name: &str, holder: &str, now_us: i64, until_us: i64) -> Result<Option<Lease>, StoreError> {
    let mut tx = db.begin().await?;
    let row = tx.fetch_one(&LEASE_TAKE, values![name, holder, until_us, now_us]).await?;
    tx.commit().await?;
    let lease = |epoch| Lease { name: name.to_owned(), holder: holder.to_owned(), epoch, until_us };
    row.map(|row| row.int(0).map(lease)).transpose()
}

/// Gives a lease back before its time, so that another may take it at once.
pub async fn release(db: &Db, lease: &Lease) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    tx.execute(&LEASE_RELEASE, values![lease.name.as_str(), lease.holder.as_str(), lease.epoch]).await?;
    tx.commit().await
}

/// Fails unless the lease still has this epoch; locks it until the commit, so that nobody takes it meanwhile.
pub async fn fence(tx: &mut Tx, lease: &Lease) -> Result<(), StoreError> {
    let row = tx.fetch_one(&LEASE_EPOCH, values![lease.name.as_str()]).await?;
    match row.map(|row| row.int(0)).transpose()? {
        Some(epoch) if epoch == lease.epoch => Ok(()),
        _ => Err(StoreError::LeaseLost(lease.name.clone())),
    }
}

/// All leases.
pub async fn list(db: &Db) -> Result<Vec<Lease>, StoreError> {
    let rows = db.fetch(&LEASE_LIST, vec![]).await?;
    let lease = |row: &crate::db::Row| {
        Ok(Lease { name: row.text(0)?, holder: row.text(1)?, epoch: row.int(2)?, until_us: row.int(3)? })
    };
    rows.iter().map(lease).collect()
}
