use std::collections::HashMap;

use gridcare_chassis::id::new_id;
use gridcare_domain::{outage::Position, ticket::State};
use gridcare_store::{
    NodeStore,
    open311::{RequestQuery, asked_for},
    writer::Changes,
};

use crate::samples::{MORNING_US, open_new, request};

const SAIGON: Position = Position { lon_e7: 1_067_031_000, lat_e7: 107_767_000 };

/// Every statement about requests of other systems.
pub(crate) async fn use_requests(store: &NodeStore) {
    let (asked, other) = (open_new(store, "Mất điện").await, open_new(store, "Mất điện").await);
    for _ in 0..2 {
        let (ticket, partner) = (asked.id, "city");
        let add = move |_: &[gridcare_domain::ticket::Ticket]| {
            Ok(Changes { extras: vec![asked_for(ticket, MORNING_US, partner, Some(SAIGON))], ..Changes::default() })
        };
        store.change_tickets(request(), MORNING_US, new_id(), Vec::new(), Box::new(add)).await.unwrap().unwrap();
    }
    let query = RequestQuery { from_us: MORNING_US, until_us: MORNING_US + 1, ..RequestQuery::default() };
    let found = async |query: &RequestQuery| -> Vec<_> {
        store.open311_requests(query, 10).await.unwrap().iter().map(|ticket| ticket.id).collect()
    };
    assert_eq!(found(&query).await, [asked.id]);
    let narrow = |states: &[State], categories: &[&str]| RequestQuery {
        states: states.to_vec(),
        categories: categories.iter().map(|code| (*code).to_owned()).collect(),
        ..query.clone()
    };
    assert_eq!(found(&narrow(&[State::New], &["bill", "outage"])).await, [asked.id]);
    assert!(found(&narrow(&[State::Closed], &[])).await.is_empty());
    assert!(found(&narrow(&[], &["bill"])).await.is_empty());
    assert!(found(&RequestQuery { until_us: MORNING_US, ..query.clone() }).await.is_empty());
    let number = |ticket: &gridcare_domain::ticket::Ticket| i64::try_from(ticket.reference.number()).unwrap();
    let numbered = store.open311_numbered(&[number(&asked), number(&other)]).await.unwrap();
    assert_eq!(numbered.iter().map(|ticket| ticket.id).collect::<Vec<_>>(), [asked.id]);
    let placed = store.open311_positions(&[asked.id, other.id]).await.unwrap();
    assert_eq!(placed, HashMap::from([(asked.id, SAIGON)]));
    assert!(store.open311_request(asked.id).await.unwrap().is_some());
    assert!(store.open311_request(other.id).await.unwrap().is_none());
}
