//! `gridcare outages`: indices of reliability, the calendar of planned work, of which work customers are still to be told, and the
//! monthly bulletin.

use clap::{Args, Subcommand, ValueEnum};
use gridcare_proto::{
    federation::v1::{GetNationalReliabilityRequest, national_outage_service_client::NationalOutageServiceClient},
    outage::v1::{
        BulletinFormat, ExportCalendarRequest, GetBulletinRequest, GetReliabilityRequest, Reliability,
        reliability_service_client::ReliabilityServiceClient,
        supply_schedule_service_client::SupplyScheduleServiceClient,
    },
    ticket::v1::Language,
};
use jiff::civil::Date;

use crate::{
    connection::Connection,
    failure::Failure,
    output,
    status::texts::{Lang, Texts},
};

mod indices;
mod untold;

/// Outages: how reliable supply is, and what is planned.
#[derive(Debug, Subcommand)]
pub(crate) enum Outages {
    Indices(Indices),
    Calendar(Calendar),
    Untold(untold::Untold),
    Bulletin(Bulletin),
}

impl Outages {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Indices(indices) => indices.run().await,
            Self::Calendar(calendar) => calendar.run().await,
            Self::Untold(untold) => untold.run().await,
            Self::Bulletin(bulletin) => bulletin.run().await,
        }
    }
}

/// Show SAIDI, SAIFI, CAIDI, ASAI and MAIFI by IEEE 1366, with and without major event days, and under each claim of an onset.
#[derive(Debug, Args)]
pub(crate) struct Indices {
    #[command(flatten)]
    connection: Connection,
    /// The address is a gateway's: the country, from the sums of its regions
    #[arg(long)]
    gateway: bool,
    /// First local day
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// The local day at whose beginning the period ends
    #[arg(long, value_name = "DATE")]
    until: Date,
    /// Count customers with more than so many interruptions; a node's only
    #[arg(long, value_name = "N", default_value_t = 3)]
    cemi: u32,
    /// Language of the tables
    #[arg(long, value_enum, default_value_t = Lang::En, env = "GRIDCARE_LANG")]
    lang: Lang,
}

impl Indices {
    async fn run(self) -> Result<(), Failure> {
        let (from, until) = (self.from.to_string(), self.until.to_string());
        let failed = |status: tonic::Status| failed(&self.connection, &status);
        let texts = Texts::new(self.lang);
        let text = if self.gateway {
            let request = GetNationalReliabilityRequest { from, until, regions: Vec::new() };
            let mut client = NationalOutageServiceClient::new(self.connection.caller()?);
            let answer = client.get_national_reliability(request).await.map_err(failed)?.into_inner();
            let country = texts.of("report-country");
            let named = |region: &str| if region.is_empty() { country.clone() } else { region.to_owned() };
            let regions: Vec<(String, Reliability)> = answer
                .regions
                .into_iter()
                .map(|found| (named(&found.region), found.reliability.unwrap_or_default()))
                .collect();
            let mut text = indices::render(&regions, &answer.claimed, &texts);
            text.push_str(&indices::coverage(&answer.figure.unwrap_or_default(), &texts));
            text
        } else {
            let request = GetReliabilityRequest { from, until, cemi_n: self.cemi };
            let mut client = ReliabilityServiceClient::new(self.connection.caller()?);
            let answer = client.get_reliability(request).await.map_err(failed)?.into_inner();
            let regions = [(String::new(), answer.reliability.unwrap_or_default())];
            let mut text = indices::render(&regions, &answer.claimed, &texts);
            text.push_str(&indices::frequent(&answer.frequent.unwrap_or_default(), &texts));
            text
        };
        Ok(output::raw(text)?)
    }
}

/// Print the calendar of planned work as iCalendar.
#[derive(Debug, Args)]
pub(crate) struct Calendar {
    #[command(flatten)]
    connection: Connection,
    /// First local day
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// The local day at whose beginning the period ends
    #[arg(long, value_name = "DATE")]
    until: Date,
    /// Language of the calendar
    #[arg(long, value_enum, default_value_t = Lang::Vi, env = "GRIDCARE_LANG")]
    lang: Lang,
}

impl Calendar {
    async fn run(self) -> Result<(), Failure> {
        let request = ExportCalendarRequest {
            from: self.from.to_string(),
            until: self.until.to_string(),
            language: language(self.lang).into(),
        };
        let mut client = schedule(&self.connection)?;
        let answer = client.export_calendar(request).await.map_err(|status| failed(&self.connection, &status))?;
        Ok(output::raw(answer.into_inner().calendar)?)
    }
}

/// Print the supply bulletin of a month: what is planned, and what happened.
#[derive(Debug, Args)]
pub(crate) struct Bulletin {
    #[command(flatten)]
    connection: Connection,
    /// Such as 2026-12
    #[arg(long, value_name = "MONTH")]
    month: String,
    /// Form of the document
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Language of the document
    #[arg(long, value_enum, default_value_t = Lang::Vi, env = "GRIDCARE_LANG")]
    lang: Lang,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// Plain text
    Text,
    /// A page of its own
    Html,
}

impl Bulletin {
    async fn run(self) -> Result<(), Failure> {
        let format = match self.format {
            Form::Text => BulletinFormat::Text,
            Form::Html => BulletinFormat::Html,
        };
        let request =
            GetBulletinRequest { month: self.month, language: language(self.lang).into(), format: format.into() };
        let mut client = schedule(&self.connection)?;
        let answer = client.get_bulletin(request).await.map_err(|status| failed(&self.connection, &status))?;
        Ok(output::raw(answer.into_inner().document)?)
    }
}

fn schedule(connection: &Connection) -> Result<SupplyScheduleServiceClient<gridcare_chassis::client::Caller>, Failure> {
    Ok(SupplyScheduleServiceClient::new(connection.caller()?).max_decoding_message_size(64 << 20))
}

const fn language(lang: Lang) -> Language {
    match lang {
        Lang::Vi => Language::Vi,
        Lang::En => Language::En,
    }
}

fn failed(connection: &Connection, status: &tonic::Status) -> Failure {
    Failure::answered(format!("{} did not answer", connection.address), status)
}
