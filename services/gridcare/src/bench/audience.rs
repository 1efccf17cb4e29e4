//! `gridcare bench audience`: how long a published notice takes to become queued messages.

use clap::Args;
use futures::future::try_join_all;
use gridcare_chassis::id::new_id;
use gridcare_domain::{
    customer::Customer,
    delivery::Way,
    notice::{NoticeText, Phase, RevisionKind, Urgency},
    outage::Area,
};
use gridcare_proto::convert::customer::from_wire;
use gridcare_store::{
    NodeStore, StoreError,
    bench::{bare_customers, settle},
    dispatch::{Dispatch, RANGE, Turned},
};
use serde_json::json;
use tokio::time::Instant;

use super::{customers::draft, rows::fresh, summary::rounded};
use crate::{failure::Failure, output};

/// Customers that are made and inserted together.
const AT_ONCE: u32 = 50_000;

/// Fill a database with customers that are made up, turn a notice to all of them into queued messages, and print how long that
/// took.
#[derive(Debug, Args)]
pub(crate) struct Audience {
    /// A database that does not exist yet, as `sqlite:///path/to/file` or `postgres://user@host/name`; the number of
    /// customers is added to its name
    #[arg(long, value_name = "URL")]
    database: String,
    /// Customers in the audience
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    customers: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Audience {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let failed = |error: StoreError| Failure::because("the audience could not be told", &error);
        let address = fresh(&self.database, self.customers).await?;
        for first in (0..self.customers).step_by(AT_ONCE as usize) {
            let made = (first..self.customers.min(first.saturating_add(AT_ONCE))).map(|n| from_wire(draft(n), ""));
            let made: Result<Vec<Customer>, _> = made.collect();
            let made =
                made.map_err(|found| Failure::said(format!("a customer that was made is not sound: {found:?}")))?;
            bare_customers(&address, &made, 5_000).await.map_err(failed)?;
        }
        settle(&address).await.map_err(failed)?;
        let store = NodeStore::open(&address, 4, |_| ()).await.map_err(failed)?;
        store.db().assert_durable().await.map_err(failed)?;
        let began = Instant::now();
        let no = store.open_dispatch(&dispatch()).await.map_err(failed)?;
        let lane = async || {
            let mut messages = 0;
            while let Turned::Range(more) = store.turn_dispatch(no, RANGE).await.map_err(failed)? {
                messages += more;
            }
            Ok::<u64, Failure>(messages)
        };
        let lanes = try_join_all((0..store.turning_lanes()).map(|_| lane())).await?;
        let messages: u64 = lanes.into_iter().sum();
        let seconds = began.elapsed().as_secs_f64();
        store.close().await;
        if messages != u64::from(self.customers) {
            return Err(Failure::said(format!("{messages} of {} customers were to be told", self.customers)));
        }
        if self.json {
            output::line(json!({ "customers": self.customers, "seconds": rounded(seconds, 3) }))?;
        } else {
            output::line(format_args!("{} customers became queued messages in {seconds:.2} s", self.customers))?;
        }
        Ok(())
    }
}

/// To all who live in the province of all.
fn dispatch() -> Dispatch {
    let text = |title: &str| NoticeText { title: title.to_owned(), body: title.to_owned() };
    Dispatch {
        notice_id: new_id(),
        revision: 1,
        revision_kind: RevisionKind::Initial,
        way: Way::Sms,
        incident: "bench".to_owned(),
        phase: Phase::First,
        urgency: Urgency::Safety,
        vi: text("Mất điện"),
        en: text("Power cut"),
        diacritics: false,
        places: vec![Area { province: Some("VN-SG".to_owned()), ..Area::default() }],
        customers: Vec::new(),
        webhooks: Vec::new(),
        published_us: 0,
        due_us: 0,
        expires_us: i64::MAX,
    }
}
