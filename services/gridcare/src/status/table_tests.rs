use gridcare_proto::federation::v1::{
    Completeness, FigureCompleteness, ReachStatus, RegionFigure, RegionReach, RegionTickets,
};
use unicode_width::UnicodeWidthStr as _;

use super::*;
use crate::{status::texts::Lang, time::to_wire};

const REGIONS: [&str; 5] = ["NPC", "HANOI", "CPC", "HCMC", "SPC"];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn national_figure(channel: Channel, metric: &str, of: impl Fn(&str) -> (FigureStatus, u64)) -> NationalFigure {
    let regions: Vec<_> = REGIONS
        .iter()
        .map(|region| {
            let (status, value) = of(region);
            RegionFigure { region: (*region).to_owned(), status: status.into(), value }
        })
        .collect();
    let named = |status: FigureStatus| -> Vec<String> {
        regions.iter().filter(|region| region.status() == status).map(|region| region.region.clone()).collect()
    };
    let completeness = FigureCompleteness {
        expected: 5,
        covered: u32::try_from(named(FigureStatus::Reported).len()).unwrap(),
        not_offered: named(FigureStatus::NotOffered),
        not_reported: named(FigureStatus::NotReported),
        partial: Vec::new(),
    };
    NationalFigure {
        channel: i32::try_from(channel.number()).unwrap(),
        metric: metric.to_owned(),
        formula: String::new(),
        total: regions.iter().map(|region| region.value).sum(),
        regions,
        completeness: Some(completeness),
    }
}

/// Hanoi has been unreachable for three minutes, and nothing was ever received of the Centre.
fn country() -> GetNationalStatusResponse {
    use FigureStatus::{NotOffered, NotReported, Reported, Unknown};
    let figures = COLUMNS.map(|(channel, metric)| {
        national_figure(channel, metric, |region| match (channel, metric, region) {
            (_, _, "CPC") => (Unknown, 0),
            (Channel::Hotline, "answered", "HANOI") => (Reported, 11_574),
            (Channel::Hotline, "answered", "HCMC") => (Reported, 642_116),
            (Channel::Hotline | Channel::Office, ..) => (NotReported, 0),
            (Channel::Sms, _, "HCMC") => (Reported, 797_500),
            (Channel::Sms, _, "SPC") => (Reported, 450_000),
            (Channel::Web, _, "HCMC") => (Reported, 34_353),
            _ => (NotOffered, 0),
        })
    });
    let now = at("2013-06-01T07:05:11Z");
    let reach = |region: &str| {
        let (status, as_of, since) = match region {
            "HANOI" => (ReachStatus::Unreachable, Some("2013-06-01T07:02:09Z"), Some("2013-06-01T07:02:11Z")),
            "CPC" => (ReachStatus::Unreachable, None, Some("2013-05-31T07:02:11Z")),
            _ => (ReachStatus::Ok, Some("2013-06-01T07:05:10Z"), None),
        };
        RegionReach {
            region: region.to_owned(),
            node: format!("{}-1", region.to_lowercase()),
            status: status.into(),
            as_of: as_of.map(|text| to_wire(at(text))),
            since: since.map(|text| to_wire(at(text))),
            behind: u64::from(region == "SPC"),
        }
    };
    GetNationalStatusResponse {
        from: Some(to_wire(at("2012-12-31T17:00:00Z"))),
        until: Some(to_wire(at("2013-05-31T17:00:00Z"))),
        as_of: Some(to_wire(now)),
        figures: figures.to_vec(),
        tickets: vec![RegionTickets { region: "HCMC".to_owned(), open: 1_234, total: 2_000 }],
        completeness: Some(Completeness {
            expected: 5,
            covered: 3,
            regions: REGIONS.iter().map(|r| reach(r)).collect(),
        }),
    }
}

fn shown(lang: Lang, width: usize) -> Vec<String> {
    let zone = TimeZone::fixed(jiff::tz::offset(7));
    let texts = Texts::new(lang);
    let view = View { texts: &texts, zone: &zone, now: at("2013-06-01T07:05:11Z"), width };
    render(&country(), &view).lines().map(str::to_owned).collect()
}

#[test]
fn four_different_answers_look_different() {
    let lines = shown(Lang::En, usize::MAX);
    let row = |head: &str| {
        let line = lines.iter().find(|line| line.starts_with(head)).unwrap();
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lines[0], "Việt Nam: customer care from 2013-01-01 to 2013-06-01");
    let missing = "not reported";
    assert_eq!(row("HCMC"), ["HCMC", missing, "642,116", missing, missing, "797,500", "34,353", missing, "1,234"]);
    assert_eq!(row("NPC")[5..], ["not offered", "not offered", missing, "— unknown"]);
    assert_eq!(row("CPC")[1], "— unknown");
    assert_eq!(
        row("Country")[1..],
        ["— unknown", "653,690", "— unknown", "— unknown", "1,247,500", "34,353", "— unknown", "1,234"]
    );
    assert_eq!(row("regions in it")[1..], ["0/5", "2/5", "0/5", "0/5", "2/5", "1/5", "0/5", "1/5"]);
}

#[test]
fn below_the_table_it_says_who_is_missing_since_when_and_how_old_the_rest_is() {
    let text = shown(Lang::En, usize::MAX).join("\n");
    for said in [
        "Completeness: 3 of 5 regions covered",
        "HANOI (hanoi-1)  unreachable since 14:02:11, figures as of 14:02:09 (3 min ago)",
        "CPC (cpc-1)      unreachable since 2013-05-31 14:02:11; nothing was ever received",
        "SPC (spc-1)      up to date, figures as of 14:05:10 (1 s ago), one entry behind",
        "Hotline, answered: 2 of 5 regions; not reported by NPC, SPC",
        "Web, visits: 1 of 5 regions; not offered by NPC, HANOI, SPC",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
}

#[test]
fn columns_stand_under_each_other_in_vietnamese_too_and_a_narrow_screen_gets_signs() {
    for (lang, width) in [(Lang::Vi, usize::MAX), (Lang::En, usize::MAX), (Lang::Vi, 80), (Lang::En, 80)] {
        let lines = shown(lang, width);
        assert!(lines.iter().all(|line| line.width() <= width), "{lines:#?}");
        let rule = lines.iter().position(|line| line.starts_with('─')).unwrap();
        // The last column is filled to the right edge in every row.
        let rows = &lines[rule + 1..rule + 6];
        assert!(rows.iter().all(|row| row.width() == lines[rule].width()), "{lines:#?}");
    }
    let narrow = shown(Lang::Vi, 80).join("\n");
    assert!(narrow.contains("· không có kênh này") && narrow.contains("642.116"), "{narrow}");
    assert!(shown(Lang::Vi, usize::MAX).join("\n").contains("mất liên lạc từ 14:02:11, số liệu lúc 14:02:09"));
}
