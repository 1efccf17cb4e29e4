//! `gridcare demo`: a whole country in one process, with real gRPC between its parts and the published figures of 2013.

pub(crate) mod contacts;
mod country;
mod desks;
pub(crate) mod draw;
pub(crate) mod facts;
mod fill;
mod folder;
pub(crate) mod plan;
mod profile;
mod report;
mod settle;
mod standards_kept;
mod tickets;

use std::path::PathBuf;

use clap::Args;
use gridcare_chassis::{
    config::{LogFormat, Telemetry},
    shutdown, telemetry,
};
use gridcare_domain::contact::Channel;
use gridcare_proto::federation::v1::{GetNationalStatusRequest, GetNationalStatusResponse};
use jiff::tz::{TimeZone, offset};

use self::{
    country::Running,
    desks::Desks,
    facts::{Country, Published},
    plan::{STREAMS, Stream},
};
use crate::{
    connection::Connection,
    failure::Failure,
    output,
    status::{
        self, Gateway,
        texts::{Lang, Texts},
    },
    time,
};

/// Run a whole country on this machine, with the figures of 2013
///
/// Five nodes and a gateway, each with its own database, talk over loopback. The contacts of January to May 2013 are made:
/// their counts are the published ones, everything else about them is synthetic from a fixed seed and labelled so by the
/// name of their source. They are imported through the nodes' own API, and the gateway shows the country as it fills up. Ten
/// thousand tickets come with the histories of their clocks, and the report says how the standards of that year were kept.
/// Then live desks take a thousand calls: agents claim, answer, resolve and close their tickets.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where the databases are; a folder of an earlier run is used again, and doubles nothing
    #[arg(long, value_name = "FOLDER", default_value = "gridcare-demo")]
    folder: PathBuf,
    /// Use this Postgres server instead, with one new database for each node and one for the gateway
    #[arg(long, value_name = "URL", conflicts_with = "folder")]
    database: Option<String>,
    /// First of the ports to use: the gateway takes this and the next, each node the same ten further on. Free ports are
    /// chosen when absent
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1024..65_400))]
    port_base: Option<u16>,
    /// Exit after the report: 0 when every published figure is met, 1 when one is missed
    #[arg(long)]
    once: bool,
    /// Print the report alone, as one JSON object
    #[arg(long, requires = "once")]
    json: bool,
    /// Language of the table
    #[arg(long, value_enum, default_value_t = Lang::En, env = "GRIDCARE_LANG")]
    lang: Lang,
    /// Which log lines of the servers are written to standard error
    #[arg(long, value_name = "FILTER", default_value = "warn")]
    log: String,
    /// Leave out one contact, such as HANOI/hotline, to see the check fail
    #[arg(long, value_name = "REGION/CHANNEL", hide = true, value_parser = stream)]
    drop_one: Option<Stream>,
}

/// What all parts of a run share.
struct Run {
    published: Published,
    country: Country,
    texts: Texts,
    zone: TimeZone,
    drop_one: Option<Stream>,
    /// Whether a person watches the table.
    watched: bool,
}

impl Demo {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let began = tokio::time::Instant::now();
        let config = Telemetry { log: LogFormat::Pretty, filter: self.log.clone(), otlp_endpoint: None };
        let guard = telemetry::init(&config, "demo", "demo")
            .map_err(|error| Failure::because("telemetry cannot start", &error))?;
        let stop = shutdown::on_signal().map_err(|error| Failure::because("signals cannot be caught", &error))?;
        let run = Run {
            published: Published::read()?,
            country: Country::read()?,
            texts: Texts::new(self.lang),
            // All of 2013, as today.
            zone: TimeZone::fixed(offset(7)),
            drop_one: self.drop_one,
            watched: output::is_terminal() && !self.json,
        };
        let place = folder::Place::open(self.database.as_deref(), &self.folder)?;
        output::tell(format_args!("gridcare demo: {place}; every contact in it is synthetic"));
        let (running, mut servers) = Running::start(&run.country, &place, self.port_base).await?;
        let used = place.used();
        let ended = tokio::select! {
            ended = self.country(&run, &running, used, began) => Some(ended),
            failure = servers.failure() => Some(Err(failure)),
            () = stop.cancelled() => None,
        };
        let ended = match ended {
            Some(Ok(())) if !self.once => {
                tokio::select! {
                    failure = servers.failure() => Err(failure),
                    () = stop.cancelled() => Ok(()),
                }
            }
            // Interrupted before the report: nothing was shown to be right.
            None if self.once => Err(Failure::said("interrupted before the report")),
            None => Ok(()),
            Some(ended) => ended,
        };
        running.stop();
        servers.ended().await;
        guard.shutdown().await;
        ended
    }

    /// Fills the country, waits for the gateway, and reports.
    async fn country(
        &self,
        run: &Run,
        running: &Running,
        used: bool,
        began: tokio::time::Instant,
    ) -> Result<(), Failure> {
        let mut gateway = run.gateway(running)?;
        let filled = fill::fill(run, running, &mut gateway).await?;
        let status = settle::settle(&mut gateway, &filled).await?;
        let kept = standards_kept::ask(run, running, &filled).await?;
        let desks = Desks::sum(filled.desks.iter().map(|(_, desks)| *desks));
        let timing = report::Timing {
            seconds: began.elapsed().as_secs_f64(),
            contacts: filled.contacts(),
            tickets: filled.tickets() + desks.opened,
        };
        let checks = report::checks(&run.published, &status, &kept)?;
        if self.json {
            output::line(report::json(run, &status, &checks, &timing, &standards_kept::json(run, &kept), &desks))?;
        } else {
            output::raw(run.table(&status))?;
            output::raw(standards_kept::text(run, &kept))?;
            output::raw(desks.text())?;
            output::raw(report::text(&checks, &timing))?;
        }
        if self.once {
            return report::verdict(&checks, used);
        }
        output::raw(running.guide(&run.published))?;
        Ok(())
    }
}

impl Run {
    /// The gateway, asked about the period of the published figures.
    fn gateway(&self, running: &Running) -> Result<Gateway, Failure> {
        let period = self.published.period;
        let (from, until) = time::period(Some(period.from), Some(period.until), &self.zone)?;
        Ok(Gateway::new(Connection::near(running.gateway_url()).caller()?, GetNationalStatusRequest { from, until }))
    }

    fn table(&self, status: &GetNationalStatusResponse) -> String {
        status::table(status, &self.texts, &self.zone)
    }
}

/// The metric by which a stream's contacts are counted nationally.
const fn metric_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Hotline => "answered",
        Channel::Sms => "messages",
        _ => "visits",
    }
}

fn stream(text: &str) -> Result<Stream, String> {
    let named = |stream: &Stream| format!("{}/{}", stream.region, stream.channel);
    let all = || STREAMS.iter().map(named).collect::<Vec<_>>().join(", ");
    STREAMS.iter().find(|stream| named(stream) == text).copied().ok_or_else(|| format!("none of {}", all()))
}
