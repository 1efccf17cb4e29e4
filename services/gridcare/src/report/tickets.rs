use clap::{Args, builder::PossibleValuesParser};
use gridcare_domain::report::{ClockOutcome, Measure};
use gridcare_proto::report::v1::{ListReportTicketsRequest, ReportTicket};
use jiff::civil::Date;
use serde_json::json;

use super::asked::node;
use crate::{connection::Connection, failure::Failure, output};

fn measures() -> PossibleValuesParser {
    Measure::ALL.iter().map(|measure| measure.code()).collect::<Vec<_>>().into()
}

fn outcomes() -> PossibleValuesParser {
    ClockOutcome::ALL.iter().map(|outcome| outcome.code()).collect::<Vec<_>>().into()
}

/// List the tickets behind a figure, at the node that owns them.
#[derive(Debug, Args)]
pub(crate) struct Tickets {
    #[command(flatten)]
    connection: Connection,
    /// What was counted
    #[arg(long, value_name = "MEASURE", value_parser = measures())]
    measure: String,
    /// First local day
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// The local day at whose beginning the period ends
    #[arg(long, value_name = "DATE")]
    until: Date,
    /// Only this category; may be repeated
    #[arg(long, value_name = "CATEGORY")]
    category: Vec<String>,
    /// Of clocks: only this target of the standard
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Of clocks: only those that became this; may be repeated
    #[arg(long, value_name = "OUTCOME", value_parser = outcomes())]
    outcome: Vec<String>,
    /// Of the others: only this team, channel, topic, score or repetition
    #[arg(long, value_name = "CODE")]
    detail: Option<String>,
    /// Print a JSON object a line
    #[arg(long)]
    json: bool,
}

impl Tickets {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut client = node(&self.connection)?;
        let wire = |number: i64| i32::try_from(number).unwrap_or(0);
        let outcomes = self.outcome.iter().filter_map(|code| ClockOutcome::parse(code));
        let mut request = ListReportTicketsRequest {
            measure: Measure::parse(&self.measure).map_or(0, |measure| wire(measure.number())),
            from: self.from.to_string(),
            until: self.until.to_string(),
            categories: self.category.clone(),
            target: self.target.clone().unwrap_or_default(),
            outcomes: outcomes.map(|outcome| wire(outcome.number())).collect(),
            detail: self.detail.clone(),
            page_size: 1_000,
            page_token: String::new(),
        };
        loop {
            let answer = client.list_report_tickets(request.clone()).await.map_err(|status| {
                Failure::answered(format!("the node at {} did not answer", self.connection.address), &status)
            })?;
            let answer = answer.into_inner();
            for ticket in &answer.tickets {
                self.show(ticket)?;
            }
            if answer.next_page_token.is_empty() {
                return Ok(());
            }
            request.page_token = answer.next_page_token;
        }
    }

    fn show(&self, ticket: &ReportTicket) -> Result<(), Failure> {
        let state = ticket.state().as_str_name().trim_start_matches("TICKET_STATE_").to_lowercase();
        let ReportTicket { id, reference, category, day, .. } = ticket;
        if self.json {
            let object = json!({ "day": day, "reference": reference, "id": id, "state": state, "category": category });
            output::line(object)?;
        } else {
            output::line(format_args!("{day}  {reference:<20}  {state:<20}  {category}"))?;
        }
        Ok(())
    }
}
