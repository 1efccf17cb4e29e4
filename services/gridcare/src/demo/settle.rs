//! Waits until the gateway shows what the nodes have.

use std::time::Duration;

use gridcare_proto::federation::v1::GetNationalStatusResponse;
use tokio::time::Instant;

use super::{fill::Filled, metric_of};
use crate::{
    failure::{self, Failure},
    status::{Cell, Gateway, table},
};

/// How long nothing may change before the wait is given up.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(100);

/// Asks until every stream's figure is what was imported and every region is covered.
pub(super) async fn settle(gateway: &mut Gateway, filled: &Filled) -> Result<GetNationalStatusResponse, Failure> {
    let (mut before, mut changed) = (Vec::new(), Instant::now());
    loop {
        let missing = match gateway.ask().await {
            Ok(status) => {
                let missing = missing(&status, filled);
                if missing.is_empty() {
                    return Ok(status);
                }
                missing
            }
            Err(status) => vec![failure::told(&status)],
        };
        if missing != before {
            (before, changed) = (missing, Instant::now());
        }
        if changed.elapsed() > PATIENCE {
            let told = before.join("; ");
            return Err(Failure::said(format!("the gateway stands still for {} s: {told}", PATIENCE.as_secs())));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What the gateway does not show yet.
fn missing(status: &GetNationalStatusResponse, filled: &Filled) -> Vec<String> {
    let figures = filled.streams.iter().filter_map(|(stream, imported)| {
        let metric = metric_of(stream.channel);
        let shown = match table::cell(table::figure(status, stream.channel, metric), stream.region) {
            Cell::Number(shown) => shown,
            _ => 0,
        };
        // More than was imported now is what an earlier run has left there.
        let text = || format!("{} {} {metric}: {shown} of {imported}", stream.region, stream.channel);
        (shown < *imported).then(text)
    });
    let tickets = filled.tickets.iter().filter_map(|(region, imported)| {
        let live = filled.desks.iter().find(|(other, _)| other == region).map_or(0, |(_, desks)| desks.opened);
        let all = imported + live;
        let shown = status.tickets.iter().find(|tickets| tickets.region == *region).map_or(0, |tickets| tickets.total);
        (shown < all).then(|| format!("{region} tickets: {shown} of {all}"))
    });
    let completeness = status.completeness.as_ref();
    let (covered, expected) = completeness.map_or((0, 0), |reach| (reach.covered, reach.expected));
    let behind = completeness.map_or(0, |reach| reach.regions.iter().map(|region| region.behind).sum::<u64>());
    let mut missing: Vec<_> = figures.chain(tickets).collect();
    if covered < expected || expected == 0 {
        missing.push(format!("{covered} of {expected} regions covered"));
    }
    if behind > 0 {
        missing.push(format!("{behind} feed entries to go"));
    }
    missing
}

#[cfg(test)]
mod tests {
    use gridcare_proto::federation::v1::{Completeness, FigureStatus, NationalFigure, RegionFigure, RegionTickets};

    use super::*;
    use crate::demo::{desks::Desks, plan::STREAMS};

    #[test]
    fn it_waits_for_every_figure_and_every_region() {
        let filled = Filled {
            streams: vec![(STREAMS[0], 3)],
            tickets: vec![("HANOI".to_owned(), 1)],
            desks: vec![("HANOI".to_owned(), Desks { opened: 1, ..Desks::default() })],
        };
        let figure = |value| NationalFigure {
            channel: 1,
            metric: "answered".to_owned(),
            regions: vec![RegionFigure { region: "HANOI".to_owned(), status: FigureStatus::Reported.into(), value }],
            ..NationalFigure::default()
        };
        let mut status = GetNationalStatusResponse { figures: vec![figure(2)], ..Default::default() };
        assert_eq!(
            missing(&status, &filled),
            ["HANOI hotline answered: 2 of 3", "HANOI tickets: 0 of 2", "0 of 0 regions covered"]
        );
        status.figures = vec![figure(3)];
        status.tickets = vec![RegionTickets { region: "HANOI".to_owned(), open: 1, total: 2 }];
        status.completeness = Some(Completeness { expected: 1, covered: 1, regions: Vec::new() });
        assert_eq!(missing(&status, &filled), Vec::<String>::new());
    }
}
