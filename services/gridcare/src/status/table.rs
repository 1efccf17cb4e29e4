//! The national table as text. Pure: what the gateway said and the time go in, a text comes out.

use std::collections::BTreeMap;

use gridcare_domain::contact::Channel;
use gridcare_proto::federation::v1::{FigureStatus, GetNationalStatusResponse, NationalFigure};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    cells::{Cell, Grid, cut},
    reach,
    texts::Texts,
};

/// The figures of the table, in its order.
pub(crate) const COLUMNS: [(Channel, &str); 7] = [
    (Channel::Hotline, "offered"),
    (Channel::Hotline, "answered"),
    (Channel::Hotline, "abandoned"),
    (Channel::Hotline, "busy"),
    (Channel::Sms, "messages"),
    (Channel::Web, "visits"),
    (Channel::Office, "visits"),
];

/// How a table is shown.
pub(crate) struct View<'a> {
    pub(crate) texts: &'a Texts,
    pub(crate) zone: &'a TimeZone,
    pub(crate) now: Timestamp,
    /// Columns of the screen.
    pub(crate) width: usize,
}

/// The whole report: the table, and below it how complete it is.
pub(crate) fn render(status: &GetNationalStatusResponse, view: &View<'_>) -> String {
    let texts = view.texts;
    let at = |wire: &Option<prost_types::Timestamp>| reach::bound(wire.as_ref(), view);
    let title = [("country", "Việt Nam"), ("from", &at(&status.from)), ("until", &at(&status.until))];
    let mut lines = vec![texts.with("title", &title), String::new()];
    let wide = grid(status, texts, true);
    if wide.width() <= view.width {
        lines.extend(wide.lines());
    } else {
        // Signs instead of words, and what they mean.
        lines.extend(grid(status, texts, false).lines());
        lines.push(texts.of("legend"));
    }
    lines.push(String::new());
    lines.extend(reach::lines(status.completeness.as_ref(), view));
    lines.push(String::new());
    lines.push(texts.of("figures"));
    lines.extend(status.figures.iter().filter_map(|figure| figure_line(figure, texts)));
    lines.iter().map(|line| cut(line, view.width) + "\n").collect()
}

/// The codes of all regions that the answer names, as it orders them.
pub(crate) fn regions(status: &GetNationalStatusResponse) -> Vec<&str> {
    let reached = status.completeness.iter().flat_map(|reach| &reach.regions).map(|reach| reach.region.as_str());
    let figured = status.figures.iter().flat_map(|figure| &figure.regions).map(|figure| figure.region.as_str());
    let ticketed = status.tickets.iter().map(|tickets| tickets.region.as_str());
    let mut regions = Vec::new();
    for region in reached.chain(figured).chain(ticketed) {
        if !regions.contains(&region) {
            regions.push(region);
        }
    }
    regions
}

/// One figure of the answer.
pub(crate) fn figure<'a>(
    status: &'a GetNationalStatusResponse,
    channel: Channel,
    metric: &str,
) -> Option<&'a NationalFigure> {
    status.figures.iter().find(|figure| i64::from(figure.channel) == channel.number() && figure.metric == metric)
}

/// One region's cell of a figure. What the answer does not speak of is not offered, never zero.
pub(crate) fn cell(figure: Option<&NationalFigure>, region: &str) -> Cell {
    let found = figure.and_then(|figure| figure.regions.iter().find(|found| found.region == region));
    let Some(found) = found else { return Cell::NotOffered };
    match found.status() {
        FigureStatus::Reported => Cell::Number(found.value),
        FigureStatus::NotOffered => Cell::NotOffered,
        FigureStatus::NotReported => Cell::NotReported,
        FigureStatus::Unknown | FigureStatus::Unspecified => Cell::Unknown,
    }
}

/// The national cell: a sum only where at least one region is in it.
pub(crate) fn national(figure: Option<&NationalFigure>) -> Cell {
    let Some(figure) = figure else { return Cell::NotOffered };
    let all = |status: FigureStatus| figure.regions.iter().any(|region| region.status() == status);
    if all(FigureStatus::Reported) {
        Cell::Number(figure.total)
    } else if all(FigureStatus::Unknown) {
        Cell::Unknown
    } else if all(FigureStatus::NotReported) {
        Cell::NotReported
    } else {
        Cell::NotOffered
    }
}

fn grid(status: &GetNationalStatusResponse, texts: &Texts, words: bool) -> Grid {
    let show = |cell: Cell| match (cell, words) {
        (Cell::Number(number), _) => texts.number(number),
        (Cell::Share(covered, expected), _) => format!("{covered}/{expected}"),
        (Cell::NotOffered, true) => texts.of("not-offered"),
        (Cell::NotReported, true) => texts.of("not-reported"),
        (Cell::Unknown, true) => texts.of("unknown"),
        (Cell::NotOffered, false) => "·".to_owned(),
        (Cell::NotReported, false) => "–".to_owned(),
        (Cell::Unknown, false) => "?".to_owned(),
    };
    let row = |head: String, of: &dyn Fn(Option<&NationalFigure>) -> Cell, last: Cell| {
        let cells = COLUMNS.iter().map(|(channel, metric)| show(of(figure(status, *channel, metric))));
        std::iter::once(head).chain(cells).chain([show(last)]).collect::<Vec<_>>()
    };
    let open: BTreeMap<&str, u64> = status.tickets.iter().map(|t| (t.region.as_str(), t.open)).collect();
    let tickets = |region: &str| open.get(region).map_or(Cell::Unknown, |open| Cell::Number(*open));
    let regions = regions(status);
    let mut rows: Vec<_> = regions
        .iter()
        .map(|region| row((*region).to_owned(), &|figure| cell(figure, region), tickets(region)))
        .collect();
    let all_open = if open.is_empty() { Cell::Unknown } else { Cell::Number(open.values().sum()) };
    rows.push(row(texts.of("total"), &national, all_open));
    let share = |figure: Option<&NationalFigure>| {
        let covers = figure.and_then(|figure| figure.completeness.as_ref());
        covers.map_or(Cell::Unknown, |covers| Cell::Share(covers.covered, covers.expected))
    };
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    rows.push(row(texts.of("covered"), &share, Cell::Share(count(open.len()), count(regions.len()))));
    let groups = [(1, String::new()), (4, texts.of("hotline")), (1, texts.of("sms")), (1, texts.of("web"))];
    let groups = groups.into_iter().chain([(1, texts.of("office")), (1, texts.of("tickets"))]).collect();
    let heads = std::iter::once(texts.of("region"))
        .chain(COLUMNS.iter().map(|(_, metric)| texts.of(metric)))
        .chain([texts.of("open")])
        .collect();
    Grid { groups, heads, rows, sums: 2, gap: if words { 2 } else { 1 } }
}

/// Which regions a figure covers, and why the others are missing.
fn figure_line(figure: &NationalFigure, texts: &Texts) -> Option<String> {
    let covers = figure.completeness.as_ref()?;
    let channel = Channel::from_number(figure.channel.into())?;
    let (covered, expected) = (covers.covered.to_string(), covers.expected.to_string());
    let values = [
        ("channel", texts.of(channel.code())),
        ("metric", texts.of(&figure.metric)),
        ("covered", covered),
        ("expected", expected),
    ];
    let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut text = format!("  {}", texts.with("figure-covers", &values));
    let missing = [
        ("figure-not-offered", &covers.not_offered),
        ("figure-not-reported", &covers.not_reported),
        ("figure-partial", &covers.partial),
    ];
    for (id, regions) in missing {
        if !regions.is_empty() {
            text = format!("{text}; {}", texts.with(id, &[("regions", &regions.join(", "))]));
        }
    }
    Some(text)
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
