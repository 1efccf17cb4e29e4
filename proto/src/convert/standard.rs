use gridcare_domain::{
    acknowledgement::{Acknowledgement, StandardStatus},
    feed::{Change, Kind},
    standard::Standard,
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

/// Takes away what the standard does not let leave the region. What an entry is about, and when, always leaves.
#[must_use]
pub fn narrow(mut ticket: wire::FederatedTicket, standard: &Standard) -> wire::FederatedTicket {
    macro_rules! keep {
        ($($field:ident),+ $(,)?) => {$(
            if !standard.exports(stringify!($field)) {
                ticket.$field = Default::default();
            }
        )+};
    }
    keep!(topic, channel, province, customer_pseudonym, assignee_pseudonym, resolved_at, closed_at, category, team);
    keep!(standard, clocks, first_response_at, parent_id, merged_into_id, satisfaction, rated_at, repetition, locality);
    ticket
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use gridcare_domain::standard::{FEDERATED, INDISPENSABLE, builtin, read};
    use proptest::prelude::*;
    use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, Value};

    use super::*;

    #[test]
    fn statuses_have_the_same_numbers_on_the_wire() {
        for status in StandardStatus::ALL {
            assert_eq!(i64::from(status_to_wire(*status)), status.number());
            assert_eq!(status_from_wire(status_to_wire(*status)), Some(*status));
        }
    }

    fn federated_ticket() -> MessageDescriptor {
        let pool = DescriptorPool::decode(crate::DESCRIPTORS).unwrap();
        pool.get_message_by_name("gridcare.federation.v1.FederatedTicket").unwrap()
    }

    /// A message that has something in every field.
    fn full(of: &MessageDescriptor) -> DynamicMessage {
        let mut message = DynamicMessage::new(of.clone());
        for field in of.fields() {
            let value = match field.kind() {
                Kind::String => Value::String("x".into()),
                Kind::Uint64 => Value::U64(1),
                Kind::Int32 => Value::I32(1),
                Kind::Int64 => Value::I64(1),
                Kind::Enum(_) => Value::EnumNumber(1),
                Kind::Message(inner) => Value::Message(full(&inner)),
                other => panic!("give {other:?} a value"),
            };
            message.set_field(&field, if field.is_list() { Value::List(vec![value]) } else { value });
        }
        message
    }

    fn names(message: &DynamicMessage) -> BTreeSet<String> {
        message.fields().map(|(field, _)| field.name().to_owned()).collect()
    }

    fn letting_go(fields: impl Iterator<Item = String>) -> Standard {
        let mut bundle = read(builtin()).unwrap();
        bundle.export = fields.collect();
        Standard::compile(bundle).unwrap()
    }

    #[test]
    fn every_field_of_a_federated_ticket_can_be_kept_at_home_alone() {
        let of = federated_ticket();
        let all = names(&full(&of));
        assert_eq!(all, FEDERATED.map(str::to_owned).into(), "what standards can let go is what the wire carries");
        for withheld in FEDERATED.iter().filter(|field| !INDISPENSABLE.contains(field)) {
            let standard = letting_go(all.iter().filter(|field| field != withheld).cloned());
            let ticket: wire::FederatedTicket = full(&of).transcode_to().unwrap();
            let mut narrowed = DynamicMessage::new(of.clone());
            narrowed.transcode_from(&narrow(ticket, &standard)).unwrap();
            let gone: Vec<_> = all.difference(&names(&narrowed)).cloned().collect();
            assert_eq!(gone, [*withheld]);
        }
    }

    #[test]
    fn a_bundle_can_let_go_what_is_indispensable_and_no_more() {
        let of = federated_ticket();
        let standard = letting_go(INDISPENSABLE.iter().map(|field| (*field).to_owned()));
        let mut narrowed = DynamicMessage::new(of.clone());
        narrowed.transcode_from(&narrow(full(&of).transcode_to().unwrap(), &standard)).unwrap();
        assert_eq!(names(&narrowed), INDISPENSABLE.map(str::to_owned).into());
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
