//! Whatever anybody may post to the address of Open311.

use gridcare_domain::open311::{Form, MOST_BYTES, Report};

/// A form is read whole or refused, and a report says no more than the form did.
pub(crate) fn run(octets: &[u8]) {
    let Ok(form) = Form::parse(octets) else { return };
    assert!(octets.len() <= MOST_BYTES);
    match Report::read(&form) {
        Ok(report) => assert!(report.text().len() <= octets.len() * 3 + 64),
        Err(faults) => assert!(!faults.is_empty() && faults.iter().all(|fault| !fault.description.is_empty())),
    }
}
