//! `gridcare bench customers` and `customer-rows`: customers per second through a node, and what the engine itself can take.

use clap::Args;
use gridcare_chassis::{
    id::new_id,
    tls::{self, ClientTls},
};
use gridcare_proto::{
    convert::customer::from_wire,
    customer::v1::{
        Consent, ConsentPurpose, ContactPoint, ContactPointKind, CustomerDraft, ImportCustomersRequest, Premises,
        customer_service_client::CustomerServiceClient,
    },
};
use gridcare_store::bench::bare_customers;
use serde_json::json;
use tokio::time::Instant;

use super::{
    rows::fresh,
    summary::{per_second, rounded},
};
use crate::{failure::Failure, output};

/// Import customers that are made up, and print how many a second the node acknowledged.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// gRPC address of the node, whose customers have codes that begin with PE
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400")]
    address: String,
    /// Customers to import; all are made before the clock starts
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    customers: u32,
    /// Customers in one batch
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    batch: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut drafts = (0..self.customers).map(draft).peekable();
        let size = usize::try_from(self.batch).unwrap_or(1);
        let source = format!("bench/{}", new_id().simple());
        let mut batches = Vec::new();
        while drafts.peek().is_some() {
            batches.push(ImportCustomersRequest {
                source: source.clone(),
                batch: batches.len() as u64,
                customers: drafts.by_ref().take(size).collect(),
                checkpoint: String::new(),
            });
        }
        let refused =
            |status: tonic::Status| Failure::answered(format!("the node at {} did not import", self.address), &status);
        let channel = tls::channel(&self.address, &ClientTls::default())?;
        let mut client = CustomerServiceClient::new(channel).max_encoding_message_size(16 << 20);
        let began = Instant::now();
        let mut answers = client.import_customers(tokio_stream::iter(batches)).await.map_err(&refused)?.into_inner();
        let mut created = 0;
        while let Some(answer) = answers.message().await.map_err(&refused)? {
            created += answer.created;
            if let Some(no) = answer.rejections.first() {
                return Err(Failure::said(format!("a customer was refused: {:?}", no.violations)));
            }
        }
        let took = began.elapsed();
        if created != self.customers {
            let cure = "give the node a fresh database";
            return Err(Failure::said(format!("{created} of {} customers were new; {cure}", self.customers)));
        }
        tell(self.customers, took, self.json)
    }
}

/// Insert customers straight into the node's tables, without a node: the engine's plain form, with the same indexes and the
/// same durability.
#[derive(Debug, Args)]
pub(crate) struct Bare {
    /// A database that does not exist yet, as `sqlite:///path/to/file` or `postgres://user@host/name`; the size of the
    /// batch is added to its name
    #[arg(long, value_name = "URL")]
    database: String,
    /// Customers to insert
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    customers: u32,
    /// Customers in one transaction
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Bare {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let read = |n| {
            from_wire(draft(n), "")
                .map_err(|found| Failure::said(format!("a customer that was made is not sound: {found:?}")))
        };
        let customers: Vec<_> = (0..self.customers).map(read).collect::<Result<_, _>>()?;
        let address = fresh(&self.database, self.batch).await?;
        let took = bare_customers(&address, &customers, usize::try_from(self.batch).unwrap_or(usize::MAX)).await;
        let took = took.map_err(|error| Failure::because("no customers were inserted", &error))?;
        tell(self.customers, took, self.json)
    }
}

fn tell(customers: u32, took: std::time::Duration, json: bool) -> Result<(), Failure> {
    let (rate, seconds) = (per_second(customers.into(), took), took.as_secs_f64());
    if json {
        output::line(json!({ "customers": customers, "seconds": rounded(seconds, 3), "rate": rounded(rate, 1) }))?;
    } else {
        output::line(format_args!("{rate:.0} customers/s, {customers} in {seconds:.2} s"))?;
    }
    Ok(())
}

/// One with a number that agreed to notices, and premises on a feeder; in no order of codes, as files come.
pub(super) fn draft(n: u32) -> CustomerDraft {
    const FAMILIES: [&str; 5] = ["Nguyễn", "Trần", "Lê", "Phạm", "Đặng"];
    const GIVEN: [&str; 7] = ["Văn An", "Thị Bích", "Quốc Cường", "Thùy Dung", "Minh Đức", "Thị Hạnh", "Hữu Khang"];
    let spread = n.wrapping_mul(2_654_435_761);
    let consent = Consent {
        purpose: ConsentPurpose::OutageNotice.into(),
        granted: true,
        given_at: Some(prost_types::Timestamp { seconds: 1_356_998_400, nanos: 0 }),
        source: "contract".to_owned(),
    };
    CustomerDraft {
        code: format!("PE{:01}{spread:010}", 1),
        name: format!("{} {}", FAMILIES[n as usize % FAMILIES.len()], GIVEN[n as usize % GIVEN.len()]),
        contact_points: vec![ContactPoint {
            kind: ContactPointKind::Phone.into(),
            value: format!("09{:08}", spread % 100_000_000),
            consents: vec![consent],
        }],
        premises: vec![Premises {
            address: format!("{} Nguyễn Trãi, Quận {}", n % 900 + 1, n % 12 + 1),
            province: "VN-SG".to_owned(),
            district: format!("Quận {}", n % 12 + 1),
            feeder: format!("47{}-E{}", n % 10, n % 60),
            critical_service: n.is_multiple_of(2_000),
            ..Premises::default()
        }],
        ..CustomerDraft::default()
    }
}
