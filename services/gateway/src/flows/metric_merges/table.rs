use gridcare_domain::{
    contact::Channel,
    metric::{Definition, FIGURES},
};
use gridcare_proto::{
    convert::{code, metric, time},
    federation::v1 as wire,
    metric::v1::{FigureFormula, MetricRow},
};
use gridcare_store::{StoreError, gateway::GatewayStore};

use super::{
    Intervals, MemberView, Period,
    fold::{Cell, Cells, Place},
    status::{Cover, RegionStanding, standing_of, together},
};

/// Up to this many intervals the database sums each; beyond, buckets are read and folded here.
const SUMS: usize = 31;
/// Buckets are read in stretches of this many intervals' worth of time, so that a long period takes no more memory.
const STRETCH_US: i64 = 7 * 24 * 3_600 * 1_000_000;

/// What is asked of the buckets.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) regions: &'a [&'a str],
    pub(crate) period: Period,
    pub(crate) intervals: &'a Intervals,
    /// All when empty.
    pub(crate) channels: &'a [Channel],
    pub(crate) with_sketches: bool,
    pub(crate) definition: &'a Definition,
}

impl Question<'_> {
    fn wants(&self, channel: Channel) -> bool {
        self.channels.is_empty() || self.channels.contains(&channel)
    }
}

/// Rows of the country and of its regions, per interval, channel and direction.
pub(crate) async fn table(
    store: &GatewayStore,
    question: &Question<'_>,
    views: &[MemberView],
) -> Result<Vec<wire::NationalMetricRow>, StoreError> {
    let mut cells = Cells::default();
    for view in views {
        let node = view.member.seat.node.as_str();
        let region = question.regions.iter().position(|region| *region == view.member.seat.region);
        if question.intervals.as_slice().len() <= SUMS {
            sum(store, question, node, region, &mut cells).await?;
        } else {
            fold(store, question, node, region, &mut cells).await?;
        }
        if question.with_sketches {
            merge(store, question, node, region, &mut cells).await?;
        }
    }
    Ok(cells.cells.iter().map(|(place, cell)| row(question, views, *place, cell, &cells)).collect())
}

async fn sum(
    store: &GatewayStore,
    question: &Question<'_>,
    node: &str,
    region: Option<usize>,
    cells: &mut Cells,
) -> Result<(), StoreError> {
    for (interval, span) in question.intervals.as_slice().iter().enumerate() {
        for sum in store.period_sums(node, span.begins_us(), span.ends_us()).await? {
            let place = Place { interval, channel: sum.channel, direction: sum.direction, region };
            add(question, cells, place, &sum.definition, |cells| cells.count(place, &sum.counts));
        }
    }
    Ok(())
}

async fn fold(
    store: &GatewayStore,
    question: &Question<'_>,
    node: &str,
    region: Option<usize>,
    cells: &mut Cells,
) -> Result<(), StoreError> {
    for (from, until) in stretches(question.period) {
        for bucket in store.national_buckets(node, from, until).await? {
            let Some(interval) = question.intervals.find(bucket.key.start_us) else { continue };
            let place = Place { interval, channel: bucket.key.channel, direction: bucket.key.direction, region };
            add(question, cells, place, &bucket.definition, |cells| cells.count(place, &bucket.counts));
        }
    }
    Ok(())
}

async fn merge(
    store: &GatewayStore,
    question: &Question<'_>,
    node: &str,
    region: Option<usize>,
    cells: &mut Cells,
) -> Result<(), StoreError> {
    for (from, until) in stretches(question.period) {
        for bucket in store.national_sketches(node, from, until).await? {
            let Some(interval) = question.intervals.find(bucket.key.start_us) else { continue };
            let place = Place { interval, channel: bucket.key.channel, direction: bucket.key.direction, region };
            add(question, cells, place, &bucket.definition, |cells| cells.merge(place, &bucket));
        }
    }
    Ok(())
}

/// What is of another definition is left out, and seen to be left out.
fn add(question: &Question<'_>, cells: &mut Cells, place: Place, definition: &str, add: impl FnOnce(&mut Cells)) {
    if !question.wants(place.channel) {
        return;
    }
    if definition == question.definition.id {
        add(cells);
    } else {
        cells.foreign.insert(place);
    }
}

fn stretches(period: Period) -> impl Iterator<Item = (i64, i64)> {
    let until = period.ends_us();
    let first = (period.begins_us() < until).then_some(period.begins_us());
    let starts = std::iter::successors(first, move |from| from.checked_add(STRETCH_US).filter(|next| *next < until));
    starts.map(move |from| (from, from.saturating_add(STRETCH_US).min(until)))
}

fn row(
    question: &Question<'_>,
    views: &[MemberView],
    place: Place,
    cell: &Cell,
    cells: &Cells,
) -> wire::NationalMetricRow {
    let interval = question.intervals.as_slice()[place.interval];
    let row = MetricRow {
        channel: code::channel_to_wire(place.channel),
        direction: code::direction_to_wire(place.direction),
        from: Some(time::timestamp(interval.from)),
        until: Some(time::timestamp(interval.until)),
        counts: Some(metric::counts_to_wire(&cell.counts)),
        wait: cell.wait.get().map(metric::duration_sketch_to_wire),
        handle: cell.handle.get().map(metric::duration_sketch_to_wire),
        customers: cell.customers.get().map(metric::unique_sketch_to_wire),
    };
    let region = place.region.and_then(|region| question.regions.get(region)).map(|region| (*region).to_owned());
    let completeness = region.is_none().then(|| cover(question, views, place, interval, cells));
    wire::NationalMetricRow { region: region.unwrap_or_default(), row: Some(row), completeness }
}

/// Which regions are in a national row: those that report at least one figure of the channel.
fn cover(
    question: &Question<'_>,
    views: &[MemberView],
    place: Place,
    interval: Period,
    cells: &Cells,
) -> wire::FigureCompleteness {
    let mut cover = Cover::default();
    for (i, region) in question.regions.iter().enumerate() {
        let standings = views.iter().filter(|view| view.member.seat.region == *region).flat_map(|view| {
            let figures = FIGURES.iter().filter(|figure| figure.channel == place.channel).map(|figure| figure.metric);
            let declared = view.capabilities.iter().filter(|c| c.channel == place.channel).map(|c| c.metric.as_str());
            let metrics: std::collections::BTreeSet<&str> = figures.chain(declared).collect();
            metrics.into_iter().map(|metric| standing_of(view, place.channel, metric, interval)).collect::<Vec<_>>()
        });
        let mut standing = together(standings);
        let own = Place { region: Some(i), ..place };
        // What was left out must be seen; so must what is there although nobody has declared it.
        let undeclared = !matches!(standing, RegionStanding::Whole) && cells.cells.contains_key(&own);
        if undeclared || (standing == RegionStanding::Whole && cells.foreign.contains(&own)) {
            standing = RegionStanding::Partial;
        }
        cover.add(region, standing);
    }
    cover.finish()
}

/// How every figure of these channels is made.
pub(crate) fn formulas(channels: &[Channel]) -> Vec<FigureFormula> {
    let wanted = FIGURES.iter().filter(|figure| channels.is_empty() || channels.contains(&figure.channel));
    let formula = |figure: &gridcare_domain::metric::Figure| FigureFormula {
        metric: format!("{}.{}", figure.channel, figure.metric),
        formula: figure.formula.to_owned(),
    };
    wanted.map(formula).collect()
}
