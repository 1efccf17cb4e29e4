//! `gridcare replay 2013-05-22`: the day on which 22 provinces lost supply, told to their customers within thirty minutes.

mod country;
mod desk;
mod gate;
mod grid;
mod incident;
mod people;
mod prints;
mod report;
mod script;
mod stepping;
mod storm;
mod telling;
mod text;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use clap::Args;
use jiff::{SignedDuration, Timestamp, tz};

use self::{
    country::Running,
    desk::Desks,
    grid::Grid,
    incident::Story,
    prints::Printed,
    report::Played,
    script::Event,
    stepping::{Stage, Stepper},
    telling::{NATION, Telling},
};
use crate::{failure::Failure, output, status::texts::Lang};

/// How far the clock goes at once while nothing is on its way: less than any patience within.
const STRIDE: Duration = Duration::from_secs(5);
/// The most time that everything may take to end.
const FAREWELL: Duration = Duration::from_mins(5);

/// Replay a day of the past, with everything that was done about it
///
/// Five nodes, a gateway, couriers and message centres are started in this process, on databases of their own and with a
/// hundredth of the customers of 2013. The fault happens, people call, notices go out by web and SMS and are proven, supply
/// comes back step by step. One stepped clock drives all of it: it goes on only when nothing is left to do at the present
/// moment, so that the same facts give the same report, byte for byte, on any machine.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Which day
    #[arg(value_name = "DAY", value_parser = ["2013-05-22"])]
    day: String,
    /// Print the report alone, as one JSON object
    #[arg(long)]
    json: bool,
    /// Let N seconds of that day pass in one of today, to watch it; as fast as it goes when absent
    #[arg(long, value_name = "N", value_parser = speed)]
    speed: Option<f64>,
    /// Divide counts and rates by this, in place of 100
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    scale: Option<u64>,
    /// Let message centres take so many per cent of their rate
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    sms_rate: u64,
    /// YAML file with other facts of the incident, in the form of facts/incident-2013-05-22.yaml
    #[arg(long, value_name = "FILE")]
    incident: Option<PathBuf>,
    /// YAML file with other assumptions, in the form of facts/replay-2013-05-22.yaml
    #[arg(long, value_name = "FILE")]
    assumed: Option<PathBuf>,
    /// Keep the databases in this folder, which must be empty or not there
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Language of the report
    #[arg(long, value_enum, default_value_t = Lang::En, env = "GRIDCARE_LANG")]
    lang: Lang,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed >= 0.1 => Ok(speed),
        _ => Err("give a number of at least 0.1".to_owned()),
    }
}

impl Replay {
    /// Plays it, on a runtime of its own.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut story = Story::read(self.incident.as_deref(), self.assumed.as_deref())?;
        if let Some(scale) = self.scale {
            story.assumed.scale = scale;
        }
        for rate in story.assumed.regions.iter_mut().flat_map(|region| &mut region.sms_parts_per_second) {
            *rate = (*rate * self.sms_rate / 100).max(1);
        }
        let stage = Stage::new().map_err(|error| Failure::because("the runtime cannot start", &error))?;
        let folder = folder(self.folder.as_deref())?;
        gridcare_chassis::backoff::leave_nothing_to_chance();
        let report = stage.play(story.assumed.begin, self.speed, async |stepper| {
            Play::begin(&story, folder.path(), stepper).await?.whole().await
        })?;
        if self.json {
            output::line(report)?;
        } else {
            output::raw(text::text(&report, self.lang))?;
        }
        Ok(())
    }
}

/// Where the databases are.
enum Folder {
    Passing(tempfile::TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn path(&self) -> &std::path::Path {
        match self {
            Self::Passing(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }
}

fn folder(named: Option<&std::path::Path>) -> Result<Folder, Failure> {
    let Some(path) = named else {
        let folder = tempfile::Builder::new().prefix("gridcare-replay-").tempdir();
        return folder.map(Folder::Passing).map_err(|error| Failure::because("a folder for the databases", &error));
    };
    let failed = |error: std::io::Error| Failure::because(format!("the folder {}", path.display()), &error);
    std::fs::create_dir_all(path).map_err(failed)?;
    if std::fs::read_dir(path).map_err(failed)?.next().is_some() {
        let cure = "is not empty; remove it, or name another with --folder";
        return Err(Failure::said(format!("the folder {} {cure}", path.display())));
    }
    Ok(Folder::Kept(path.canonicalize().map_err(failed)?))
}

/// A replay while it runs.
struct Play<'a> {
    story: &'a Story,
    stepper: Stepper,
    running: Running,
    grid: Grid,
    telling: Telling,
    desks: Desks,
    prints: Vec<Printed>,
    served: BTreeMap<String, u64>,
    /// Between two parts that one centre takes.
    gap: Duration,
}

impl<'a> Play<'a> {
    /// Starts everything, and brings the customers in.
    async fn begin(story: &'a Story, folder: &std::path::Path, stepper: Stepper) -> Result<Self, Failure> {
        let running = Running::start(story, folder, &stepper.clock()).await?;
        let rates = story.assumed.regions.iter().flat_map(|region| &region.sms_parts_per_second);
        let fastest = rates.map(|rate| story.scaled(*rate)).max().unwrap_or(1);
        // A timer goes off at the first full millisecond.
        let gap = Duration::from_millis(1_000 / fastest + 1).clamp(Duration::from_millis(10), STRIDE);
        let mut play = Self {
            story,
            stepper,
            running,
            grid: Grid::default(),
            telling: Telling::default(),
            desks: Desks::default(),
            prints: Vec::new(),
            served: BTreeMap::new(),
            gap,
        };
        let sizes: BTreeMap<_, _> = script::sizes(story)?.into_iter().collect();
        for seat in &play.running.seats {
            let all = story.scaled(u64::from(seat.region.customers));
            play.served.insert(seat.region.code.clone(), all);
            play.grid.serve(seat, all).await?;
            if let Some(size) = sizes.get(&seat.region.code) {
                people::bring_in(seat, *size).await?;
                output::tell(format_args!("gridcare replay: {size} customers of {}", seat.region.code));
            }
        }
        Ok(play)
    }

    /// The whole day, and what it came to.
    async fn whole(mut self) -> Result<serde_json::Value, Failure> {
        let script = script::script(self.story)?;
        let mut told = self.stepper.now();
        for (at, event) in script {
            self.go_on(at).await?;
            if at.duration_since(told) >= SignedDuration::from_mins(15) {
                told = at;
                self.progress(at);
            }
            self.happen(at, event).await?;
            self.stepper.rest().await;
        }
        self.go_on(self.story.assumed.end).await?;
        let played = Played {
            story: self.story,
            running: &self.running,
            telling: &self.telling,
            desks: &self.desks,
            prints: &self.prints,
            served: &self.served,
        };
        let report = played.report().await?;
        self.running.stop();
        let patience = self.stepper.now() + SignedDuration::try_from(FAREWELL).unwrap_or_default();
        while !self.running.ended() && self.stepper.now() < patience {
            let next = self.stepper.now() + SignedDuration::from_millis(100);
            self.stepper.go_on(next, || STRIDE).await;
        }
        Ok(report)
    }

    async fn go_on(&mut self, until: Timestamp) -> Result<(), Failure> {
        let (running, gap) = (&self.running, self.gap);
        self.stepper.go_on(until, || if running.busy() { gap } else { STRIDE }).await;
        self.running.failure().map_or(Ok(()), Err)
    }

    fn progress(&self, at: Timestamp) {
        let sent: u64 =
            self.running.dark().filter_map(|seat| seat.courier.borrow().sms.map(|channel| channel.sent)).sum();
        let at = at.to_zoned(tz::TimeZone::fixed(tz::offset(7))).strftime("%H:%M").to_string();
        output::tell(format_args!("gridcare replay: {at}, {sent} messages have left"));
    }

    async fn happen(&mut self, at: Timestamp, event: Event) -> Result<(), Failure> {
        let (story, running) = (self.story, &self.running);
        match event {
            Event::Recorded { region, customers } => self.grid.record(story, running.seat(&region)?, customers).await,
            Event::Claimed { region, claim } => self.grid.claim(story, running.seat(&region)?, claim).await,
            Event::Restored { region, customers } => self.grid.restore(running.seat(&region)?, at, customers).await,
            Event::RestoredAll { region } => self.grid.restore_all(running.seat(&region)?, at).await,
            Event::Tells { region, told } => self.telling.tell(story, running, &region, told, at).await,
            Event::Reviews { region } => self.telling.review(running, &region).await,
            Event::TellsAll { told } => self.telling.tell_all(story, running, told).await,
            Event::Prints { told } => {
                let id = self.telling.notices.get(NATION).cloned().unwrap_or_default();
                self.prints.extend(prints::print(&running.gateway, &id, told, at).await?);
                Ok(())
            }
            Event::Groups { region } => {
                let seat = running.seat(&region)?;
                match self.grid.outage(seat).map(str::to_owned) {
                    Some(outage) => self.desks.group(seat, &outage, story.assumed.begin).await,
                    None => Ok(()),
                }
            }
            Event::Calls { region, calls } => self.desks.end_calls(running.seat(&region)?, story.onset(), &calls).await,
            Event::Writes { region, customer } => {
                self.desks.write(running.seat(&region)?, customer);
                Ok(())
            }
            Event::Looks { region } => desk::look(&running.seat(&region)?.http).await,
            Event::Throttled { on } => {
                let throttled = &story.assumed.throttled;
                let seat = running.seat(&throttled.region)?;
                let link = throttled.link.saturating_sub(1);
                let rate = story.plan(&throttled.region).and_then(|plan| plan.sms_parts_per_second.get(link));
                let (Some(centre), Some(rate)) = (seat.centres.get(link), rate) else {
                    return Err(Failure::said("throttled.link names no message centre of its region"));
                };
                let rate = u32::try_from(story.scaled(*rate)).unwrap_or(u32::MAX);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a rate")]
                let less = (f64::from(rate) * throttled.share).max(1.0) as u32;
                centre.change(|config| config.rate = if on { less } else { rate });
                Ok(())
            }
            Event::CutOff { on } => {
                running.seat(&story.assumed.cut_off.region)?.gate.open(!on);
                Ok(())
            }
        }
    }
}
