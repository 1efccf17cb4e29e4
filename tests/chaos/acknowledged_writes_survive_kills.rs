use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use gridcare_proto::{federation::v1 as federation, ticket::v1 as ticket};
use gridcare_tests::{Place, Process, calls, world::World};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio_stream::StreamExt as _;

crate::on_both_engines!(an_acknowledged_write_survives_kill_at_any_moment);

/// What the client knows: requests it has sent, and the references it was given.
#[derive(Default)]
struct Ledger {
    sent: BTreeMap<String, ticket::OpenTicketRequest>,
    acknowledged: BTreeMap<String, String>,
}

async fn an_acknowledged_write_survives_kill_at_any_moment(place: Place) {
    let world = World::new(place);
    let mut node = world.node("hcmc-1", "HCMC").await;
    let mut random = StdRng::seed_from_u64(20_130_522);
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    for round in 0..6 {
        let callers: Vec<_> =
            (0..16).map(|caller| tokio::spawn(call(calls::tickets(&node), ledger.clone(), round, caller))).collect();
        // The moment is random, and the seed says which.
        tokio::time::sleep(Duration::from_millis(random.random_range(20..300))).await;
        node.kill();
        for caller in callers {
            caller.await.unwrap();
        }
        node.restart().await;
        check(&node, &ledger).await;
    }
    let (sent, acknowledged) = {
        let ledger = ledger.lock().unwrap();
        (ledger.sent.len(), ledger.acknowledged.len())
    };
    assert!(acknowledged > 50, "only {acknowledged} of {sent} were acknowledged: the trial tried nothing");
    replay(&node, &ledger).await;
    feed_is_dense(&node).await;
}

/// Opens tickets until the node is gone.
async fn call(
    mut tickets: ticket::ticket_service_client::TicketServiceClient<tonic::transport::Channel>,
    ledger: Arc<Mutex<Ledger>>,
    round: u32,
    caller: u32,
) {
    for i in 0.. {
        let request = calls::opening(&format!("round {round} caller {caller} ticket {i}"));
        let id = request.request_id.clone();
        ledger.lock().unwrap().sent.insert(id.clone(), request.clone());
        match tickets.open_ticket(request).await {
            Ok(opened) => {
                let reference = opened.into_inner().ticket.unwrap().reference;
                ledger.lock().unwrap().acknowledged.insert(id, reference);
            }
            Err(_) => return,
        }
    }
}

/// Every acknowledged ticket is there.
async fn check(node: &Process, ledger: &Mutex<Ledger>) {
    let there = references(node).await;
    let lost: Vec<_> = ledger.lock().unwrap().acknowledged.values().filter(|r| !there.contains(*r)).cloned().collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

async fn references(node: &Process) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut token = String::new();
    loop {
        let request = ticket::ListTicketsRequest { page_size: 1_000, page_token: token, ..Default::default() };
        let page = calls::tickets(node).list_tickets(request).await.unwrap().into_inner();
        for ticket in page.tickets {
            assert!(all.insert(ticket.reference.clone()), "{} is there twice", ticket.reference);
        }
        token = page.next_page_token;
        if token.is_empty() {
            return all;
        }
    }
}

/// Every request is sent again: the acknowledged ones get their first answer, all have one effect.
async fn replay(node: &Process, ledger: &Mutex<Ledger>) {
    let (sent, acknowledged) = {
        let ledger = ledger.lock().unwrap();
        (ledger.sent.clone(), ledger.acknowledged.clone())
    };
    let mut tickets = calls::tickets(node);
    for (id, request) in &sent {
        let reference = tickets.open_ticket(request.clone()).await.unwrap().into_inner().ticket.unwrap().reference;
        if let Some(first) = acknowledged.get(id) {
            assert_eq!(&reference, first, "the same request has the same answer after a crash");
        }
    }
    assert_eq!(references(node).await.len(), sent.len(), "one ticket per request");
}

async fn feed_is_dense(node: &Process) {
    let head =
        calls::feed(node).describe_node(federation::DescribeNodeRequest {}).await.unwrap().into_inner().head.unwrap();
    let mut stream = calls::feed(node).pull_feed(federation::PullFeedRequest::default()).await.unwrap().into_inner();
    let mut position = 0;
    while position < head.position {
        for entry in stream.next().await.unwrap().unwrap().entries {
            position += 1;
            assert_eq!(entry.position, position, "no gap, no duplicate");
        }
    }
}
