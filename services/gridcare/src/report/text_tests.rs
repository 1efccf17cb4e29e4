use gridcare_proto::{
    federation::v1::{Completeness, FigureCompleteness, ReachStatus, RegionReach},
    report::v1::{
        AgeBand, ComplianceRow, DurationFigure, GetNationalReportResponse, GetReportResponse, NationalReportFigure,
        OpenTickets, ReportCurrency, ReportFigure, ReportKpi, ReportPeriod, ReportRow, TeamWorkload,
    },
};
use jiff::tz::TimeZone;

use super::text::{Shown, render};
use crate::status::texts::{Lang, Texts};

fn row() -> ReportRow {
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    ReportRow {
        from: "2013-05-01".into(),
        until: "2013-06-01".into(),
        inflow: 1_234,
        backlog: 17,
        resolution: Some(DurationFigure { count: 9, p50: seconds(5_400), p95: seconds(200_000), ..Default::default() }),
        compliance: vec![ComplianceRow {
            target: "restore_after_fault".into(),
            standard: "evn-2013.1".into(),
            limit: "2 h".into(),
            assumed: true,
            started: 10,
            ended: 8,
            met: 6,
            breached: 3,
            overdue: 1,
            of_all: Some(0.6),
            of_ended: Some(0.75),
            ..Default::default()
        }],
        teams: vec![TeamWorkload { team: String::new(), inflow: 3, resolved: 1 }],
        ..Default::default()
    }
}

fn open() -> OpenTickets {
    let band = |count| AgeBand { count, ..Default::default() };
    OpenTickets { open: 17, ages: (1..=5).map(band).collect(), ..Default::default() }
}

#[test]
fn a_report_of_a_node_is_readable_in_both_languages() {
    let currency = ReportCurrency { behind: 1, ..Default::default() };
    let kpi = ReportKpi {
        name_vi: "Điểm hài lòng".into(),
        name_en: "Satisfaction".into(),
        objective: Some(4.25),
        source: "EVN 2017".into(),
        assumed: true,
        ..Default::default()
    };
    let report = GetReportResponse {
        rows: vec![row()],
        open: vec![open()],
        figures: vec![ReportFigure { kpis: vec![kpi], ..Default::default() }],
        region: "HCMC".into(),
        currency: Some(currency),
        ..Default::default()
    };
    let (shown, period) = (Shown::Node(report), ReportPeriod { from: "2013-05-01".into(), ..Default::default() });
    let english = render(&shown, &period, &Texts::new(Lang::En), &TimeZone::UTC);
    for part in ["HCMC", "1,234", "90 min", "2 d 07 h", "2 h*", "60.00 %", "75.00 %", "one entry behind", "no team"] {
        assert!(english.contains(part), "{part} in\n{english}");
    }
    assert!(english.contains("4.25") && english.contains("EVN 2017, assumed"), "{english}");
    let vietnamese = render(&shown, &period, &Texts::new(Lang::Vi), &TimeZone::UTC);
    for part in ["Báo cáo phiếu", "1.234", "chưa có tổ", "Điểm hài lòng", "EVN 2017, giả định"] {
        assert!(vietnamese.contains(part), "{part} in\n{vietnamese}");
    }
    assert!(!english.contains("report-") && !vietnamese.contains("report-"), "every text is there");
}

#[test]
fn a_report_of_the_country_says_who_is_missing() {
    let away = RegionReach { region: "SPC".into(), status: ReachStatus::Unreachable.into(), ..Default::default() };
    let covers = FigureCompleteness { expected: 2, covered: 1, not_reported: vec!["NPC".into()], ..Default::default() };
    let report = GetNationalReportResponse {
        rows: vec![row(), ReportRow { region: "NPC".into(), ..row() }],
        coverage: vec![NationalReportFigure { figure: "satisfaction".into(), completeness: Some(covers) }],
        completeness: Some(Completeness { expected: 2, covered: 1, regions: vec![away] }),
        ..Default::default()
    };
    let text = render(&Shown::Country(report), &ReportPeriod::default(), &Texts::new(Lang::En), &TimeZone::UTC);
    for part in
        ["1 of 2 regions", "SPC: away since", "satisfaction: 1 of 2 regions; not reported by NPC", "NPC · no team"]
    {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}
