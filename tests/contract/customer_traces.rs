//! What of notices, messages and questions is held of one customer.

use std::collections::BTreeSet;

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    customer_code::CustomerCode,
    delivery::{DeliveryState, Way},
};
use gridcare_store::{
    NodeStore,
    customer_traces::{CustomerMessage, CustomerQuestion},
    dispatch::Dispatch,
    notice::{NoticeDecision, StoredNotice},
    question::Asked,
};
use gridcare_tests::Place;

use crate::{
    customers::{code, customer, erase, import},
    deliveries::{dispatch, turn},
    notices::{becomes, notice, publish},
    on_both_engines,
    questions::{ask, ask_able, asking, to_be_asked},
    samples::{Home, MORNING_US, request},
};

/// All messages to a customer, by pages.
async fn messages(store: &NodeStore, code: &CustomerCode, limit: i64) -> Vec<CustomerMessage> {
    let mut all: Vec<CustomerMessage> = Vec::new();
    loop {
        let after = all.last().map(|message| message.after);
        let page = store.messages_to(code, after, limit).await.unwrap();
        assert!(page.len() <= usize::try_from(limit).unwrap());
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Every statement about what is held of one customer.
pub(crate) async fn use_traces(store: &NodeStore) {
    store.messages_to(&code(1), None, 10).await.unwrap();
    store.notices_naming(&code(1)).await.unwrap();
    store.questions_of(&code(1)).await.unwrap();
}

/// Enough messages and named customers for the planner to prefer an index.
pub(crate) async fn many_traces(store: &NodeStore) {
    let codes: Vec<_> = (1_000..2_000).map(code).collect();
    let customers = codes.iter().map(ToString::to_string).collect();
    let mut naming = notice(new_id());
    naming.revisions[0].content.audience.customers = codes;
    let decide = |_: Option<&StoredNotice>| Ok(becomes(naming.clone()));
    store.write_notice(Some(request()), MORNING_US, new_id(), naming.id, &decide).await.unwrap().unwrap();
    let no = store.open_dispatch(&Dispatch { customers, ..dispatch(new_id()) }).await.unwrap();
    turn(store, no, 5_000).await;
}

async fn every_message_to_a_customer_is_found_once_whatever_the_page(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let due = MORNING_US + 3_600_000_000;
    let lan = ask_able(&store, 1, true).await;
    import(&store, vec![customer(2), customer(3)]).await;
    let mut told = Vec::new();
    for n in 0..7 {
        let own = Dispatch { revision: n + 1, incident: format!("incident {n}"), ..dispatch(new_id()) };
        let no = store.open_dispatch(&own).await.unwrap();
        assert_eq!(turn(&store, no, 10).await, 3);
        told.push(Some((own.notice_id, own.revision)));
    }
    let closed = to_be_asked(&store, &lan, due).await;
    assert_eq!(ask(&store, &asking(closed, &lan, due), due).await, Asked::Queued);
    told.push(None);
    let all = messages(&store, &lan, 100).await;
    assert_eq!(all.iter().map(|message| message.notice).collect::<Vec<_>>(), told, "the oldest first");
    assert!(all.iter().all(|message| (message.way, message.state) == (Way::Sms, DeliveryState::Queued)));
    let own: Vec<_> = all.iter().filter_map(|message| message.text.as_deref()).collect();
    assert_eq!(own, ["Hài lòng không?"], "what the notice says is the notice's");
    for limit in [1, 3, 8] {
        assert_eq!(messages(&store, &lan, limit).await, all, "by {limit}");
    }
    assert_eq!(messages(&store, &code(2), 3).await.len(), 7);

    erase(&store, lan.clone()).await.unwrap();
    assert_eq!(messages(&store, &lan, 3).await, []);
}

async fn who_is_named_and_asked_is_told_where_and_about_what(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let (lan, due) = (ask_able(&store, 1, true).await, MORNING_US + 3_600_000_000);
    let (published, sent) = (new_id(), new_id());
    publish(&store, published).await;
    publish(&store, published).await;
    // As of a notice whose revision is no longer kept.
    let alone = Dispatch { revision: 4, customers: vec![lan.to_string()], ..dispatch(sent) };
    store.open_dispatch(&alone).await.unwrap();
    let named = store.notices_naming(&lan).await.unwrap();
    assert_eq!(named, BTreeSet::from([(published, 1), (published, 2), (sent, 4)]));
    assert!(store.notices_naming(&code(3)).await.unwrap().is_empty());

    let first = to_be_asked(&store, &lan, due).await;
    let later = to_be_asked(&store, &lan, due + 1).await;
    assert_eq!(ask(&store, &asking(first, &lan, due), due).await, Asked::Queued);
    let of = |ticket_id, due_us, asked_us| CustomerQuestion { due_us, ticket_id, asked_us };
    assert_eq!(store.questions_of(&lan).await.unwrap(), [of(first, due, Some(due)), of(later, due + 1, None)]);

    erase(&store, lan.clone()).await.unwrap();
    assert!(store.notices_naming(&lan).await.unwrap().is_empty());
    assert!(store.questions_of(&lan).await.unwrap().is_empty());
}

async fn the_answer_that_wrote_a_notice_forgets_whom_it_named(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let (lan, writing) = (ask_able(&store, 1, true).await, request());
    let mut naming = notice(new_id());
    naming.revisions[0].content.audience.customers = vec![lan.clone()];
    let answer = format!("{} for {lan}", naming.id);
    let decide = |_: Option<&StoredNotice>| {
        let NoticeDecision::Becomes(mut write) = becomes(naming.clone()) else { unreachable!("it is new") };
        write.response = answer.clone().into_bytes();
        Ok(NoticeDecision::Becomes(write))
    };
    store.write_notice(Some(writing), MORNING_US, new_id(), naming.id, &decide).await.unwrap().unwrap();
    erase(&store, lan).await.unwrap();
    store.sweep_answers(MORNING_US).await.unwrap();
    let refused = store.answered(writing).await.unwrap().unwrap().unwrap_err();
    assert_eq!(refused.reason, "ANSWER_ERASED");
}

on_both_engines!(
    the_answer_that_wrote_a_notice_forgets_whom_it_named,
    every_message_to_a_customer_is_found_once_whatever_the_page,
    who_is_named_and_asked_is_told_where_and_about_what,
);
