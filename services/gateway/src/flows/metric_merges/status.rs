use gridcare_domain::{
    capability::{Capability, Standing, standing},
    contact::{Channel, Direction},
    metric::{Counts, FIGURES, Figure},
};
use gridcare_proto::{convert::code, federation::v1 as wire};
use gridcare_store::gateway::{Member, PeriodSum, TicketTotals};

use super::Period;

/// What is known of one member, for one answer.
#[derive(Debug, Clone)]
pub(crate) struct MemberView {
    pub(crate) member: Member,
    pub(crate) capabilities: Vec<Capability>,
    pub(crate) sums: Vec<PeriodSum>,
    pub(crate) tickets: TicketTotals,
}

/// How one figure of one member is to be read; `None`: nobody knows yet.
pub(super) fn standing_of(view: &MemberView, channel: Channel, metric: &str, period: Period) -> Option<Standing> {
    let declared = view.capabilities.iter().find(|c| c.channel == channel && c.metric == metric);
    // Before a feed was read to its end once, an absent declaration may be still to come.
    let unread = view.member.link.seen_at.is_none() || (declared.is_none() && view.member.behind() > 0);
    if unread { None } else { Some(standing(declared, period.from, period.until)) }
}

/// What several members make of one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RegionStanding {
    /// Reported by all who offer it.
    Whole,
    /// Reported by some, or for a part of the period.
    Partial,
    NotReported,
    NotOffered,
    Unknown,
}

/// A region is as its nodes are, together.
pub(super) fn together(standings: impl IntoIterator<Item = Option<Standing>>) -> RegionStanding {
    let (mut whole, mut partial, mut silent, mut unknown) = (false, false, false, false);
    for standing in standings {
        match standing {
            Some(Standing::Reported) => whole = true,
            Some(Standing::Partial) => partial = true,
            Some(Standing::NotReported) => silent = true,
            Some(Standing::NotOffered) => {}
            None => unknown = true,
        }
    }
    match (whole, partial || silent || unknown) {
        (true, false) => RegionStanding::Whole,
        (true, true) => RegionStanding::Partial,
        (false, _) if partial => RegionStanding::Partial,
        (false, _) if unknown => RegionStanding::Unknown,
        (false, _) if silent => RegionStanding::NotReported,
        (false, _) => RegionStanding::NotOffered,
    }
}

/// Which regions a figure covers.
#[derive(Debug, Default)]
pub(super) struct Cover(wire::FigureCompleteness);

impl Cover {
    pub(super) fn add(&mut self, region: &str, standing: RegionStanding) {
        self.0.expected += 1;
        match standing {
            RegionStanding::Whole => self.0.covered += 1,
            RegionStanding::Partial => {
                self.0.covered += 1;
                self.0.partial.push(region.to_owned());
            }
            RegionStanding::NotReported => self.0.not_reported.push(region.to_owned()),
            RegionStanding::NotOffered => self.0.not_offered.push(region.to_owned()),
            RegionStanding::Unknown => {}
        }
    }

    pub(super) fn finish(self) -> wire::FigureCompleteness {
        self.0
    }
}

/// The figures of the national table. A figure that is not reported has no number, not a zero.
pub(crate) fn figures(
    regions: &[&str],
    views: &[MemberView],
    period: Period,
    definition: &str,
) -> Vec<wire::NationalFigure> {
    FIGURES.iter().map(|figure| national(figure, regions, views, period, definition)).collect()
}

fn national(
    figure: &Figure,
    regions: &[&str],
    views: &[MemberView],
    period: Period,
    definition: &str,
) -> wire::NationalFigure {
    let mut cover = Cover::default();
    let (mut total, mut shown) = (0, Vec::with_capacity(regions.len()));
    for region in regions {
        let (mut standings, mut value) = (Vec::new(), 0_i64);
        for view in views.iter().filter(|view| view.member.seat.region == *region) {
            let standing = standing_of(view, figure.channel, figure.metric, period);
            let (own, foreign) = read(figure, view, definition);
            // Sums under another definition do not merge; what is left out must be seen to be left out.
            standings.push(match standing {
                Some(Standing::Reported) if foreign => Some(Standing::Partial),
                standing => standing,
            });
            if matches!(standing, Some(Standing::Reported | Standing::Partial)) {
                value += own;
            }
        }
        let standing = together(standings);
        cover.add(region, standing);
        let value = u64::try_from(value).unwrap_or(0);
        total += value;
        let status = match standing {
            RegionStanding::Whole | RegionStanding::Partial => wire::FigureStatus::Reported,
            RegionStanding::NotReported => wire::FigureStatus::NotReported,
            RegionStanding::NotOffered => wire::FigureStatus::NotOffered,
            RegionStanding::Unknown => wire::FigureStatus::Unknown,
        };
        shown.push(wire::RegionFigure { region: (*region).to_owned(), status: status.into(), value });
    }
    wire::NationalFigure {
        channel: code::channel_to_wire(figure.channel),
        metric: figure.metric.to_owned(),
        formula: figure.formula.to_owned(),
        regions: shown,
        total,
        completeness: Some(cover.finish()),
    }
}

/// The figure of one member, and whether sums of another definition were left out.
fn read(figure: &Figure, view: &MemberView, definition: &str) -> (i64, bool) {
    let (mut counts, mut foreign) = (Counts::default(), false);
    for sum in view.sums.iter().filter(|sum| sum.channel == figure.channel) {
        if figure.both_directions || sum.direction == Direction::Inbound {
            if sum.definition == definition {
                counts.add(&sum.counts, 1);
            } else {
                foreign = true;
            }
        }
    }
    ((figure.read)(&counts), foreign)
}

/// Tickets of each region that was ever reached: nothing known is not zero.
pub(crate) fn tickets(regions: &[&str], views: &[MemberView]) -> Vec<wire::RegionTickets> {
    let region = |region: &&str| {
        let reached = |view: &&MemberView| view.member.seat.region == **region && view.member.link.seen_at.is_some();
        let mut known = views.iter().filter(reached).peekable();
        known.peek()?;
        let (open, total) = known.fold((0, 0), |(o, t), view| (o + view.tickets.open, t + view.tickets.total));
        let number = |count: i64| u64::try_from(count).unwrap_or(0);
        Some(wire::RegionTickets { region: (*region).to_owned(), open: number(open), total: number(total) })
    };
    regions.iter().filter_map(region).collect()
}
