use std::collections::BTreeMap;

use crate::{convert::time, federation::v1::FigureCompleteness, report::v1 as wire, ticket::v1::ClockKind};

/// A cell of an export.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing: not applicable, or not known; never zero.
    Empty,
    /// A code or words.
    Text(String),
    /// A count.
    Count(i64),
    /// A share or a mean.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// [`Cell::Text`].
    Text,
    /// [`Cell::Count`].
    Count,
    /// [`Cell::Number`].
    Number,
    /// [`Cell::Flag`].
    Flag,
}

/// Figures in the long form, one a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Names and kinds of the columns.
    pub columns: &'static [(&'static str, Column)],
    /// Rows, each with a cell for every column.
    pub rows: Vec<Vec<Cell>>,
}

/// The columns of every export.
const COLUMNS: &[(&str, Column)] = &[
    ("region", Column::Text),
    ("from", Column::Text),
    ("until", Column::Text),
    ("category", Column::Text),
    ("figure", Column::Text),
    // A target, a team, a channel, a topic, a score, a quantile or an age.
    ("subject", Column::Text),
    ("standard", Column::Text),
    ("limit", Column::Text),
    ("source", Column::Text),
    ("assumed", Column::Flag),
    ("value", Column::Number),
    ("numerator", Column::Count),
    ("denominator", Column::Count),
    ("unit", Column::Text),
    ("regions_expected", Column::Count),
    ("regions_covered", Column::Count),
    ("as_of", Column::Text),
    ("objective", Column::Number),
];

/// Which regions a figure covers, by its name.
type Coverage<'a> = BTreeMap<&'a str, &'a FigureCompleteness>;

/// What is said of figures, whatever the row.
struct Known<'a> {
    coverage: Coverage<'a>,
    /// What the standard says, by the figure's name.
    kpis: BTreeMap<&'a str, &'a [wire::ReportKpi]>,
    as_of: Cell,
}

impl<'a> Known<'a> {
    fn new(figures: &'a [wire::ReportFigure], coverage: Coverage<'a>, as_of: Option<&prost_types::Timestamp>) -> Self {
        Self {
            coverage,
            kpis: figures.iter().map(|figure| (figure.figure.as_str(), figure.kpis.as_slice())).collect(),
            as_of: as_of.and_then(time::instant).map_or(Cell::Empty, |at| Cell::Text(at.to_string())),
        }
    }

    /// What the standard says of a line: of a quantile its own, of how many gave a score nothing.
    fn kpi(&self, line: &Line) -> Option<&'a wire::ReportKpi> {
        let kpis = *self.kpis.get(line.figure)?;
        match line.unit {
            "tickets" => None,
            "s" => {
                let id = format!("{}_{}", line.figure, line.subject);
                kpis.iter().find(|kpi| kpi.id == id)
            }
            _ => kpis.first(),
        }
    }
}

impl Table {
    /// The table of a node's report.
    #[must_use]
    pub fn of_report(report: &wire::GetReportResponse) -> Self {
        let as_of = report.currency.as_ref().and_then(|currency| currency.as_of.as_ref());
        let name = |region: &str| if region.is_empty() { report.region.clone() } else { region.to_owned() };
        of(&report.rows, &report.open, &Known::new(&report.figures, Coverage::new(), as_of), &name)
    }

    /// The table of a national report; the country's rows have no region.
    #[must_use]
    pub fn of_national_report(report: &wire::GetNationalReportResponse) -> Self {
        let covers = |figure: &'_ wire::NationalReportFigure| figure.completeness.is_some();
        let coverage = report.coverage.iter().filter(|figure| covers(figure));
        let coverage = coverage.filter_map(|figure| Some((figure.figure.as_str(), figure.completeness.as_ref()?)));
        let known = Known::new(&report.figures, coverage.collect(), report.as_of.as_ref());
        of(&report.rows, &report.open, &known, &str::to_owned)
    }
}

fn of(rows: &[wire::ReportRow], open: &[wire::OpenTickets], known: &Known<'_>, name: &dyn Fn(&str) -> String) -> Table {
    let mut all = Vec::new();
    for row in rows {
        let place = Place {
            region: name(&row.region),
            national: row.region.is_empty(),
            from: &row.from,
            until: &row.until,
            category: &row.category,
        };
        let mut lines = Lines(Vec::new());
        lines.row(row);
        all.extend(lines.0.into_iter().map(|line| line.cells(&place, known)));
    }
    for now in open {
        let place = Place {
            region: name(&now.region),
            national: now.region.is_empty(),
            from: "",
            until: "",
            category: &now.category,
        };
        let mut lines = Lines(Vec::new());
        lines.open(now);
        all.extend(lines.0.into_iter().map(|line| line.cells(&place, known)));
    }
    Table { columns: COLUMNS, rows: all }
}

struct Place<'a> {
    region: String,
    national: bool,
    from: &'a str,
    until: &'a str,
    category: &'a str,
}

/// One figure.
#[derive(Default)]
struct Line {
    figure: &'static str,
    subject: String,
    rule: Option<(String, String, String, bool)>,
    value: Option<f64>,
    parts: Option<(u64, u64)>,
    unit: &'static str,
}

impl Line {
    fn cells(self, place: &Place<'_>, known: &Known<'_>) -> Vec<Cell> {
        let text = |text: &str| if text.is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) };
        let count = |count: u64| Cell::Count(i64::try_from(count).unwrap_or(i64::MAX));
        let kpi = known.kpi(&self);
        let (standard, limit, source, assumed) = match (&self.rule, kpi) {
            (Some((standard, limit, source, assumed)), _) => {
                (text(standard), text(limit), text(source), Cell::Flag(*assumed))
            }
            (None, Some(kpi)) => {
                (text(&kpi.standard), text(&kpi.threshold), text(&kpi.source), Cell::Flag(kpi.assumed))
            }
            (None, None) => (Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty),
        };
        let (numerator, denominator) =
            self.parts.map_or((Cell::Empty, Cell::Empty), |(part, whole)| (count(part), count(whole)));
        let covers = known.coverage.get(self.figure).filter(|_| place.national);
        let (expected, covered) = covers.map_or((Cell::Empty, Cell::Empty), |covers| {
            (Cell::Count(covers.expected.into()), Cell::Count(covers.covered.into()))
        });
        vec![
            text(&place.region),
            text(place.from),
            text(place.until),
            text(place.category),
            text(self.figure),
            text(&self.subject),
            standard,
            limit,
            source,
            assumed,
            self.value.map_or(Cell::Empty, Cell::Number),
            numerator,
            denominator,
            text(self.unit),
            expected,
            covered,
            known.as_of.clone(),
            kpi.and_then(|kpi| kpi.objective).map_or(Cell::Empty, Cell::Number),
        ]
    }
}

struct Lines(Vec<Line>);

impl Lines {
    fn count(&mut self, figure: &'static str, subject: &str, count: u64) {
        #[expect(clippy::cast_precision_loss, reason = "counts of tickets are far below 2^53")]
        let value = Some(count as f64);
        self.0.push(Line { figure, subject: subject.to_owned(), value, unit: "tickets", ..Line::default() });
    }

    fn share(&mut self, figure: &'static str, subject: &str, value: Option<f64>, part: u64, whole: u64) {
        let subject = subject.to_owned();
        self.0.push(Line { figure, subject, value, parts: Some((part, whole)), unit: "share", ..Line::default() });
    }

    fn row(&mut self, row: &wire::ReportRow) {
        self.count("inflow", "", row.inflow);
        self.count("resolved", "", row.resolved);
        self.count("closed", "", row.closed);
        self.count("cancelled", "", row.cancelled);
        self.count("merged", "", row.merged);
        self.count("backlog", "", row.backlog);
        self.duration("first_response", row.first_response.as_ref());
        self.duration("resolution", row.resolution.as_ref());
        for clock in &row.compliance {
            let rule = (clock.standard.clone(), clock.limit.clone(), clock.source.clone(), clock.assumed);
            let kind = ClockKind::try_from(clock.kind).unwrap_or_default();
            let kind = kind.as_str_name().trim_start_matches("CLOCK_KIND_").to_lowercase();
            let subject = format!("{}/{kind}", clock.target);
            for (figure, value, whole) in [
                ("compliance_of_all", clock.of_all, clock.started),
                ("compliance_of_ended", clock.of_ended, clock.ended),
            ] {
                self.share(figure, &subject, value, clock.met, whole);
                if let Some(line) = self.0.last_mut() {
                    line.rule = Some(rule.clone());
                }
            }
        }
        if let Some(given) = &row.satisfaction {
            let parts = Some((given.score_sum, given.count));
            self.0.push(Line { figure: "satisfaction", value: given.mean, parts, unit: "score", ..Line::default() });
            for (score, count) in (1..).zip(&given.scores) {
                self.count("satisfaction", &format!("score {score}"), *count);
            }
        }
        if let Some(first) = &row.first_contact {
            self.share("first_contact_resolution", "", first.rate, first.not_repeated, first.judged);
        }
        for team in &row.teams {
            self.count("team_inflow", &team.team, team.inflow);
            self.count("team_resolved", &team.team, team.resolved);
        }
        for (figure, shares) in [("channel", &row.channels), ("topic", &row.topics)] {
            for one in shares {
                self.share(figure, &one.code, one.share, one.count, row.inflow);
            }
        }
    }

    fn duration(&mut self, figure: &'static str, found: Option<&wire::DurationFigure>) {
        let Some(found) = found else { return };
        let seconds = |span: &prost_types::Duration| {
            #[expect(clippy::cast_precision_loss, reason = "durations of tickets are far below 2^53 seconds")]
            let whole = span.seconds as f64;
            whole + f64::from(span.nanos) / 1e9
        };
        for (subject, span) in [("p50", &found.p50), ("p90", &found.p90), ("p95", &found.p95), ("mean", &found.mean)] {
            let value = span.as_ref().map(seconds);
            let parts = Some((found.count, found.count));
            self.0.push(Line { figure, subject: subject.to_owned(), value, parts, unit: "s", ..Line::default() });
        }
    }

    fn open(&mut self, now: &wire::OpenTickets) {
        for band in &now.ages {
            let subject = match band.until_days {
                0 => format!("{} d and more", band.from_days),
                until => format!("{} to {until} d", band.from_days),
            };
            self.count("age", &subject, band.count);
        }
        for team in &now.teams {
            self.count("team_open", &team.team, team.open);
        }
    }
}
