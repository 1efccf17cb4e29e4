use std::collections::{BTreeMap, BTreeSet};

use gridcare_domain::{
    contact::{Channel, Direction},
    metric::{Counts, UnequalDefinition, ddsketch::DurationSketch, hyperloglog::UniqueSketch},
};
use gridcare_store::gateway::NationalSketches;

/// A row's place: interval, channel, direction, and region; no region is the country, and comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) interval: usize,
    pub(super) channel: Channel,
    pub(super) direction: Direction,
    pub(super) region: Option<usize>,
}

/// Sketches merged so far; one of unequal keys or accuracies does not merge, and is then left out as a whole.
#[derive(Debug, Clone)]
pub(super) struct Merged<T>(Result<Option<T>, UnequalDefinition>);

impl<T> Default for Merged<T> {
    fn default() -> Self {
        Self(Ok(None))
    }
}

impl<T: Clone> Merged<T> {
    fn add(&mut self, other: &T, merge: impl FnOnce(&mut T, &T) -> Result<(), UnequalDefinition>) {
        match &mut self.0 {
            Ok(Some(sketch)) => {
                if merge(sketch, other).is_err() {
                    self.0 = Err(UnequalDefinition);
                }
            }
            Ok(none) => *none = Some(other.clone()),
            Err(_) => {}
        }
    }

    pub(super) fn get(&self) -> Option<&T> {
        self.0.as_ref().ok()?.as_ref()
    }
}

/// One row in the making.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    pub(super) counts: Counts,
    pub(super) wait: Merged<DurationSketch>,
    pub(super) handle: Merged<DurationSketch>,
    pub(super) customers: Merged<UniqueSketch>,
}

/// The rows in the making.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub(super) cells: BTreeMap<Place, Cell>,
    /// Places for which something of another definition was left out.
    pub(super) foreign: BTreeSet<Place>,
}

impl Cells {
    /// Adds to the region's row and to the country's.
    pub(super) fn count(&mut self, place: Place, counts: &Counts) {
        for place in both(place) {
            self.cells.entry(place).or_default().counts.add(counts, 1);
        }
    }

    pub(super) fn merge(&mut self, place: Place, sketches: &NationalSketches) {
        for place in both(place) {
            let cell = self.cells.entry(place).or_default();
            cell.wait.add(&sketches.sketches.wait, DurationSketch::merge);
            cell.handle.add(&sketches.sketches.handle, DurationSketch::merge);
            cell.customers.add(&sketches.sketches.customers, UniqueSketch::merge);
        }
    }
}

const fn both(place: Place) -> [Place; 2] {
    [place, Place { region: None, ..place }]
}
