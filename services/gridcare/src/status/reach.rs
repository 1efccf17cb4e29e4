//! Which regions an answer covers, as of when, in words.

use gridcare_proto::federation::v1::{Completeness, ReachStatus, RegionReach};
use jiff::Timestamp;

use super::table::View;
use crate::time;

/// The completeness of the whole answer, then a line for each member.
pub(crate) fn lines(completeness: Option<&Completeness>, view: &View<'_>) -> Vec<String> {
    let Some(completeness) = completeness else { return Vec::new() };
    let counts = [("covered", u64::from(completeness.covered)), ("expected", u64::from(completeness.expected))];
    let mut lines = vec![view.texts.count("reach", &counts)];
    let names: Vec<_> = completeness.regions.iter().map(|reach| name(reach, view)).collect();
    let widest = names.iter().map(|name| unicode_width::UnicodeWidthStr::width(name.as_str())).max().unwrap_or(0);
    for (name, reach) in names.iter().zip(&completeness.regions) {
        lines.push(format!("  {}  {}", super::cells::pad(name, widest, false), of(reach, view)));
    }
    lines
}

fn name(reach: &RegionReach, view: &View<'_>) -> String {
    view.texts.with("of-region", &[("region", &reach.region), ("node", &reach.node)])
}

/// `unreachable since 14:02:11, figures as of 14:02:09 (3 min ago)`
fn of(reach: &RegionReach, view: &View<'_>) -> String {
    let id = match reach.status() {
        ReachStatus::Ok => "ok-as-of",
        ReachStatus::Stale => "stale",
        ReachStatus::Timeout => "timeout",
        ReachStatus::Unreachable | ReachStatus::Unspecified => "unreachable",
        ReachStatus::Denied => "denied",
        ReachStatus::VersionSkew => "version-skew",
    };
    let texts = view.texts;
    let (since, clock_then) = (moment(reach.since.as_ref(), view), moment(reach.as_of.as_ref(), view));
    let as_of = reach.as_of.as_ref().and_then(time::from_wire);
    let said = texts.with(id, &[("since", &since), ("asof", &clock_then), ("age", &age(as_of, view))]);
    let mut text = if as_of.is_some() {
        said
    } else {
        // What was never reached has no figures and no age; only the words before the comma are true of it.
        let status = said.split(',').next().unwrap_or_default().to_owned();
        texts.with("never", &[("status", &status)])
    };
    if reach.behind > 0 {
        text = format!("{text}, {}", texts.count("behind", &[("count", reach.behind)]));
    }
    text
}

/// The end of a period: a day where it is one.
pub(super) fn bound(wire: Option<&prost_types::Timestamp>, view: &View<'_>) -> String {
    let Some(at) = wire.and_then(time::from_wire) else { return view.texts.of("unknown-time") };
    let at = at.to_zoned(view.zone.clone());
    let midnight = at.time() == jiff::civil::Time::midnight();
    at.strftime(if midnight { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// The time of day, with the date where it is not today's.
pub(crate) fn moment(wire: Option<&prost_types::Timestamp>, view: &View<'_>) -> String {
    let Some(at) = wire.and_then(time::from_wire) else { return view.texts.of("unknown-time") };
    clock(at, view)
}

/// The same for an instant.
pub(super) fn clock(at: Timestamp, view: &View<'_>) -> String {
    let (at, today) = (at.to_zoned(view.zone.clone()), view.now.to_zoned(view.zone.clone()).date());
    if at.date() == today {
        return at.strftime("%H:%M:%S").to_string();
    }
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// How long ago.
pub(super) fn age(at: Option<Timestamp>, view: &View<'_>) -> String {
    let Some(at) = at else { return view.texts.of("unknown-time") };
    let seconds = u64::try_from(view.now.as_second() - at.as_second()).unwrap_or(0);
    match seconds {
        0 => view.texts.of("age-now"),
        1..=119 => view.texts.count("age-seconds", &[("count", seconds)]),
        120..=7_199 => view.texts.count("age-minutes", &[("count", seconds / 60)]),
        7_200..=172_799 => view.texts.count("age-hours", &[("count", seconds / 3_600)]),
        _ => view.texts.count("age-days", &[("count", seconds / 86_400)]),
    }
}
