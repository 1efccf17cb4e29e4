use std::collections::BTreeSet;

use gridcare_proto::DESCRIPTORS;
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, Value};

/// What a node answers to its gateway: everything that leaves a region by itself.
const LEAVING: [&str; 3] = [
    "gridcare.federation.v1.PullFeedResponse",
    "gridcare.federation.v1.GetSnapshotResponse",
    "gridcare.federation.v1.DescribeNodeResponse",
];

/// Fields of text and bytes that may leave, and why nobody can write prose or a name into them.
const OPAQUE: [(&str, &str); 51] = [
    ("gridcare.federation.v1.Capability.metric", "a code of the node's configuration"),
    ("gridcare.federation.v1.DescribeNodeResponse.node", "the node's name in its configuration"),
    ("gridcare.federation.v1.DescribeNodeResponse.product_version", "compiled in"),
    ("gridcare.federation.v1.DescribeNodeResponse.region", "a code of the node's configuration"),
    ("gridcare.federation.v1.DescribeNodeResponse.time_zone", "an IANA name, checked at start"),
    ("gridcare.federation.v1.FederatedArea.area_code", "letters, digits and -_./: alone; what is none stays at home"),
    ("gridcare.federation.v1.FederatedArea.feeder", "letters, digits and -_./: alone; what is none stays at home"),
    ("gridcare.federation.v1.FederatedArea.province", "an ISO 3166-2 code, checked at the door"),
    ("gridcare.federation.v1.FederatedArea.transformer", "letters, digits and -_./: alone; what is none stays at home"),
    ("gridcare.federation.v1.FederatedClaim.cause", "a word of the closed list of causes"),
    ("gridcare.federation.v1.FederatedCustomersServed.from", "a date"),
    ("gridcare.federation.v1.FederatedNotice.id", "a UUID that the node made"),
    ("gridcare.federation.v1.FederatedNotice.incident", "the name of an incident, which was told to the public"),
    ("gridcare.federation.v1.FederatedNotice.outage_id", "a UUID that the node made"),
    (
        "gridcare.federation.v1.FederatedNoticePlace.area_code",
        "letters, digits and -_./: alone; what is none stays at home",
    ),
    (
        "gridcare.federation.v1.FederatedNoticePlace.feeder",
        "letters, digits and -_./: alone; what is none stays at home",
    ),
    ("gridcare.federation.v1.FederatedNoticePlace.province", "an ISO 3166-2 code, checked at the door"),
    ("gridcare.federation.v1.FederatedNoticeProgress.notice_id", "a UUID that a node or the gateway made"),
    ("gridcare.federation.v1.FederatedOutage.cause", "a word of the closed list of causes"),
    ("gridcare.federation.v1.FederatedOutage.id", "a UUID that the node made"),
    ("gridcare.federation.v1.FederatedOutage.parent_id", "a UUID that the node made"),
    ("gridcare.federation.v1.FederatedTicket.assignee_pseudonym", "a hash under the node's own key"),
    ("gridcare.federation.v1.FederatedTicket.category", "a code of the standard"),
    ("gridcare.federation.v1.FederatedTicket.channel", "a word of the closed list of channels"),
    ("gridcare.federation.v1.FederatedTicket.customer_pseudonym", "a hash under the node's own key"),
    ("gridcare.federation.v1.FederatedTicket.id", "a UUID that the node made"),
    ("gridcare.federation.v1.FederatedTicket.merged_into_id", "a UUID that the node made"),
    ("gridcare.federation.v1.FederatedTicket.parent_id", "a UUID that the node made"),
    ("gridcare.federation.v1.FederatedTicket.province", "an ISO 3166-2 code, checked at the door"),
    ("gridcare.federation.v1.FederatedTicket.reference", "a number that the node made"),
    ("gridcare.federation.v1.FederatedTicket.standard", "the version of a standard"),
    (
        "gridcare.federation.v1.FederatedTicket.team",
        "a code of lowercase letters, digits and hyphens, checked at the door",
    ),
    ("gridcare.federation.v1.FederatedTicket.topic", "a word of the closed list of topics"),
    ("gridcare.federation.v1.FeedCursor.batch_id", "a UUID that the node made"),
    ("gridcare.federation.v1.FeedCursor.incarnation", "a UUID that the database made"),
    ("gridcare.federation.v1.FeedCursor.node", "the node's name in its configuration"),
    ("gridcare.federation.v1.FeedEntry.batch_id", "a UUID that the node made"),
    ("gridcare.federation.v1.StandardAcknowledgement.digest", "a hash"),
    ("gridcare.federation.v1.StandardAcknowledgement.reasons", "stable reasons of refusals"),
    ("gridcare.federation.v1.StandardAcknowledgement.standard", "the version of a standard"),
    ("gridcare.metric.v1.MetricBucket.definition", "the id of a definition of the product"),
    ("gridcare.metric.v1.MetricDefinition.id", "the id of a definition of the product"),
    ("gridcare.metric.v1.UniqueSketch.dense", "registers of keyed hashes; the gateway lacks the key"),
    ("gridcare.metric.v1.UniqueSketch.key_id", "the name of a key in the node's configuration"),
    ("gridcare.metric.v1.UniqueSketch.sparse", "registers of keyed hashes; the gateway lacks the key"),
    ("gridcare.notice.v1.DeliveryCount.state", "a word of the closed list of states"),
    ("gridcare.notice.v1.FirstReached.province", "an ISO 3166-2 code, checked at the door"),
    ("gridcare.notice.v1.NoticeText.body", "published to the public, by a second person's word or looked at since"),
    ("gridcare.notice.v1.NoticeText.title", "published to the public, by a second person's word or looked at since"),
    ("gridcare.ticket.v1.Clock.rule", "a version, a target and a number of a standard"),
    ("gridcare.ticket.v1.Clock.target", "a code of the standard"),
];

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTORS).unwrap()
}

/// Whether a field has a class that stays at home.
fn stays_home(field: &FieldDescriptor) -> bool {
    let pool = field.parent_message().parent_pool().clone();
    let class = pool.get_extension_by_name("gridcare.privacy.v1.data_class").expect("fields have classes");
    let classes = pool.get_enum_by_name("gridcare.privacy.v1.DataClass").unwrap();
    let Value::EnumNumber(number) = *field.options().get_extension(&class) else { panic!("a class is a number") };
    let name = classes.get_value(number).map(|value| value.name().to_owned()).unwrap_or_default();
    ["DATA_CLASS_PERSONAL", "DATA_CLASS_SENSITIVE"].contains(&name.as_str())
}

/// All fields that can be reached from a message.
fn reachable(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    let mut seen = BTreeSet::new();
    let mut fields = Vec::new();
    let mut open = vec![message.clone()];
    while let Some(message) = open.pop() {
        if !seen.insert(message.full_name().to_owned()) {
            continue;
        }
        for field in message.fields() {
            if let Kind::Message(inner) = field.kind() {
                open.push(inner);
            }
            fields.push(field);
        }
    }
    fields
}

fn violations(pool: &DescriptorPool, messages: &[&str], opaque: &[(&str, &str)]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for name in messages {
        let message = pool.get_message_by_name(name).unwrap_or_else(|| panic!("there is no message {name}"));
        for field in reachable(&message) {
            if stays_home(&field) {
                found.insert(format!("{} is personal", field.full_name()));
            }
            let listed = opaque.iter().any(|(known, _)| *known == field.full_name());
            if matches!(field.kind(), Kind::String | Kind::Bytes) && !listed {
                found.insert(format!("{} could carry anything; list it with a reason", field.full_name()));
            }
        }
    }
    found.into_iter().collect()
}

#[test]
fn nothing_personal_and_no_prose_can_leave_a_node_by_its_feed() {
    assert_eq!(violations(&pool(), &LEAVING, &OPAQUE), Vec::<String>::new());
}

#[test]
fn every_reason_is_for_a_field_that_leaves() {
    let pool = pool();
    let fields = LEAVING.iter().flat_map(|name| reachable(&pool.get_message_by_name(name).unwrap()));
    let leaving: BTreeSet<_> = fields.map(|field| field.full_name().to_owned()).collect();
    for (name, _) in OPAQUE {
        assert!(leaving.contains(name), "{name} does not leave; take it off the list");
    }
}

#[test]
fn the_check_of_what_leaves_finds_personal_fields_and_prose() {
    let pool = pool();
    let ticket = violations(&pool, &["gridcare.ticket.v1.GetTicketResponse"], &OPAQUE);
    for personal in
        ["gridcare.ticket.v1.Ticket.subject is personal", "gridcare.ticket.v1.TimelineEntry.text is personal"]
    {
        assert!(ticket.iter().any(|violation| violation == personal), "{personal} among {ticket:?}");
    }
    let (gone, kept) = OPAQUE.split_first().expect("something is listed");
    assert_eq!(violations(&pool, &LEAVING, kept), [format!("{} could carry anything; list it with a reason", gone.0)]);
}
