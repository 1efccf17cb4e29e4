use std::time::Duration;

use gridcare_domain::{
    clock::{RuleBook as _, RuleKey},
    report::{Selection, day::local_day, wants},
};
use gridcare_proto::{
    convert::{
        report::{self as convert, Asked, RuleText},
        time,
    },
    report::v1 as wire,
};
use gridcare_store::{StoreError, counted::Behind, tally};
use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{Node, REPORTS};

/// How long a report waits for the tallies to catch up; then it says how far behind they are.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(20);
/// Tickets that one page looks at, at most; a figure of few tickets among many takes several pages.
const LOOKED_AT: i64 = 5_000;

impl Node {
    /// Lets the tallies catch up with what was committed until now, for a while; says how current they are then.
    pub(crate) async fn tallies_catch_up(&self) -> Result<wire::ReportCurrency, StoreError> {
        let (asked_at, until) = (self.now(), Instant::now() + PATIENCE);
        let target = self.store.feed_head().await?.cursor.position;
        loop {
            let (tallied, head) = self.store.tallied().await?;
            let recounting = tallied.recount_after.is_some() || tallied.time_zone != self.time_zone;
            let reached = tallied.position >= target && !recounting;
            if reached || Instant::now() >= until {
                let as_of = if reached { Some(asked_at) } else { self.committed_at(tallied.position).await? };
                let behind = if reached { 0 } else { u64::try_from(head - tallied.position).unwrap_or(0) };
                return Ok(wire::ReportCurrency { as_of: as_of.map(time::timestamp), behind, recounting });
            }
            self.bus.wake(REPORTS);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// When the entry at this position was committed, unless it has been compacted away.
    async fn committed_at(&self, position: i64) -> Result<Option<Timestamp>, StoreError> {
        let entries = self.store.feed_after(position - 1, 1).await?;
        let found = entries.first().filter(|entry| entry.position == position);
        Ok(found.and_then(|entry| Timestamp::from_microsecond(entry.committed_us).ok()))
    }

    /// The report that was asked for; `None`: there are too many categories for one answer.
    pub(crate) async fn draw_report(&self, asked: &Asked) -> Result<Option<wire::GetReportResponse>, StoreError> {
        let currency = self.tallies_catch_up().await?;
        let today = local_day(self.now_us(), &self.zone);
        let mut too_much = false;
        let reading = tally::read(self.store.db(), &self.id, |known| {
            let reads = asked.reads(known);
            too_much = asked.too_much(reads.len()).is_some();
            if too_much { Vec::new() } else { wants(&asked.intervals, &reads, today) }
        })
        .await?;
        if too_much {
            return Ok(None);
        }
        let rules = |rule: &str| self.rule_text(rule);
        let drawn = convert::draw("", asked, &reading.sums, &reading.categories, &rules)
            .map_err(|e| StoreError::Corrupt { table: "ticket_tally", what: e.to_string() })?;
        Ok(Some(wire::GetReportResponse {
            rows: drawn.rows,
            open: drawn.open,
            figures: convert::figures_to_wire(Some(self.standards.current().bundle())),
            currency: Some(currency),
            time_zone: self.time_zone.clone(),
            region: self.region.clone(),
        }))
    }

    /// What a rule of a standard says, for the versions that this node knows.
    pub(crate) fn rule_text(&self, rule: &str) -> Option<RuleText> {
        self.standards.rule(&RuleKey(rule.to_owned())).map(|rule| RuleText::from(&*rule))
    }

    /// Tickets behind a figure, and the place from which to go on.
    pub(crate) async fn report_tickets(
        &self,
        selection: &Selection,
        after: Option<(i32, Uuid)>,
        most: usize,
    ) -> Result<(Vec<Behind>, Option<(i32, Uuid)>), StoreError> {
        // The first place is before every ticket of the first day.
        let after = after.unwrap_or((selection.days.from - 1, Uuid::max()));
        self.store.tickets_behind(selection, &self.zone, after, LOOKED_AT, most).await
    }
}
