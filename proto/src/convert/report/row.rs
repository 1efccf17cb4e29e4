use std::collections::BTreeMap;

use gridcare_domain::{
    clock::Rule,
    metric::ddsketch::DurationSketch,
    report::{
        ALL, AgeBand, Compliance, Figures, REPORT_FIGURES, ReportFigure, Standing, Sums, Unreadable, day::date_of,
        share,
    },
    standard::{Bundle, Kpi, limit},
};

use crate::{
    convert::{metric::duration_sketch_to_wire, report::Asked},
    report::v1 as wire,
};

/// What a rule of a standard says, in the standard's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText {
    /// Such as `2 h` or `3 wd`.
    pub limit: String,
    /// The article or statement that it comes from.
    pub source: String,
    /// The source gives no date.
    pub assumed: bool,
}

impl From<&Rule> for RuleText {
    fn from(rule: &Rule) -> Self {
        Self { limit: limit::write(&rule.limit), source: rule.source.clone(), assumed: rule.assumed }
    }
}

/// Finds what a rule says by its key; `None` for a version that is not known here.
pub type Rules<'a> = &'a dyn Fn(&str) -> Option<RuleText>;

/// What a report shows of one region, or of the country.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// Rows: all that was asked for together first, then by category.
    pub rows: Vec<wire::ReportRow>,
    /// What is open now, in the same order.
    pub open: Vec<wire::OpenTickets>,
}

/// Draws rows from sums that were read for this question.
///
/// # Errors
/// [`Unreadable`] when a stored detail is none of ours.
pub fn draw(region: &str, asked: &Asked, sums: &Sums, known: &[String], rules: Rules<'_>) -> Result<Drawn, Unreadable> {
    let together = (!asked.categories.is_empty()).then(|| sums.together(&asked.categories, ALL));
    let mut drawn = Drawn::default();
    let mut show = |sums: &Sums, category: &str| -> Result<(), Unreadable> {
        let figures = sums.figures(category, asked.intervals.len())?;
        for (days, figures) in asked.intervals.iter().zip(&figures) {
            let mut row = row(figures, asked.with_sketches, rules);
            row.from = date_of(days.from).to_string();
            row.until = date_of(days.until).to_string();
            region.clone_into(&mut row.region);
            category.clone_into(&mut row.category);
            drawn.rows.push(row);
        }
        drawn.open.push(open(region, category, &sums.standing(category)));
        Ok(())
    };
    show(together.as_ref().unwrap_or(sums), ALL)?;
    if asked.by_category {
        for category in asked.reads(known).iter().filter(|category| *category != ALL) {
            show(sums, category)?;
        }
    }
    Ok(drawn)
}

fn n(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

fn row(figures: &Figures, with_sketches: bool, rules: Rules<'_>) -> wire::ReportRow {
    let judged = figures.not_repeated + figures.repeated;
    let given: i64 = figures.scores.values().sum();
    let team = |(team, load): (&String, &gridcare_domain::report::TeamLoad)| wire::TeamWorkload {
        team: team.clone(),
        inflow: n(load.inflow),
        resolved: n(load.resolved),
    };
    wire::ReportRow {
        inflow: n(figures.inflow),
        resolved: n(figures.resolved),
        closed: n(figures.closed),
        cancelled: n(figures.cancelled),
        merged: n(figures.merged),
        backlog: n(figures.backlog),
        first_response: Some(duration(&figures.first_response, with_sketches)),
        resolution: Some(duration(&figures.resolution, with_sketches)),
        compliance: figures.compliance.iter().map(|row| compliance(row, rules)).collect(),
        satisfaction: Some(wire::SatisfactionFigure {
            count: n(given),
            score_sum: n(figures.score_total),
            scores: (1..=5).map(|score| n(figures.scores.get(&score).copied().unwrap_or(0))).collect(),
            mean: share(figures.score_total, given),
        }),
        first_contact: Some(wire::FirstContactFigure {
            judged: n(judged),
            not_repeated: n(figures.not_repeated),
            repeated: n(figures.repeated),
            rate: share(figures.not_repeated, judged),
        }),
        teams: figures.teams.iter().map(team).collect(),
        channels: shares(&figures.channels, figures.inflow),
        topics: shares(&figures.topics, figures.inflow),
        ..wire::ReportRow::default()
    }
}

fn shares(counts: &BTreeMap<String, i64>, inflow: i64) -> Vec<wire::CodeShare> {
    let one = |(code, count): (&String, &i64)| wire::CodeShare {
        code: code.clone(),
        count: n(*count),
        share: share(*count, inflow),
    };
    counts.iter().map(one).collect()
}

fn compliance(row: &Compliance, rules: Rules<'_>) -> wire::ComplianceRow {
    let text = rules(&row.rule);
    let (limit, source, assumed) = text.map(|text| (text.limit, text.source, text.assumed)).unwrap_or_default();
    wire::ComplianceRow {
        target: row.target.clone(),
        kind: i32::try_from(row.kind).unwrap_or(0),
        rule: row.rule.clone(),
        standard: row.rule.split('/').next().unwrap_or_default().to_owned(),
        limit,
        source,
        assumed,
        started: n(row.started),
        ended: n(row.ended),
        met: n(row.met),
        breached: n(row.breached),
        overdue: n(row.overdue),
        voided: n(row.void),
        of_all: row.of_all(),
        of_ended: row.of_ended(),
    }
}

fn duration(sketch: &DurationSketch, with_sketches: bool) -> wire::DurationFigure {
    let count = sketch.count();
    let quantile = |q: f64| sketch.quantile(q).map(|ms| span(ms / 1e3));
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of all tickets are far below 2^53")]
    let mean = (count > 0).then(|| span(sketch.sum() as f64 / count as f64 / 1e3));
    wire::DurationFigure {
        count,
        p50: quantile(0.5),
        p90: quantile(0.9),
        p95: quantile(0.95),
        mean,
        sketch: with_sketches.then(|| duration_sketch_to_wire(sketch)),
    }
}

/// Seconds on the wire, to the microsecond.
fn span(seconds: f64) -> prost_types::Duration {
    #[expect(clippy::cast_possible_truncation, reason = "a casting beyond the range gives its end")]
    let us = (seconds * 1e6).round() as i64;
    prost_types::Duration { seconds: us / 1_000_000, nanos: i32::try_from(us % 1_000_000 * 1_000).unwrap_or(0) }
}

fn open(region: &str, category: &str, standing: &Standing) -> wire::OpenTickets {
    let band = |(band, count): (&AgeBand, &i64)| wire::AgeBand {
        from_days: band.from,
        until_days: band.until.unwrap_or(0),
        count: n(*count),
    };
    let team = |(team, open): (&String, &i64)| wire::TeamBacklog { team: team.clone(), open: n(*open) };
    wire::OpenTickets {
        region: region.to_owned(),
        category: category.to_owned(),
        open: n(standing.open),
        ages: AgeBand::ALL.iter().zip(&standing.ages).map(band).collect(),
        teams: standing.teams.iter().map(team).collect(),
    }
}

/// How every figure is made, and what the standard in force says of it.
#[must_use]
pub fn figures_to_wire(standard: Option<&Bundle>) -> Vec<wire::ReportFigure> {
    let figure = |figure: &ReportFigure| wire::ReportFigure {
        figure: figure.name.to_owned(),
        formula: figure.formula.to_owned(),
        threshold: figure.threshold.to_owned(),
        denominator: figure.denominator.to_owned(),
        day: figure.day.to_owned(),
        kpis: standard.map(|bundle| kpis(figure, bundle)).unwrap_or_default(),
    };
    REPORT_FIGURES.iter().map(figure).collect()
}

fn kpis(figure: &ReportFigure, bundle: &Bundle) -> Vec<wire::ReportKpi> {
    let said = |kpi: &Kpi| wire::ReportKpi {
        id: kpi.id.clone(),
        name_vi: kpi.name_vi.clone(),
        name_en: kpi.name_en.clone(),
        objective: kpi.objective,
        threshold: kpi.threshold.clone().unwrap_or_default(),
        source: kpi.source.clone(),
        assumed: kpi.assumed,
        standard: bundle.version_id(),
    };
    figure.kpis.iter().filter_map(|id| bundle.kpi(id)).map(said).collect()
}

#[cfg(test)]
mod tests {
    use gridcare_domain::standard::{builtin, read};

    use super::{
        super::{Cell, Table},
        *,
    };

    /// What ships, with something to reach.
    fn bundle() -> Bundle {
        let yaml = builtin()
            .replacen("formula: score_sum / scores,", "formula: score_sum / scores, objective: 4.25,", 1)
            .replacen("formula: p90_first_response,", "formula: p90_first_response, objective: 3600,", 1);
        read(&yaml).unwrap()
    }

    #[test]
    fn figures_carry_what_the_standard_says_of_them() {
        let figures = figures_to_wire(Some(&bundle()));
        let of = |name: &str| figures.iter().find(|figure| figure.figure == name).unwrap().kpis.as_slice();
        let [satisfaction] = of("satisfaction") else { panic!("one says what satisfaction is to be") };
        assert_eq!((satisfaction.objective, satisfaction.assumed), (Some(4.25), true));
        assert_eq!((satisfaction.source.as_str(), satisfaction.standard.as_str()), ("practice", "evn-2013.1"));
        assert_eq!(satisfaction.name_vi, "Điểm hài lòng bình quân");
        let quantiles: Vec<_> = of("first_response").iter().map(|kpi| (kpi.id.as_str(), kpi.objective)).collect();
        assert_eq!(quantiles, [("first_response_p50", None), ("first_response_p90", Some(3600.0))]);
        assert_eq!(of("compliance_of_all")[0].id, "compliance");
        assert_eq!(of("first_contact_resolution")[0].threshold, "P7D");
        assert!(of("inflow").is_empty(), "the standard does not name it");
        assert!(figures_to_wire(None).iter().all(|figure| figure.kpis.is_empty()));
    }

    #[test]
    fn an_export_has_objectives_beside_what_should_reach_them() {
        let duration = wire::DurationFigure { count: 1, ..Default::default() };
        let scores = wire::SatisfactionFigure { scores: vec![0, 0, 0, 0, 1], ..Default::default() };
        let row = wire::ReportRow { first_response: Some(duration), satisfaction: Some(scores), ..Default::default() };
        let figures = figures_to_wire(Some(&bundle()));
        let table = Table::of_report(&wire::GetReportResponse { rows: vec![row], figures, ..Default::default() });
        let column = |name: &str| table.columns.iter().position(|(column, _)| *column == name).unwrap();
        let (figure, subject, objective) = (column("figure"), column("subject"), column("objective"));
        let reached = table.rows.iter().filter(|row| row[objective] != Cell::Empty);
        let reached: Vec<_> = reached.map(|row| format!("{:?} {:?}", row[figure], row[subject])).collect();
        assert_eq!(reached, [r#"Text("first_response") Text("p90")"#, r#"Text("satisfaction") Empty"#]);
    }
}
