use gridcare_domain::{
    acknowledgement::{Acknowledgement, StandardStatus},
    feed::{Change, Kind},
};
use prost::Message as _;

use crate::{convert::time, federation::v1 as wire};

/// A status on the wire.
#[must_use]
pub const fn status_to_wire(status: StandardStatus) -> i32 {
    (match status {
        StandardStatus::Pending => wire::StandardStatus::Pending,
        StandardStatus::InForce => wire::StandardStatus::InForce,
        StandardStatus::Refused => wire::StandardStatus::Refused,
        StandardStatus::Superseded => wire::StandardStatus::Superseded,
    }) as i32
}

/// A status from the wire; `None` for one of another version.
#[must_use]
pub fn status_from_wire(number: i32) -> Option<StandardStatus> {
    StandardStatus::from_number(i64::from(number))
}

/// An acknowledgement on the wire.
#[must_use]
pub fn acknowledgement_to_wire(said: &Acknowledgement) -> wire::StandardAcknowledgement {
    wire::StandardAcknowledgement {
        standard: said.standard.clone(),
        status: status_to_wire(said.status),
        reasons: said.reasons.clone(),
        digest: said.digest.clone(),
        at: Some(time::micros(said.at_us)),
        version: u64::try_from(said.version).unwrap_or(0),
    }
}

/// An acknowledgement from the wire.
pub fn acknowledgement_from_wire(said: &wire::StandardAcknowledgement) -> Result<Acknowledgement, String> {
    Ok(Acknowledgement {
        standard: said.standard.clone(),
        status: status_from_wire(said.status).ok_or("an acknowledgement has no known status")?,
        reasons: said.reasons.clone(),
        digest: said.digest.clone(),
        at_us: said.at.as_ref().and_then(time::instant).ok_or("an acknowledgement has no time")?.as_microsecond(),
        version: i64::try_from(said.version).map_err(|_| "the version is beyond 2^63")?,
    })
}

/// The feed's change of an acknowledgement. Its key is the content: a refused twin of a version does not hide the good one.
#[must_use]
pub fn acknowledgement_change(said: &Acknowledgement) -> Change {
    let payload = acknowledgement_to_wire(said).encode_to_vec();
    Change { kind: Kind::Standard, key: said.digest.clone(), version: said.version, payload }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn statuses_have_the_same_numbers_on_the_wire() {
        for status in StandardStatus::ALL {
            assert_eq!(i64::from(status_to_wire(*status)), status.number());
            assert_eq!(status_from_wire(status_to_wire(*status)), Some(*status));
        }
    }

    proptest! {
        #[test]
        fn an_acknowledgement_survives_the_wire(
            status in 1..=4_i64, at_us in 0..4_000_000_000_000_000_i64, version in 0..i64::MAX, reasons in prop::collection::vec("[A-Z_]{1,9}", 0..4),
        ) {
            let status = StandardStatus::from_number(status).unwrap();
            let said = Acknowledgement { standard: "evn-2013.1".into(), status, reasons, digest: "ab".repeat(32), at_us, version };
            prop_assert_eq!(acknowledgement_from_wire(&acknowledgement_to_wire(&said)), Ok(said));
        }
    }
}
