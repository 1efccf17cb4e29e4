//! Whether the country shows the published figures, in words and as JSON.

use std::fmt::Write as _;

use gridcare_domain::contact::Channel;
use gridcare_proto::{
    federation::v1::GetNationalStatusResponse,
    report::v1::{ComplianceRow, GetNationalReportResponse},
};
use serde_json::{Value, json};

use super::{
    Run,
    desks::Desks,
    facts::{Expected, Fact, Published},
};
use crate::{
    failure::Failure,
    status::{Cell, json as status_json, table},
};

/// One published figure, held against the gateway's.
#[derive(Debug)]
pub(super) struct Check {
    figure: String,
    expected: Expected,
    found: Cell,
}

/// How long it took.
pub(super) struct Timing {
    pub(super) seconds: f64,
    pub(super) contacts: u64,
    pub(super) tickets: u64,
}

impl Check {
    pub(super) fn met(&self) -> bool {
        matches!(self.found, Cell::Number(found) if self.expected.met_by(found))
    }

    fn json(&self) -> Value {
        let expected = match self.expected {
            Expected::Exactly(value) => value.into(),
            Expected::AtLeast(value) => json!({ "at_least": value }),
            Expected::Between(low, high) => json!({ "from": low, "to": high }),
        };
        json!({ "figure": self.figure, "expected": expected, "found": status_json::value(self.found), "met": self.met() })
    }
}

/// Every published figure, and that the country's clocks are those of its regions.
pub(super) fn checks(
    published: &Published,
    status: &GetNationalStatusResponse,
    kept: &GetNationalReportResponse,
) -> Result<Vec<Check>, Failure> {
    let months = published.months();
    let check = |fact: &Fact| {
        let channel = Channel::parse(&fact.channel);
        let channel =
            channel.ok_or_else(|| Failure::said(format!("facts/channels-2013.yaml: no channel {}", fact.channel)))?;
        Ok(Check {
            figure: format!("{} {} {}", fact.region, fact.channel, fact.metric()),
            expected: fact.expected(months)?,
            found: table::cell(table::figure(status, channel, fact.metric()), &fact.region),
        })
    };
    let mut checks = published.figures.iter().map(check).collect::<Result<Vec<_>, Failure>>()?;
    for (what, count) in [("met", (|row| row.met) as fn(&ComplianceRow) -> u64), ("breached", |row| row.breached)] {
        let sum = |national: bool| {
            let rows = kept.rows.iter().filter(|row| row.category.is_empty() && row.region.is_empty() == national);
            rows.flat_map(|row| &row.compliance).map(count).sum()
        };
        checks.push(Check {
            figure: format!("country clocks {what}"),
            expected: Expected::Exactly(sum(false)),
            found: Cell::Number(sum(true)),
        });
    }
    Ok(checks)
}

/// What was met and what was missed.
pub(super) fn text(checks: &[Check], timing: &Timing) -> String {
    let mut text = String::from("\nChecks: the published figures of 2013, and the sums of the regions\n");
    for check in checks {
        let verdict = if check.met() { "met   " } else { "MISSED" };
        let found = status_json::value(check.found);
        let _ = writeln!(text, "  {verdict}  {}: expected {}, found {found}", check.figure, check.expected);
    }
    let _ = writeln!(
        text,
        "\n{} contacts and {} tickets in {:.1} s, all synthetic",
        timing.contacts, timing.tickets, timing.seconds
    );
    text
}

/// Success when every figure is met; otherwise what is missing is said, also to those who read only the JSON.
pub(super) fn verdict(checks: &[Check], used: bool) -> Result<(), Failure> {
    let missed: Vec<_> = checks.iter().filter(|check| !check.met()).collect();
    if missed.is_empty() {
        return Ok(());
    }
    let say = |check: &&Check| {
        format!("{} is {}, expected {}", check.figure, status_json::value(check.found), check.expected)
    };
    let told = missed.iter().map(say).collect::<Vec<_>>().join("; ");
    // Contacts that somebody imported into the demo count too, as they should.
    let cure = if used { "; other contacts were imported there before? name a new --folder" } else { "" };
    Err(Failure::said(format!("a published figure is missed: {told}{cure}")))
}

/// The whole report; the README documents its shape.
pub(super) fn json(
    run: &Run,
    status: &GetNationalStatusResponse,
    checks: &[Check],
    timing: &Timing,
    standards: &Value,
    desks: &Desks,
) -> Value {
    let region = |region: &super::facts::Region| {
        json!({
            "code": region.code, "name_vi": region.name_vi, "name_en": region.name_en,
            "channels": status_json::channels(status, Some(&region.code)),
            "tickets": status_json::tickets(status, Some(&region.code)),
        })
    };
    let regions: Vec<_> = run.country.regions.iter().map(region).collect();
    let period = run.published.period;
    json!({
        "country": run.country.country,
        "period": { "from": period.from.to_string(), "until": period.until.to_string() },
        "synthetic": "counts are those of the 2013 article; everything else about a contact is made from a fixed seed",
        "regions": regions,
        "national": status_json::national(status),
        "completeness": status_json::completeness(status.completeness.as_ref()),
        "standards": standards,
        "desks": desks.json(),
        "checks": checks.iter().map(Check::json).collect::<Vec<_>>(),
        "timing": { "seconds": (timing.seconds * 1_000.0).round() / 1_000.0, "contacts": timing.contacts, "tickets": timing.tickets },
    })
}
