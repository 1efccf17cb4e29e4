//! From text to a bundle or an overlay, with the place of everything that is wrong.

use serde::de::DeserializeOwned;

use super::{
    bundle::Bundle,
    finding::{Finding, Path, has_errors},
    form::{BUNDLE_SHAPE, OVERLAY_SHAPE},
    lint::bundle as in_its_meaning,
    overlay::Overlay,
    shape::Shape,
    tree::{self, Node},
};

/// Reads a bundle that has no errors; warnings are let through. Otherwise everything that is wrong.
pub fn read(yaml: &str) -> Result<Bundle, Vec<Finding>> {
    checked(yaml, &BUNDLE_SHAPE, in_its_meaning).map(|(bundle, _)| bundle)
}

/// Everything that is wrong with a bundle, in the order of its lines.
#[must_use]
pub fn lint(yaml: &str) -> Vec<Finding> {
    checked(yaml, &BUNDLE_SHAPE, in_its_meaning).map_or_else(|found| found, |(_, warnings)| warnings)
}

/// Reads an overlay that has no errors. Whether it fits a standard, only the standard knows.
pub fn read_overlay(yaml: &str) -> Result<Overlay, Vec<Finding>> {
    checked(yaml, &OVERLAY_SHAPE, Overlay::lint).map(|(overlay, _)| overlay)
}

/// Everything that is wrong with an overlay, in the order of its lines.
#[must_use]
pub fn lint_overlay(yaml: &str) -> Vec<Finding> {
    checked(yaml, &OVERLAY_SHAPE, Overlay::lint).map_or_else(|found| found, |(_, warnings)| warnings)
}

fn checked<T: DeserializeOwned>(
    yaml: &str,
    shape: &'static Shape,
    meaning: impl Fn(&T) -> Vec<Finding>,
) -> Result<(T, Vec<Finding>), Vec<Finding>> {
    let tree = tree::parse(yaml)?;
    let mut found = Vec::new();
    shape.check(&tree, &Path::default(), &mut found);
    if !found.is_empty() {
        return Err(in_order(found));
    }
    let value = match serde_json::from_value::<T>(tree.value()) {
        Ok(value) => value,
        Err(e) => return Err(vec![Finding::error(&Path::default(), "WRONG_TYPE", e.to_string()).at(tree.place)]),
    };
    let found = in_order(meaning(&value).into_iter().map(|finding| placed(&tree, finding)).collect());
    if has_errors(&found) { Err(found) } else { Ok((value, found)) }
}

fn placed(tree: &Node, finding: Finding) -> Finding {
    let place = tree.locate(&finding.path);
    finding.at(place)
}

fn in_order(mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort_by_key(|finding| (finding.line, finding.column, finding.severity));
    found
}
