//! `gridcare customers`: bringing in who the customers are, and giving and forgetting what is known of one.

mod import;
mod reader;
mod rejects;
mod upload;

use std::{fs::File, io::Write, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use gridcare_domain::routing::Routing;
use gridcare_node::open_form::OpenForm;
use gridcare_proto::{
    convert::time,
    customer::v1::{
        self as wire, EraseCustomerRequest, ExportCustomerDataRequest, GetCustomerRequest, ResolveOwnerRequest,
        customer_service_client::CustomerServiceClient,
    },
};
use jiff::{civil::Date, tz::TimeZone};

use crate::{connection::Connection, failure::Failure, output};

/// Bring in customers, and look at, export or erase one.
#[derive(Debug, Subcommand)]
pub(crate) enum Customers {
    Import(import::Import),
    Get(Get),
    Export(Export),
    Erase(Erase),
    Owner(Owner),
    Routing(LintRouting),
}

/// Show a customer as JSON.
#[derive(Debug, Args)]
pub(crate) struct Get {
    #[command(flatten)]
    connection: Connection,
    /// Customer code
    code: String,
}

/// Write all that the node holds of one customer as one JSON document: profile, premises, tickets with their timelines,
/// contacts, messages, notices that name them, questions.
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    connection: Connection,
    /// Customer code
    code: String,
    /// File to write; standard output when absent
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Erase a customer. What the law requires kept stays under a pseudonym: codes, numbers and times of tickets and contacts.
/// It cannot be undone; export first if a copy is wanted.
#[derive(Debug, Args)]
pub(crate) struct Erase {
    #[command(flatten)]
    connection: Connection,
    /// Customer code
    code: String,
    /// Why; kept with the erasure
    #[arg(long, value_enum)]
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reason {
    /// The customer asked for it
    Requested,
    /// The contract ended, and the time of keeping is over
    RetentionEnded,
    /// They should never have been stored
    StoredByMistake,
}

/// Tell which corporation serves a customer code, and since when.
#[derive(Debug, Args)]
pub(crate) struct Owner {
    #[command(flatten)]
    connection: Connection,
    /// Customer code
    code: String,
    /// ISO 3166-2 code of the premises' province; decides where no prefix does
    #[arg(long, value_name = "CODE", default_value = "")]
    province: String,
    /// On this day; today when absent
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
    /// IANA zone of that day
    #[arg(long, value_name = "ZONE", default_value = "Asia/Ho_Chi_Minh")]
    time_zone: String,
}

/// Check a routing table: overlaps make it unusable (exit 1), gaps are told.
#[derive(Debug, Args)]
pub(crate) struct LintRouting {
    /// YAML file with one key, `routes`
    file: PathBuf,
}

impl Customers {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Import(import) => import.run().await,
            Self::Get(get) => get.run().await,
            Self::Export(export) => export.run().await,
            Self::Erase(erase) => erase.run().await,
            Self::Owner(owner) => owner.run().await,
            Self::Routing(lint) => lint.run(),
        }
    }
}

impl Get {
    async fn run(self) -> Result<(), Failure> {
        let mut client = CustomerServiceClient::new(self.connection.caller()?);
        let answer = client.get_customer(GetCustomerRequest { code: self.code }).await;
        let answer = answer.map_err(|status| Failure::answered("the customer cannot be shown", &status))?;
        let customer = answer.into_inner().customer.unwrap_or_default();
        let shown = OpenForm::new().of("gridcare.customer.v1.Customer", &customer);
        output::line(serde_json::to_string_pretty(&shown).map_err(Failure::said)?)?;
        Ok(())
    }
}

impl Export {
    async fn run(self) -> Result<(), Failure> {
        let mut client = CustomerServiceClient::new(self.connection.caller()?);
        let failed = |status: &tonic::Status| Failure::answered("the customer's data cannot be exported", status);
        let answer = client.export_customer_data(ExportCustomerDataRequest { code: self.code }).await;
        let mut parts = answer.map_err(|status| failed(&status))?.into_inner();
        let told = |path: &PathBuf, error| Failure::because(format!("cannot write {}", path.display()), &error);
        let mut file = match &self.out {
            Some(path) => Some((path, File::create(path).map_err(|error| told(path, error))?)),
            None => None,
        };
        while let Some(part) = parts.message().await.map_err(|status| failed(&status))? {
            match &mut file {
                Some((path, file)) => file.write_all(&part.part).map_err(|error| told(path, error))?,
                // A part may end within a letter, so bytes are written and not text.
                None => std::io::stdout().lock().write_all(&part.part)?,
            }
        }
        Ok(())
    }
}

impl Erase {
    async fn run(self) -> Result<(), Failure> {
        let mut client = CustomerServiceClient::new(self.connection.caller()?);
        let reason = match self.reason {
            Reason::Requested => wire::ErasureReason::Requested,
            Reason::RetentionEnded => wire::ErasureReason::RetentionEnded,
            Reason::StoredByMistake => wire::ErasureReason::StoredByMistake,
        };
        let request_id = gridcare_chassis::id::new_id().to_string();
        let request = EraseCustomerRequest { request_id, code: self.code, reason: reason.into() };
        let answer = client.erase_customer(request).await;
        let erased = answer.map_err(|status| Failure::answered("the customer cannot be erased", &status))?.into_inner();
        output::line(format_args!(
            "erased; {} tickets and {} contacts are kept under {}",
            erased.tickets, erased.contacts, erased.pseudonym
        ))?;
        Ok(())
    }
}

impl Owner {
    async fn run(self) -> Result<(), Failure> {
        let zone = TimeZone::get(&self.time_zone).map_err(|error| Failure::because("--time-zone", &error))?;
        let at = match self.on {
            Some(day) => {
                let noon = zone.to_zoned(day.at(12, 0, 0, 0)).map_err(|error| Failure::because("--on", &error))?;
                Some(time::timestamp(noon.timestamp()))
            }
            None => None,
        };
        let mut client = CustomerServiceClient::new(self.connection.caller()?);
        let answer = client.resolve_owner(ResolveOwnerRequest { code: self.code, province: self.province, at }).await;
        let owner = answer.map_err(|status| Failure::answered("the owner cannot be told", &status))?.into_inner();
        let since = if owner.since.is_empty() { String::new() } else { format!(" since {}", owner.since) };
        let until = if owner.until.is_empty() { String::new() } else { format!(" until {}", owner.until) };
        let own = if owner.own { ", this node's own" } else { "" };
        output::line(format_args!("{}{since}{until} (by {}{own})", owner.region, owner.rule))?;
        Ok(())
    }
}

impl LintRouting {
    fn run(self) -> Result<(), Failure> {
        let told = |error| Failure::because(format!("cannot read {}", self.file.display()), &error);
        let yaml = std::fs::read_to_string(&self.file).map_err(told)?;
        let found = Routing::findings(&yaml).map_err(Failure::said)?;
        for finding in &found {
            let kind = if finding.fatal { "error" } else { "warning" };
            output::line(format_args!(
                "{}: routes[{}]: {kind}: {}",
                self.file.display(),
                finding.row,
                finding.message
            ))?;
        }
        if found.iter().any(|finding| finding.fatal) { Err(Failure::No) } else { Ok(()) }
    }
}
