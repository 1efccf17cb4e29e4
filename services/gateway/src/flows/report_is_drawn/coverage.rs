use gridcare_domain::report::{Measure, REPORT_FIGURES};
use gridcare_proto::{federation::v1::FigureCompleteness, report::v1 as wire};

/// What a member has reported so far.
#[derive(Debug, Clone)]
pub(super) struct Reported {
    /// It was reached at least once.
    pub(super) heard: bool,
    /// It is expected for a part of the period only.
    pub(super) late: bool,
    /// What it has ever counted.
    pub(super) ever: Vec<Measure>,
}

/// How a member stands to a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Whole,
    Partial,
    NotReported,
    Unknown,
}

impl Reported {
    /// A figure that a node with tickets has never given is not reported: none is another answer than zero.
    fn standing(&self, measures: &[Measure]) -> Standing {
        let counts = self.ever.contains(&Measure::Inflow);
        match self {
            Self { heard: false, .. } => Standing::Unknown,
            _ if counts && !measures.iter().all(|measure| self.ever.contains(measure)) => Standing::NotReported,
            Self { late: true, .. } => Standing::Partial,
            _ => Standing::Whole,
        }
    }
}

/// Which of these regions each figure covers.
pub(super) fn coverage(regions: &[&str], members: &[(&str, &Reported)]) -> Vec<wire::NationalReportFigure> {
    let figure = |figure: &gridcare_domain::report::ReportFigure| {
        let mut covers = FigureCompleteness::default();
        for region in regions {
            let own = members.iter().filter(|(of, _)| of == region);
            let standings: Vec<_> = own.map(|(_, reported)| reported.standing(figure.measures)).collect();
            let any = |standing| standings.contains(&standing);
            covers.expected += 1;
            match (any(Standing::Whole) || any(Standing::Partial), any(Standing::NotReported)) {
                (true, _) => {
                    covers.covered += 1;
                    if standings.iter().any(|standing| *standing != Standing::Whole) {
                        covers.partial.push((*region).to_owned());
                    }
                }
                (false, true) => covers.not_reported.push((*region).to_owned()),
                (false, false) => {}
            }
        }
        wire::NationalReportFigure { figure: figure.name.to_owned(), completeness: Some(covers) }
    };
    REPORT_FIGURES.iter().map(figure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(heard: bool, late: bool, ever: &[Measure]) -> Reported {
        Reported { heard, late, ever: ever.to_vec() }
    }

    #[test]
    fn none_not_reported_and_unknown_are_told_apart() {
        let members = [
            ("A", reported(true, false, &[Measure::Inflow, Measure::Satisfaction])),
            ("B", reported(true, false, &[Measure::Inflow])),
            ("C", reported(false, false, &[])),
            ("D", reported(true, true, &[])),
            // One of its nodes does not say how satisfied its customers are.
            ("E", reported(true, false, &[Measure::Inflow, Measure::Satisfaction])),
            ("E", reported(true, false, &[Measure::Inflow])),
        ];
        let members: Vec<_> = members.iter().map(|(region, of)| (*region, of)).collect();
        let found = coverage(&["A", "B", "C", "D", "E"], &members);
        let of = |name: &str| found.iter().find(|f| f.figure == name).unwrap().completeness.clone().unwrap();
        let inflow = of("inflow");
        assert_eq!((inflow.expected, inflow.covered), (5, 4));
        assert_eq!((inflow.not_reported, inflow.partial), (vec![], vec!["D".to_owned()]));
        let satisfaction = of("satisfaction");
        assert_eq!((satisfaction.expected, satisfaction.covered), (5, 3));
        assert_eq!(satisfaction.not_reported, ["B"]);
        assert_eq!(satisfaction.partial, ["D", "E"]);
    }
}
