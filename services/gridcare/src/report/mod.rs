//! `gridcare report`: what became of tickets, of one node or of the country.

mod asked;
mod export;
mod show;
mod text;
#[cfg(test)]
mod text_tests;
mod tickets;
pub(crate) mod verify;

use clap::Subcommand;

use crate::failure::Failure;

/// Reports about tickets: show them, save them, prove them, and find the tickets behind a figure.
#[derive(Debug, Subcommand)]
pub(crate) enum Report {
    Show(show::Show),
    Export(export::Export),
    Verify(verify::Verify),
    Tickets(tickets::Tickets),
}

impl Report {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Show(show) => show.run().await,
            Self::Export(export) => export.run().await,
            Self::Verify(verify) => verify.run().await,
            Self::Tickets(tickets) => tickets.run().await,
        }
    }
}
