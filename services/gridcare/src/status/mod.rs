//! `gridcare status`: the national table in a terminal.

mod cells;
pub(crate) mod json;
pub(crate) mod reach;
pub(crate) mod table;
pub(crate) mod texts;
mod watch;

use clap::Args;
use gridcare_chassis::{
    client::Caller,
    clock::{Clock as _, SystemClock},
};
use gridcare_proto::federation::v1::{
    GetNationalStatusRequest, GetNationalStatusResponse, national_service_client::NationalServiceClient,
};
use jiff::{civil::Date, tz::TimeZone};

pub(crate) use self::cells::{Cell, pad};
use self::{
    table::View,
    texts::{Lang, Texts},
};
use crate::{connection::Connection, failure::Failure, output, time};

/// Show the national table: every region's figures, and how complete they are.
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    connection: Connection,
    /// Keep showing it, once a second, until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    watch: bool,
    /// First local day of the period; the first of the current month when absent
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// The local day at whose beginning the period ends; now when absent
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
    /// IANA zone of the days and times
    #[arg(long, value_name = "ZONE", default_value = "Asia/Ho_Chi_Minh")]
    time_zone: String,
    /// Language of the table
    #[arg(long, value_enum, default_value_t = Lang::En, env = "GRIDCARE_LANG")]
    lang: Lang,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A gateway, and the question that is put to it.
pub(crate) struct Gateway {
    client: NationalServiceClient<Caller>,
    request: GetNationalStatusRequest,
}

impl Gateway {
    pub(crate) fn new(caller: Caller, request: GetNationalStatusRequest) -> Self {
        // A country has few regions, but their figures may grow beyond tonic's 4 MiB.
        Self { client: NationalServiceClient::new(caller).max_decoding_message_size(64 << 20), request }
    }

    pub(crate) async fn ask(&mut self) -> Result<GetNationalStatusResponse, tonic::Status> {
        Ok(self.client.get_national_status(self.request).await?.into_inner())
    }
}

impl Status {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let zone = time::zone(&self.time_zone)?;
        let (from, until) = time::period(self.from, self.until, &zone)?;
        let mut gateway = Gateway::new(self.connection.caller()?, GetNationalStatusRequest { from, until });
        let texts = Texts::new(self.lang);
        if self.watch {
            return watch::run(&mut gateway, &self.connection.address, &texts, &zone).await;
        }
        let address = &self.connection.address;
        let status = gateway.ask().await.map_err(|status| {
            Failure::answered(format!("the gateway at {address} did not answer; is --address right?"), &status)
        })?;
        if self.json {
            output::line(json::status(&status))?;
        } else {
            output::raw(table(&status, &texts, &zone))?;
        }
        Ok(())
    }
}

/// The table as of now, as wide as the terminal.
pub(crate) fn table(status: &GetNationalStatusResponse, texts: &Texts, zone: &TimeZone) -> String {
    let view = View { texts, zone, now: SystemClock.now(), width: output::width() };
    table::render(status, &view)
}
