//! `gridcare bench rows`: what the engine itself can take, as the baseline of an import.

use clap::Args;
use gridcare_chassis::id::new_id;
use gridcare_domain::contact::Contact;
use gridcare_proto::convert::contact::from_wire;
use gridcare_store::{bench::bare_inserts, db::ensure_database};
use serde_json::json;

use super::{
    summary::{per_second, rounded},
    synthetic,
};
use crate::{failure::Failure, output};

/// Insert contacts straight into the node's table, without a node: the engine's fastest plain form, with the same indexes
/// and the same durability, once for each batch size.
#[derive(Debug, Args)]
pub(crate) struct Bare {
    /// A database that does not exist yet, as `sqlite:///path/to/file` or `postgres://user@host/name`. Each batch size
    /// gets its own, with the size at the end of its name; none is removed afterwards
    #[arg(long, value_name = "URL")]
    database: String,
    /// Contacts to insert
    #[arg(long, value_name = "N", default_value_t = 400_000, value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// Contacts in one transaction; several, and the best counts
    #[arg(long, value_name = "SIZES", value_delimiter = ',', default_values_t = [500, 2_000, 5_000],
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: Vec<u32>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Bare {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let contacts = contacts(usize::try_from(self.rows).unwrap_or(usize::MAX))?;
        let mut measured = Vec::new();
        for size in &self.batch {
            let address = fresh(&self.database, *size).await?;
            let took = bare_inserts(&address, &contacts, usize::try_from(*size).unwrap_or(usize::MAX)).await;
            // Not the address: it may hold a password.
            let took = took.map_err(|error| Failure::because(format!("no rows in batches of {size}"), &error))?;
            let rate = per_second(self.rows.into(), took);
            if !self.json {
                output::line(format_args!("{rate:.0} rows/s in batches of {size}"))?;
            }
            measured.push((*size, rate));
        }
        let best = measured.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
        if let (true, Some((size, rate))) = (self.json, best) {
            let each = |(size, rate): &(u32, f64)| json!({ "batch": size, "rate": rounded(*rate, 1) });
            let batches: Vec<_> = measured.iter().map(each).collect();
            output::line(
                json!({ "rows": self.rows, "batches": batches, "best_batch": size, "rate": rounded(rate, 1) }),
            )?;
        }
        Ok(())
    }
}

/// The address of a database of its own for that batch size.
pub(super) async fn fresh(database: &str, size: u32) -> Result<String, Failure> {
    let taken = |name: &str| Failure::said(format!("{name} is there already; give the name of a new database"));
    if let Some(path) = database.strip_prefix("sqlite:") {
        let path = format!("{}.{size}", path.strip_prefix("//").unwrap_or(path));
        if std::path::Path::new(&path).exists() {
            return Err(taken(&path));
        }
        return Ok(format!("sqlite://{path}"));
    }
    let (server, _) = database.split_once('?').unwrap_or((database, ""));
    let name = server.rsplit_once('/').map_or("", |(_, name)| name);
    let postgres = ["postgres://", "postgresql://"].iter().any(|scheme| server.starts_with(scheme));
    if name.is_empty() || !postgres {
        let cure = "give sqlite:///path/to/file or postgres://user@host/name";
        return Err(Failure::said(format!("--database: {cure}")));
    }
    // Asked through the server's own database, because the new one is not there yet.
    let own = database.replacen(&format!("/{name}"), "/postgres", 1);
    ensure_database(&own, &format!("{name}_{size}"))
        .await
        .map_err(|error| Failure::because(format!("{name}_{size} cannot be made"), &error))
}

/// The same contacts that `bench import` sends, as a node would read them.
fn contacts(count: usize) -> Result<Vec<Contact>, Failure> {
    let read = |draft| {
        from_wire(draft, new_id(), "bench", "")
            .map_err(|found| Failure::said(format!("a contact that was made is not sound: {found:?}")))
    };
    synthetic::drafts(count)?.into_iter().map(read).collect()
}
