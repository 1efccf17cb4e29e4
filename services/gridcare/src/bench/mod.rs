//! `gridcare bench`: the load client that `tests/bench` drives.
//!
//! It shares its machine with what it measures, so whatever it does per call is taken from the server: messages are made
//! before the clock starts, all callers live on one thread over few connections, and nothing is traced.

mod audience;
mod breaches;
mod customers;
mod documents;
mod import;
mod intake;
mod load;
mod opener;
mod rebase;
mod report;
mod reports;
mod rows;
mod summary;
mod synthetic;
mod tickets;

use clap::Subcommand;

use crate::failure::Failure;

/// Load a node and measure how it bears it. What it writes stays: give it a node of its own.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    Intake(intake::Intake),
    Import(import::Import),
    Rows(rows::Bare),
    Customers(customers::Import),
    Documents(documents::Documents),
    CustomerRows(customers::Bare),
    Audience(audience::Audience),
    Fill(tickets::Fill),
    Pages(tickets::Pages),
    Breaches(breaches::Breaches),
    Rebase(rebase::Rebase),
    Report(report::Drawn),
    Reports(reports::Asked),
}

impl Bench {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Intake(intake) => intake.run().await,
            Self::Import(import) => import.run().await,
            Self::Rows(rows) => rows.run().await,
            Self::Customers(customers) => customers.run().await,
            Self::Documents(documents) => documents.run().await,
            Self::CustomerRows(rows) => rows.run().await,
            Self::Audience(audience) => audience.run().await,
            Self::Fill(fill) => fill.run().await,
            Self::Pages(pages) => pages.run().await,
            Self::Breaches(breaches) => breaches.run().await,
            Self::Rebase(rebase) => rebase.run().await,
            Self::Report(report) => report.run().await,
            Self::Reports(reports) => reports.run().await,
        }
    }
}
