use gridcare_domain::{
    clock::{Explained, RuleKey},
    standard::limit,
    ticket::Ticket,
};
use gridcare_proto::{
    convert::{code, ticket::clocks_to_wire, time},
    ticket::v1 as wire,
};
use gridcare_store::StoreError;
use jiff::Timestamp;

use crate::{Node, flows::ticket_moves::Name, rules::Rules};

impl Node {
    /// Every clock of a ticket with every interval of its life, the rules that governed it and where they come from.
    pub(crate) async fn explain(
        &self,
        name: &Name,
        at: Option<Timestamp>,
    ) -> Result<Option<wire::ExplainClocksResponse>, StoreError> {
        let Some(ticket) = self.read_living(name).await? else { return Ok(None) };
        let rules = self.rules();
        let at = at.unwrap_or_else(|| self.now());
        let explained = ticket.clocks.explain(rules.book(), at.as_microsecond());
        let clocks = clocks_to_wire(&ticket, rules.book());
        Ok(Some(wire::ExplainClocksResponse {
            reference: ticket.reference.to_string(),
            at: Some(time::timestamp(at)),
            clocks: explained
                .into_iter()
                .zip(clocks)
                .enumerate()
                .map(|(i, (explained, clock))| explanation(&ticket, i, explained, clock, &rules))
                .collect(),
        }))
    }
}

fn explanation(
    ticket: &Ticket,
    index: usize,
    explained: Explained,
    clock: wire::Clock,
    rules: &Rules,
) -> wire::ClockExplanation {
    let rulings = ticket.clocks.all().get(index).map(|clock| clock.rulings.as_slice()).unwrap_or_default();
    let rule = |key: &RuleKey, since_us: i64| {
        let rule = rules.book().rule(key);
        wire::ClockRule {
            rule: key.0.clone(),
            limit: rule.as_ref().map(|rule| limit::write(&rule.limit)).unwrap_or_default(),
            calendar: rule
                .as_ref()
                .and_then(|rule| rule.calendar.as_ref().map(|calendar| calendar.id().to_owned()))
                .unwrap_or_default(),
            source: rule.as_ref().map(|rule| rule.source.clone()).unwrap_or_default(),
            assumed: rule.as_ref().is_some_and(|rule| rule.assumed),
            in_force_since: Some(time::micros(since_us)),
        }
    };
    wire::ClockExplanation {
        clock: Some(clock),
        rules: rulings.iter().map(|ruling| rule(&ruling.rule, ruling.at_us)).collect(),
        intervals: explained
            .intervals
            .into_iter()
            .map(|interval| wire::ClockInterval {
                from: Some(time::micros(interval.from_us)),
                until: Some(time::micros(interval.until_us)),
                kind: code::interval_kind_to_wire(interval.kind),
                rule: interval.rule.0,
                reason: interval.why.code().to_owned(),
                source: interval.source,
            })
            .collect(),
        elapsed: Some(exact(explained.elapsed_us)),
        counted: Some(exact(explained.counted_us)),
        paused: Some(exact(explained.paused_us)),
        outside: Some(exact(explained.outside_us)),
        budget: explained.budget_us.map(exact),
    }
}

/// Microseconds on the wire, each of them: totals that are cut one by one do not add up any more.
fn exact(us: i64) -> prost_types::Duration {
    let nanos = i32::try_from(us % 1_000_000 * 1_000).unwrap_or(0);
    prost_types::Duration { seconds: us / 1_000_000, nanos }
}
