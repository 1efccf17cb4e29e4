//! A report as text. Pure: what was answered goes in, a text comes out.

use gridcare_proto::{
    federation::v1::ReachStatus,
    report::v1::{
        DurationFigure, GetNationalReportResponse, GetReportResponse, OpenTickets, ReportFigure, ReportKpi,
        ReportPeriod, ReportRow,
    },
};
use jiff::tz::TimeZone;

use crate::{
    status::{cells::Grid, texts::Texts},
    time,
};

/// What was answered.
pub(super) enum Shown {
    Node(GetReportResponse),
    Country(GetNationalReportResponse),
}

impl Shown {
    fn rows(&self) -> &[ReportRow] {
        match self {
            Self::Node(report) => &report.rows,
            Self::Country(report) => &report.rows,
        }
    }

    fn open(&self) -> &[OpenTickets] {
        match self {
            Self::Node(report) => &report.open,
            Self::Country(report) => &report.open,
        }
    }

    fn figures(&self) -> &[ReportFigure] {
        match self {
            Self::Node(report) => &report.figures,
            Self::Country(report) => &report.figures,
        }
    }
}

/// The whole report.
pub(super) fn render(shown: &Shown, period: &ReportPeriod, texts: &Texts, zone: &TimeZone) -> String {
    let place = match shown {
        Shown::Node(report) => report.region.clone(),
        Shown::Country(_) => texts.of("report-country"),
    };
    let title = [("place", place.as_str()), ("from", &period.from), ("until", &period.until)];
    let page = Page { texts, national: matches!(shown, Shown::Country(_)) };
    let mut lines = vec![texts.with("report-title", &title), String::new()];
    lines.extend(page.flow(shown.rows()));
    lines.extend(page.kpis(shown.figures()));
    lines.extend(page.compliance(shown.rows()));
    lines.extend(page.ages(shown.open()));
    lines.extend(page.teams(shown));
    lines.extend(page.shares(shown.rows()));
    lines.extend(match shown {
        Shown::Node(report) => page.currency(report, zone),
        Shown::Country(report) => page.completeness(report, zone),
    });
    lines.iter().map(|line| line.trim_end().to_owned() + "\n").collect()
}

struct Page<'a> {
    texts: &'a Texts,
    national: bool,
}

impl Page<'_> {
    /// Region and category of a row; nothing where there is but one.
    fn name(&self, region: &str, category: &str) -> String {
        let region = match region {
            "" if self.national => self.texts.of("report-country"),
            region => region.to_owned(),
        };
        match (region.as_str(), category) {
            ("", "") => self.texts.of("report-all"),
            ("", category) => category.to_owned(),
            (_, "") => region,
            (_, category) => format!("{region} · {category}"),
        }
    }

    fn grid(&self, title: &str, heads: &[&str], rows: Vec<Vec<String>>) -> Vec<String> {
        if rows.is_empty() {
            return Vec::new();
        }
        let heads: Vec<_> =
            heads.iter().map(|head| if head.is_empty() { String::new() } else { self.texts.of(head) }).collect();
        let groups = vec![(1, String::new()); heads.len()];
        let lines = Grid { groups, heads, rows, sums: 0, gap: 2 }.lines();
        // The line of groups is empty; the title stands in its place.
        std::iter::once(self.texts.of(title)).chain(lines.into_iter().skip(1)).chain([String::new()]).collect()
    }

    fn flow(&self, rows: &[ReportRow]) -> Vec<String> {
        let number = |count: u64| self.texts.number(count);
        let row = |row: &ReportRow| {
            let happy = row.satisfaction.as_ref().and_then(|given| given.mean);
            let first = row.first_contact.as_ref().and_then(|first| first.rate);
            vec![
                format!("{}  {}", row.from, self.name(&row.region, &row.category)),
                number(row.inflow),
                number(row.resolved),
                number(row.closed),
                number(row.cancelled),
                number(row.merged),
                number(row.backlog),
                span(row.first_response.as_ref(), false),
                span(row.first_response.as_ref(), true),
                span(row.resolution.as_ref(), false),
                span(row.resolution.as_ref(), true),
                happy.map_or_else(none, |mean| format!("{mean:.2}")),
                first.map_or_else(none, percent),
            ]
        };
        let heads = [
            "",
            "report-inflow",
            "report-resolved",
            "report-closed",
            "report-cancelled",
            "report-merged",
            "report-backlog",
            "report-response-p50",
            "report-response-p95",
            "report-resolution-p50",
            "report-resolution-p95",
            "report-satisfaction",
            "report-first-contact",
        ];
        self.grid("report-flow", &heads, rows.iter().map(row).collect())
    }

    fn kpis(&self, figures: &[ReportFigure]) -> Vec<String> {
        let row = |kpi: &ReportKpi| {
            let source = if kpi.assumed {
                self.texts.with("report-source-assumed", &[("source", &kpi.source)])
            } else {
                kpi.source.clone()
            };
            let objective = kpi.objective.map_or_else(none, |objective| objective.to_string());
            vec![self.texts.either(&kpi.name_vi, &kpi.name_en).to_owned(), objective, source]
        };
        let rows = figures.iter().flat_map(|figure| &figure.kpis).map(row).collect();
        self.grid("report-kpis", &["", "report-objective", "report-source"], rows)
    }

    fn compliance(&self, rows: &[ReportRow]) -> Vec<String> {
        let number = |count: u64| self.texts.number(count);
        let mut assumed = false;
        let mut table = Vec::new();
        for row in rows {
            for clock in &row.compliance {
                assumed |= clock.assumed;
                let limit = format!("{}{}", clock.limit, if clock.assumed { "*" } else { "" });
                table.push(vec![
                    format!("{}  {}  {}", row.from, self.name(&row.region, &row.category), clock.target),
                    clock.standard.clone(),
                    limit,
                    number(clock.started),
                    number(clock.ended),
                    number(clock.met),
                    number(clock.breached),
                    number(clock.overdue),
                    number(clock.voided),
                    clock.of_all.map_or_else(none, percent),
                    clock.of_ended.map_or_else(none, percent),
                ]);
            }
        }
        let heads = [
            "",
            "report-standard",
            "report-limit",
            "report-started",
            "report-ended",
            "report-met",
            "report-breached",
            "report-overdue",
            "report-void",
            "report-of-all",
            "report-of-ended",
        ];
        let mut lines = self.grid("report-compliance", &heads, table);
        if assumed {
            lines.insert(lines.len() - 1, self.texts.of("report-assumed"));
        }
        lines
    }

    fn ages(&self, open: &[OpenTickets]) -> Vec<String> {
        let row = |now: &OpenTickets| {
            let ages = now.ages.iter().map(|band| self.texts.number(band.count));
            let head = [self.name(&now.region, &now.category), self.texts.number(now.open)];
            head.into_iter().chain(ages).collect::<Vec<_>>()
        };
        let heads =
            ["", "report-open", "report-age-0", "report-age-1", "report-age-3", "report-age-7", "report-age-30"];
        self.grid("report-ages", &heads, open.iter().map(row).collect())
    }

    /// Teams of all categories together, over the whole period.
    fn teams(&self, shown: &Shown) -> Vec<String> {
        let mut loads: std::collections::BTreeMap<(&str, &str), [u64; 3]> = std::collections::BTreeMap::new();
        for row in shown.rows().iter().filter(|row| row.category.is_empty()) {
            for team in &row.teams {
                let load = loads.entry((&row.region, &team.team)).or_default();
                load[0] += team.inflow;
                load[1] += team.resolved;
            }
        }
        for now in shown.open().iter().filter(|now| now.category.is_empty()) {
            for team in &now.teams {
                loads.entry((&now.region, &team.team)).or_default()[2] += team.open;
            }
        }
        // Teams of the country are those of its regions.
        loads.retain(|(region, _), _| !self.national || !region.is_empty());
        let row = |((region, team), load): ((&str, &str), [u64; 3])| {
            let team = if team.is_empty() { self.texts.of("report-no-team") } else { team.to_owned() };
            let name = if region.is_empty() { team } else { format!("{region} · {team}") };
            std::iter::once(name).chain(load.map(|count| self.texts.number(count))).collect()
        };
        let heads = ["", "report-inflow", "report-resolved", "report-open"];
        self.grid("report-teams", &heads, loads.into_iter().map(row).collect())
    }

    fn shares(&self, rows: &[ReportRow]) -> Vec<String> {
        let mut table = Vec::new();
        for row in rows.iter().filter(|row| row.category.is_empty()) {
            for one in row.channels.iter().chain(&row.topics) {
                table.push(vec![
                    format!("{}  {}  {}", row.from, self.name(&row.region, ""), one.code),
                    self.texts.number(one.count),
                    one.share.map_or_else(none, percent),
                ]);
            }
        }
        self.grid("report-shares", &["", "report-inflow", "report-share"], table)
    }

    fn currency(&self, report: &GetReportResponse, zone: &TimeZone) -> Vec<String> {
        let Some(currency) = &report.currency else { return Vec::new() };
        let mut line = self.texts.with("report-as-of", &[("asof", &moment(currency.as_of.as_ref(), zone))]);
        if currency.behind > 0 {
            line = format!("{line}, {}", self.texts.count("behind", &[("count", currency.behind)]));
        }
        if currency.recounting {
            line = format!("{line}; {}", self.texts.of("report-recounting"));
        }
        vec![line]
    }

    fn completeness(&self, report: &GetNationalReportResponse, zone: &TimeZone) -> Vec<String> {
        let mut lines = vec![self.texts.with("report-as-of", &[("asof", &moment(report.as_of.as_ref(), zone))])];
        if let Some(reach) = &report.completeness {
            let counts = [("covered", u64::from(reach.covered)), ("expected", u64::from(reach.expected))];
            lines.push(self.texts.count("reach", &counts));
            for away in reach.regions.iter().filter(|region| region.status() != ReachStatus::Ok) {
                let (since, as_of) = (moment(away.since.as_ref(), zone), moment(away.as_of.as_ref(), zone));
                let values = [("region", away.region.as_str()), ("since", &since), ("asof", &as_of)];
                lines.push(format!("  {}", self.texts.with("report-away", &values)));
            }
        }
        for figure in &report.coverage {
            let Some(covers) = figure.completeness.as_ref().filter(|covers| covers.covered < covers.expected) else {
                continue;
            };
            let (covered, expected) = (covers.covered.to_string(), covers.expected.to_string());
            let values = [("figure", figure.figure.as_str()), ("covered", &covered), ("expected", &expected)];
            let mut line = format!("  {}", self.texts.with("report-covers", &values));
            for (id, regions) in [("figure-not-reported", &covers.not_reported), ("figure-partial", &covers.partial)] {
                if !regions.is_empty() {
                    line = format!("{line}; {}", self.texts.with(id, &[("regions", &regions.join(", "))]));
                }
            }
            lines.push(line);
        }
        lines
    }
}

fn none() -> String {
    "–".to_owned()
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn span(figure: Option<&DurationFigure>, high: bool) -> String {
    let quantile = figure.and_then(|figure| if high { figure.p95.as_ref() } else { figure.p50.as_ref() });
    let Some(span) = quantile else { return none() };
    let minutes = span.seconds / 60;
    match (span.seconds, minutes) {
        (seconds @ ..120, _) => format!("{seconds} s"),
        (_, minutes @ ..120) => format!("{minutes} min"),
        (_, minutes @ ..2_880) => format!("{} h {:02}", minutes / 60, minutes % 60),
        (_, minutes) => format!("{} d {:02} h", minutes / 1_440, minutes / 60 % 24),
    }
}

fn moment(at: Option<&prost_types::Timestamp>, zone: &TimeZone) -> String {
    let at = at.and_then(time::from_wire);
    at.map_or_else(none, |at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string())
}
