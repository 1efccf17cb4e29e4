use super::Measure;

/// A published figure of a report, with all that is needed to read it; travels with the figure.
#[derive(Debug, Clone, Copy)]
pub struct ReportFigure {
    /// Its name, as exports and completeness call it.
    pub name: &'static str,
    /// How it is made.
    pub formula: &'static str,
    /// What is compared with what, or empty.
    pub threshold: &'static str,
    /// What it is a share of, or empty.
    pub denominator: &'static str,
    /// On which local day of the region a ticket counts.
    pub day: &'static str,
    /// What a standard calls it; of a duration, its quantiles.
    pub kpis: &'static [&'static str],
    /// The measures without which it cannot be made.
    pub measures: &'static [Measure],
}

const fn figure(name: &'static str, formula: &'static str, day: &'static str) -> ReportFigure {
    ReportFigure { name, formula, threshold: "", denominator: "", day, kpis: &[], measures: &[] }
}

const OPENED: &str = "the day of opening";
const RESOLVED: &str = "the day of the resolution";
const STARTED: &str = "the day on which the clock started";
const NOW: &str = "none: as of now";
const PERCENTILE: &str =
    "quantiles 0.5, 0.9 and 0.95 of the merged DDSketch with relative accuracy 1 %; never an average of quantiles";

/// The figures of every report, each formula written once.
pub const REPORT_FIGURES: &[ReportFigure] = &[
    figure("inflow", "tickets opened", OPENED),
    figure("resolved", "tickets resolved, neither cancelled nor merged, and not reopened since", RESOLVED),
    figure("closed", "tickets closed for good", "the day of closing"),
    figure("cancelled", "tickets cancelled", "the day of cancelling"),
    figure("merged", "tickets merged into another one", "the day of merging"),
    figure(
        "backlog",
        "cumulative inflow - cumulative ended at the end of the interval; ended: resolved, closed, cancelled or merged; a reopened ticket counts as open since its opening",
        "the last day of the interval",
    ),
    ReportFigure {
        threshold: "whole local days since the day of opening: below 1, 1 to below 3, 3 to below 7, 7 to below 30, 30 and more",
        ..figure("age", "tickets open now, by age", NOW)
    },
    ReportFigure {
        denominator: "tickets with a first public answer on the day, without merged ones",
        kpis: &["first_response_p50", "first_response_p90"],
        measures: &[Measure::FirstResponse],
        threshold: PERCENTILE,
        ..figure(
            "first_response",
            "time of the first public answer - time of opening",
            "the day of the first public answer",
        )
    },
    ReportFigure {
        denominator: "tickets resolved on the day",
        kpis: &["resolution_p50", "resolution_p90"],
        measures: &[Measure::Resolution],
        threshold: PERCENTILE,
        ..figure("resolution", "time of the resolution - time of opening", RESOLVED)
    },
    ReportFigure {
        threshold: "the limit of the rule under which the clock was last decided",
        denominator: "all clocks that started on the day, without void ones",
        kpis: &["compliance"],
        measures: &[Measure::Clock],
        ..figure(
            "compliance_of_all",
            "clocks that ended within their limit / all clocks; those that run or are overdue are not met",
            STARTED,
        )
    },
    ReportFigure {
        threshold: "the limit of the rule under which the clock was last decided",
        denominator: "clocks that started on the day and have ended; a clock of a resolved ticket has ended",
        kpis: &["compliance_of_ended"],
        measures: &[Measure::Clock],
        ..figure("compliance_of_ended", "clocks that ended within their limit / clocks that ended", STARTED)
    },
    ReportFigure {
        threshold: "1 very dissatisfied to 5 very satisfied",
        denominator: "tickets rated on the day",
        kpis: &["satisfaction"],
        measures: &[Measure::Satisfaction],
        ..figure("satisfaction", "sum of scores / number of scores", "the day of the rating")
    },
    ReportFigure {
        threshold: "the standard's window for a repeated contact",
        denominator: "tickets resolved on the day whose window has passed or whose customer came back",
        kpis: &["first_contact_resolution"],
        measures: &[Measure::FirstContact],
        ..figure("first_contact_resolution", "resolved without a repeated contact / judged", RESOLVED)
    },
    figure("team_inflow", "tickets opened, by the team that has them now", OPENED),
    figure("team_resolved", "tickets resolved, by the team that has them now", RESOLVED),
    figure("team_open", "tickets open now, by team", NOW),
    ReportFigure { denominator: "inflow", ..figure("channel", "tickets opened, by channel", OPENED) },
    ReportFigure { denominator: "inflow", ..figure("topic", "tickets opened, by topic", OPENED) },
];
