use clap::{Args, ValueEnum};
use gridcare_chassis::client::Caller;
use gridcare_proto::report::v1::{
    ReportPeriod, ReportStep, national_report_service_client::NationalReportServiceClient,
    report_service_client::ReportServiceClient,
};
use jiff::civil::Date;

use crate::{connection::Connection, failure::Failure};

/// Largest answer that is taken.
const ANSWER_BYTES: usize = 64 << 20;

/// Whom to ask, and about what.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// The address is a gateway's: report about the country
    #[arg(long)]
    pub(crate) gateway: bool,
    /// First local day
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// The local day at whose beginning the period ends
    #[arg(long, value_name = "DATE")]
    until: Date,
    /// How long one row is; weeks begin on Mondays
    #[arg(long, value_enum, default_value_t = By::Total)]
    by: By,
    /// Only this category; may be repeated
    #[arg(long, value_name = "CATEGORY")]
    category: Vec<String>,
    /// A row for each category too
    #[arg(long)]
    by_category: bool,
    /// Only this region of the country; may be repeated
    #[arg(long, value_name = "REGION", requires = "gateway")]
    pub(crate) region: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// The whole period
    Total,
    /// Local days
    Day,
    /// Local weeks
    Week,
    /// Local months
    Month,
}

impl Asked {
    pub(crate) fn period(&self) -> ReportPeriod {
        let step = match self.by {
            By::Total => ReportStep::Total,
            By::Day => ReportStep::Day,
            By::Week => ReportStep::Week,
            By::Month => ReportStep::Month,
        };
        ReportPeriod {
            from: self.from.to_string(),
            until: self.until.to_string(),
            step: step.into(),
            categories: self.category.clone(),
            by_category: self.by_category,
            with_sketches: false,
        }
    }

    pub(crate) fn nation(&self) -> Result<NationalReportServiceClient<Caller>, Failure> {
        Ok(NationalReportServiceClient::new(self.connection.caller()?).max_decoding_message_size(ANSWER_BYTES))
    }

    pub(crate) fn node(&self) -> Result<ReportServiceClient<Caller>, Failure> {
        node(&self.connection)
    }

    pub(crate) fn failed(&self, status: &tonic::Status) -> Failure {
        let who = if self.gateway { "gateway" } else { "node" };
        Failure::answered(format!("the {who} at {} did not answer", self.connection.address), status)
    }
}

/// Reports of a node.
pub(crate) fn node(connection: &Connection) -> Result<ReportServiceClient<Caller>, Failure> {
    Ok(ReportServiceClient::new(connection.caller()?).max_decoding_message_size(ANSWER_BYTES))
}
