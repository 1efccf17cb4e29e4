use std::collections::BTreeSet;

use gridcare_tests::Place;
use sqlx::{Connection as _, SqliteConnection};

use crate::samples::Home;

/// Columns that an erasure empties, replaces or removes with their rows.
const ERASED: [&str; 23] = [
    "contact.contact_point",
    "contact.customer_code",
    "contact.note",
    "customer.*",
    "customer_point.*",
    "delivery.customer_code",
    "delivery.text",
    "dispatch_customer.*",
    "notice_customer.*",
    "premises.*",
    "question.*",
    "request.response",
    "ticket.customer_code",
    "ticket.description",
    "ticket.requester_contact_point",
    "ticket.requester_name",
    "ticket.subject",
    "ticket.words",
    "ticket_attachment.*",
    "ticket_words.*",
    "ticket_words_data.*",
    "timeline.author",
    "timeline.text",
];

/// Columns that an erasure reaches and an export has, and the key of its document under which they are.
const EXPORTED: [(&str, &str); 37] = [
    ("contact.contact_point", "contacts"),
    ("contact.customer_code", "contacts"),
    ("contact.note", "contacts"),
    ("customer.code", "customer"),
    ("customer.name", "customer"),
    ("customer.name_plain", "customer"),
    ("customer.source", "customer"),
    ("customer_point.consents", "customer"),
    ("customer_point.customer_code", "customer"),
    ("customer_point.value", "customer"),
    ("delivery.customer_code", "messages"),
    ("delivery.text", "messages"),
    ("dispatch_customer.customer_code", "named_in"),
    ("notice_customer.customer_code", "named_in"),
    ("notice_customer.notice_id", "named_in"),
    ("premises.address", "customer"),
    ("premises.area", "customer"),
    ("premises.code", "customer"),
    ("premises.customer_code", "customer"),
    ("premises.district", "customer"),
    ("premises.feeder", "customer"),
    ("premises.province", "customer"),
    ("premises.transformer", "customer"),
    ("question.customer_code", "questions"),
    ("question.ticket_id", "questions"),
    ("ticket.customer_code", "tickets"),
    ("ticket.description", "tickets"),
    ("ticket.requester_contact_point", "tickets"),
    ("ticket.requester_name", "tickets"),
    ("ticket.subject", "tickets"),
    ("ticket_attachment.file_name", "tickets"),
    ("ticket_attachment.id", "tickets"),
    ("ticket_attachment.media_type", "tickets"),
    ("ticket_attachment.sha256", "tickets"),
    ("ticket_attachment.uri", "tickets"),
    ("timeline.author", "tickets"),
    ("timeline.text", "tickets"),
];

/// Columns that an erasure reaches and an export leaves out, and why.
const NOT_EXPORTED: [(&str, &str); 8] = [
    ("customer.body", "a hash of what is exported"),
    ("customer.name_key", "the name once more, folded for lists"),
    ("customer.province", "that of the premises once more"),
    ("request.response", "an answer says what was stored, of which the newest state is exported"),
    ("ticket.words", "the ticket's texts once more, folded for the search"),
    ("ticket_attachment.ticket_id", "made by the node; an attachment stands with its ticket"),
    ("ticket_words.*", "the index of those words"),
    ("ticket_words_data.*", "the index of those words"),
];

/// Columns that can hold text or bytes and never hold what names a customer, and why.
const NOBODY: [(&str, &str); 65] = [
    ("_sqlx_migrations.*", "of the product itself"),
    ("agent.*", "an agent, not a customer"),
    ("bulk_item.*", "ids, and refusals, which name nobody"),
    ("bulk_operation.*", "what the corporation does with many tickets, in its own words"),
    ("notification.*", "agents, teams and roles"),
    ("standard.*", "bundles of rules"),
    ("standard_overlay.*", "bundles of rules"),
    ("tally_rolled.*", "a place in the feed, an id and a time zone"),
    ("ticket_counted_day.*", "days and ids that the node made"),
    ("ticket.category", "a code of the standard"),
    ("ticket.clocks", "codes, numbers and times"),
    ("ticket.merged_into", "made by the node"),
    ("ticket.parent", "made by the node"),
    ("ticket.standard", "the version of a standard"),
    ("ticket.team", "a code of the node's teams"),
    ("ticket_counted.*", "codes and numbers"),
    ("ticket_import.*", "opaque by contract, and what keeps an old file from bringing the ticket back"),
    ("ticket_link.*", "made by the node"),
    ("ticket_tally.*", "codes and numbers"),
    ("ticket_watcher.*", "agents, not customers"),
    ("capability.*", "codes of the node's configuration"),
    ("contact.agent", "an agent, not a customer"),
    ("contact.id", "made by the node"),
    ("contact.source", "the name of a system"),
    ("contact.source_key", "opaque by contract, and what keeps an old file from bringing the contact back"),
    ("contact.ticket", "a reference"),
    ("customers_served.*", "numbers, days and an agent, not a customer"),
    ("customer_erasure.*", "a pseudonym under the node's key, and who decided"),
    ("delivery.address", "the name of a partner's system"),
    ("delivery_lease.*", "names of couriers"),
    ("delivery_part.*", "made by message centres"),
    (
        "dispatch.*",
        "what was told to the public; and a place in the order of codes, which is emptied once all are told",
    ),
    ("dispatch_range.*", "places in the order of codes, which go once their customers are told"),
    ("dispatch_place.*", "places of the grid, which many share"),
    ("feed.*", "nothing personal is in a feed; a test of the architecture says so"),
    ("feed_head.*", "made by the database"),
    ("import_checkpoint.*", "hashes and places of files"),
    ("lease.*", "names of work and processes"),
    ("metric_bucket.*", "counts and sketches under keys"),
    ("metric_definition.*", "of the node's configuration"),
    ("notice.*", "what is told to the public; the name of an incident"),
    ("notice_first.*", "codes and times"),
    ("notice_minute.*", "counts"),
    ("notice_print_sent.*", "authorities, newspapers and stations, and an agent; not customers"),
    ("notice_progress.*", "counts"),
    ("notice_revision.*", "what is told to the public, and agents; whom it names is in a table of its own"),
    ("open311_request.*", "ids, times, and names of partners; positions, which are numbers, are erased"),
    ("outage.*", "what the corporation records of its own grid, and agents, not customers"),
    ("outage_area.*", "places of the grid, which many share"),
    ("request.body", "a hash"),
    ("request.key", "a hash"),
    ("sms_exchange.*", "keyed hashes, for seven days"),
    ("sms_sender.*", "keyed hashes, for seven days"),
    ("ticket.assignee", "an agent, not a customer"),
    ("ticket.id", "made by the node"),
    ("ticket.prefix", "of the node's configuration"),
    ("ticket.province", "a code of a closed list"),
    ("ticket_words_config.*", "settings of the index of words"),
    ("ticket_words_content.*", "empty: the index keeps no texts"),
    ("ticket_words_docsize.*", "numbers"),
    ("ticket_words_idx.*", "first words of pages, which merging replaces with the pages"),
    ("timeline.id", "made by the node"),
    ("timeline.ticket_id", "made by the node"),
    ("sqlite_sequence.*", "numbers"),
    ("sqlite_stat1.*", "numbers"),
];

/// Whether one of these names is the column's, or that of its whole table.
fn named<'a>(mut names: impl Iterator<Item = &'a str>, column: &str) -> bool {
    let table = column.split('.').next().unwrap_or_default();
    names.any(|name| name == column || name.strip_suffix(".*") == Some(table))
}

fn erased(column: &str) -> bool {
    named(ERASED.into_iter(), column)
}

fn listed(column: &str) -> bool {
    erased(column) || named(NOBODY.iter().map(|(name, _)| *name), column)
}

/// How often it is said where an export has a column, or why it has not.
fn answers_for(column: &str) -> usize {
    let exported = named(EXPORTED.iter().map(|(name, _)| *name), column);
    let left_out = named(NOT_EXPORTED.iter().map(|(name, _)| *name), column);
    usize::from(exported) + usize::from(left_out)
}

/// All columns of a node's database that can hold text or bytes.
async fn columns() -> BTreeSet<String> {
    let home = Home::new(Place::Sqlite).await;
    home.store().await.close().await;
    let mut connection = SqliteConnection::connect(&home.address).await.unwrap();
    let all = "SELECT m.name || '.' || c.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c
               WHERE m.type = 'table' AND c.type NOT IN ('INTEGER', 'BIGINT')";
    let columns: Vec<String> = sqlx::query_scalar(all).fetch_all(&mut connection).await.unwrap();
    columns.into_iter().collect()
}

#[tokio::test]
async fn every_column_that_can_name_a_customer_is_erased() {
    let columns = columns().await;
    assert!(columns.len() > 40, "{columns:?}");
    let open: Vec<_> = columns.iter().filter(|column| !listed(column)).collect();
    assert!(
        open.is_empty(),
        "{open:?}: erase them in services/store/src/erasure.rs and list them as erased, or say here why they name nobody"
    );
}

#[tokio::test]
async fn every_column_of_customers_that_is_erased_is_exported_or_excused() {
    let columns = columns().await;
    let open: Vec<_> = columns.iter().filter(|column| erased(column) && answers_for(column) != 1).collect();
    assert!(
        open.is_empty(),
        "{open:?}: write them in services/node/src/flows/customer_is_exported.rs and say here under which key, or why not"
    );
    let flow = concat!(env!("CARGO_MANIFEST_DIR"), "/../services/node/src/flows/customer_is_exported.rs");
    let flow = std::fs::read_to_string(flow).unwrap();
    for (column, key) in EXPORTED {
        assert!(columns.contains(column) && erased(column), "{column} is gone; take it off the list");
        assert!(flow.contains(&format!("\"{key}\"")), "no {key} in an export, where {column} should be");
    }
}

#[test]
fn the_check_of_columns_finds_a_new_one() {
    assert!(!listed("ticket.nickname") && !listed("neighbour.name"));
    assert!(listed("ticket.subject") && listed("premises.address"));
    assert_eq!(["premises.nickname", "question.words", "delivery.text", "ticket.words"].map(answers_for), [0, 0, 1, 1]);
}
