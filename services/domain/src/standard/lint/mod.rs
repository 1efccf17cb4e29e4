//! What a bundle that is well-formed may still get wrong.

mod calendars;
mod figures;
mod names;
mod reach;
mod rules;
mod texts;

pub use figures::other_thresholds;
pub(super) use names::export;
pub(super) use rules::permille;

use super::{
    bundle::Bundle,
    finding::{Finding, Path},
};

/// Everything that is wrong with a bundle.
pub(super) fn bundle(bundle: &Bundle) -> Vec<Finding> {
    let mut found = Vec::new();
    names::check(bundle, &mut found);
    calendars::check(bundle, &mut found);
    rules::check(bundle, &mut found);
    texts::check(bundle, &mut found);
    figures::check(bundle, &mut found);
    reach::check(bundle, &mut found);
    found
}

fn root() -> Path {
    Path::default()
}
