//! `gridcare bench report`: how long a report of a year takes over the tallies of many tickets.

use std::time::Duration;

use clap::Args;
use gridcare_domain::{
    report::{ClockFact, ClockPhase, Facts, Repetition, Tally, day::local_day, wants},
    ticket::State,
};
use gridcare_proto::{
    convert::report::{draw, period_from_wire},
    report::v1::{ReportPeriod, ReportStep},
};
use gridcare_store::{NodeStore, tally};
use jiff::{Timestamp, civil::date, tz::TimeZone};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use tokio::time::Instant;

use super::summary::rounded;
use crate::{failure::Failure, output};

/// Fill the tallies of a node with those of tickets of the year 2013, without opening them, and draw that year's report
/// again and again, by months and as a whole.
#[derive(Debug, Args)]
pub(crate) struct Drawn {
    /// A database that may be written to, as `sqlite:///path/to/file` or `postgres://user@host/name`
    #[arg(long, value_name = "URL")]
    database: String,
    /// The node whose tallies are filled
    #[arg(long, value_name = "NODE", default_value = "bench")]
    node_id: String,
    /// Tickets to count
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    tickets: u32,
    /// Reports to draw
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    reports: u32,
}

const MINUTE_US: i64 = 60_000_000;

impl Drawn {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let failed = |error: gridcare_store::StoreError| Failure::because("the tallies cannot be used", &error);
        let store = NodeStore::open(&self.database, 4, |_| ()).await.map_err(failed)?;
        let counted = Instant::now();
        let mut random = ChaCha8Rng::seed_from_u64(2013);
        let mut sum = Tally::default();
        for _ in 0..self.tickets {
            sum.count(&some_ticket(&mut random), &TimeZone::UTC, 1);
        }
        let counted = counted.elapsed();
        let filled = Instant::now();
        tally::fill(store.db(), &self.node_id, &sum).await.map_err(failed)?;
        let filled = filled.elapsed();
        let mut drawn = serde_json::Map::new();
        for (name, step, by_category) in [
            ("month", ReportStep::Month, false),
            ("total", ReportStep::Total, false),
            ("by_category", ReportStep::Total, true),
        ] {
            let mut took = Vec::new();
            for _ in 0..self.reports {
                took.push(self.draw(&store, step, by_category).await?);
            }
            took.sort_unstable();
            let ms = |at: usize| rounded(took[at.min(took.len() - 1)].as_secs_f64() * 1e3, 2);
            drawn.insert(name.to_owned(), json!({ "p50_ms": ms(took.len() / 2), "max_ms": ms(usize::MAX) }));
        }
        output::line(json!({
            "tickets": self.tickets, "day_rows": sum.len(), "counted_s": rounded(counted.as_secs_f64(), 2),
            "filled_s": rounded(filled.as_secs_f64(), 2), "report": drawn,
        }))?;
        store.close().await;
        Ok(())
    }

    async fn draw(&self, store: &NodeStore, step: ReportStep, by_category: bool) -> Result<Duration, Failure> {
        let period = ReportPeriod {
            from: "2013-01-01".to_owned(),
            until: "2014-01-01".to_owned(),
            step: step.into(),
            by_category,
            ..ReportPeriod::default()
        };
        let asked = period_from_wire(Some(&period), &mut Vec::new());
        let asked = asked.ok_or_else(|| Failure::said("a period that was made is not sound"))?;
        let began = Instant::now();
        let today = asked.days().until;
        let read = tally::read(store.db(), &self.node_id, |known| wants(&asked.intervals, &asked.reads(known), today));
        let reading = read.await.map_err(|error| Failure::because("the tallies cannot be read", &error))?;
        let drawn = draw("", &asked, &reading.sums, &reading.categories, &|_| None)
            .map_err(|error| Failure::because("the report cannot be drawn", &error))?;
        if drawn.rows.is_empty() {
            return Err(Failure::said("the report is empty"));
        }
        Ok(began.elapsed())
    }
}

/// A ticket of 2013: one of twelve categories, with three clocks, mostly solved within days.
fn some_ticket(random: &mut ChaCha8Rng) -> Facts {
    let first = date(2013, 1, 1).to_zoned(TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |at| at.timestamp());
    let opened_us = first.as_microsecond() + random.random_range(0..525_600) * MINUTE_US;
    debug_assert!(local_day(opened_us, &TimeZone::UTC) > 0);
    let solved = random.random_bool(0.97);
    // From minutes to weeks, most within hours.
    let minutes = |random: &mut ChaCha8Rng, most: f64| {
        let power = random.random_range(0.0..1.0_f64);
        #[expect(clippy::cast_possible_truncation, reason = "minutes of a few weeks")]
        let minutes = libm::pow(most, power) as i64;
        opened_us + minutes * MINUTE_US + random.random_range(0..MINUTE_US)
    };
    let resolved_us = solved.then(|| minutes(random, 20_000.0));
    let category = random.random_range(0..12);
    let clock = |random: &mut ChaCha8Rng, kind: i64| ClockFact {
        target: format!("target_{category}_{kind}"),
        kind,
        rule: format!("evn-2013.1/target_{category}_{kind}/0"),
        started_us: opened_us,
        deadline_us: Some(opened_us + 120 * MINUTE_US),
        stopped_us: resolved_us,
        breached_us: random.random_bool(0.1).then_some(opened_us + 120 * MINUTE_US),
        phase: if solved { ClockPhase::Stopped } else { ClockPhase::Running },
    };
    Facts {
        state: if solved { State::Closed } else { State::InProgress },
        merged: random.random_bool(0.01),
        category: format!("category_{category}"),
        topic: if category < 4 { "outage" } else { "billing" }.to_owned(),
        channel: ["hotline", "sms", "web", "office"][random.random_range(0..4)].to_owned(),
        team: format!("team-{}", random.random_range(0..20)),
        opened_us,
        updated_us: opened_us,
        first_response_us: Some(minutes(random, 2_000.0)),
        resolved_us,
        closed_us: resolved_us.map(|at| at + 1_440 * MINUTE_US),
        rated: random.random_bool(0.2).then(|| (random.random_range(1..6), opened_us)),
        repetition: solved.then_some(if random.random_bool(0.9) { Repetition::None } else { Repetition::Repeated }),
        clocks: (1..4).map(|kind| clock(random, kind)).collect(),
    }
}
