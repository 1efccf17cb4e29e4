use clap::Args;
use gridcare_proto::report::v1::{TallyMismatch, VerifyReportRequest, VerifyReportResponse};
use indicatif::ProgressBar;
use serde_json::json;

use super::asked::node;
use crate::{connection::Connection, failure::Failure, output};

/// Recount every ticket and compare with the sums that reports are made of; exits 1 when any differs.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    connection: Connection,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        if run(&self.connection, self.json).await? { Ok(()) } else { Err(Failure::No) }
    }
}

/// Verifies the reports of a node, and says what was found; whether nothing differs.
pub(crate) async fn run(connection: &Connection, json: bool) -> Result<bool, Failure> {
    let failed = |status: tonic::Status| {
        Failure::answered(format!("the node at {} did not answer", connection.address), &status)
    };
    let mut answer = node(connection)?.verify_report(VerifyReportRequest {}).await.map_err(failed)?.into_inner();
    let bar = ProgressBar::new_spinner();
    let mut sum = VerifyReportResponse::default();
    while let Some(progress) = answer.message().await.map_err(failed)? {
        bar.set_message(format!("{} tickets", progress.tickets_read));
        bar.tick();
        // The last one is the sum.
        sum = progress;
    }
    bar.finish_and_clear();
    if json {
        let found: Vec<_> = sum.mismatches.iter().map(mismatch_json).collect();
        output::line(json!({
            "tickets_read": sum.tickets_read, "tallies_checked": sum.tallies_checked, "position": sum.position,
            "mismatches": found,
        }))?;
    } else {
        for found in &sum.mismatches {
            output::line(mismatch_text(found))?;
        }
        let (tallies, tickets, differ) = (sum.tallies_checked, sum.tickets_read, sum.mismatches.len());
        output::line(format_args!("{tallies} tallies checked against {tickets} tickets: {differ} differ"))?;
    }
    Ok(sum.mismatches.is_empty())
}

fn mismatch_text(found: &TallyMismatch) -> String {
    let TallyMismatch { measure, grain, day, category, detail, ticket_id, stored, recounted } = found;
    if !ticket_id.is_empty() {
        return format!("ticket {ticket_id}: {stored} is counted, it is at {recounted}");
    }
    let category = if category.is_empty() { "all categories" } else { category };
    format!("{day} ({grain}) {category}: {measure} {detail} is {stored}, recounted {recounted}")
}

fn mismatch_json(found: &TallyMismatch) -> serde_json::Value {
    let TallyMismatch { measure, grain, day, category, detail, ticket_id, stored, recounted } = found;
    json!({
        "measure": measure, "grain": grain, "day": day, "category": category, "detail": detail, "ticket_id": ticket_id,
        "stored": stored, "recounted": recounted,
    })
}
