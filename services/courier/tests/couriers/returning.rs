use std::{collections::BTreeSet, num::NonZeroU32, time::Duration};

use gridcare_courier::{
    smpp::pdu::{Message, esm_class},
    smsc::Ids,
};

use crate::world::{World, eventually};

#[tokio::test(start_paused = true)]
async fn receipts_before_their_answers_and_in_another_form_find_their_messages() {
    for ids in [Ids::HexThenDecimal, Ids::DecimalThenHex] {
        let world = World::new(|config| {
            config.ids = ids;
            config.early_receipts = true;
            config.latency = Duration::from_millis(50);
        });
        world.node.queue(World::phones(200));
        let mut running = world.start();
        running.idle().await;
        eventually("all are delivered", || world.node.count("delivered") == 200).await;
        assert_eq!(running.state.borrow().receipts.let_go, 0);
        running.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn receipts_for_nothing_are_let_go_and_hold_up_no_others() {
    let mut world = World::new(|config| config.window = 200);
    world.config.sms.centres[0].session.inbound = NonZeroU32::new(1_000).unwrap();
    let mut running = world.start();
    running.idle().await;
    for n in 0..3_000 {
        let text = format!("id:99{n:06} sub:001 dlvrd:001 stat:DELIVRD err:000").into_bytes();
        world.smsc.send(Message { esm_class: esm_class::RECEIPT, text, ..Message::default() });
    }
    world.node.queue(World::phones(50));
    eventually("all are delivered", || world.node.count("delivered") == 50).await;
    eventually("the centre is rid of them", || world.smsc.counts().inbound >= 3_000).await;
    running.idle().await;
    assert_eq!(running.state.borrow().receipts.let_go, 3_000);
    running.end().await;
}

async fn another_courier_resolves_what_a_lost_one_left_unknown(echo_reference: bool) {
    let world = World::new(|config| {
        config.latency = Duration::from_secs(1);
        config.delivery = Duration::from_secs(5);
        config.echo_reference = echo_reference;
    });
    world.node.queue(World::phones(40));
    let lost = world.start();
    eventually("a window is at the centre", || world.smsc.counts().accepted == 10).await;
    // As a kill would: without a word.
    lost.task.abort();
    world.smsc.cut();
    world.node.look().away = BTreeSet::from(["outcomes"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.node.end_leases();
    world.node.look().away.clear();
    assert_eq!(world.node.count("unknown"), 10);
    let mut running = world.start();
    running.idle().await;
    eventually("all are delivered", || world.node.count("delivered") == 40).await;
    assert_eq!((world.smsc.counts().accepted, world.smsc.counts().duplicates), (40, 0));
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_courier_left_unknown_is_resolved_by_its_number() {
    another_courier_resolves_what_a_lost_one_left_unknown(true).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_courier_left_unknown_is_resolved_by_its_phone_where_no_number_is_echoed() {
    another_courier_resolves_what_a_lost_one_left_unknown(false).await;
}
