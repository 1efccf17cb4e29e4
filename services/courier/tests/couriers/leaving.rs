use std::{collections::BTreeSet, num::NonZeroU32, time::Duration};

use gridcare_proto::delivery::v1::SubmitResult;
use jiff::SignedDuration;

use crate::world::{World, eventually};

#[tokio::test(start_paused = true)]
async fn a_thousand_messages_leave_in_groups_and_are_delivered() {
    let world = World::new(|config| config.latency = Duration::from_millis(20));
    world.node.queue(World::phones(1_000));
    let mut running = world.start();
    running.idle().await;
    eventually("all are delivered", || world.node.count("delivered") == 1_000).await;
    let counts = world.smsc.counts();
    assert_eq!((counts.accepted, counts.duplicates), (1_000, 0));
    {
        let node = world.node.look();
        assert!(node.largest_group <= 10 && node.most_leased <= 40, "{} {}", node.largest_group, node.most_leased);
    }
    let parts = world.smsc.accepted();
    let texts: BTreeSet<_> = parts.iter().map(|part| part.text.as_str()).collect();
    assert_eq!(texts, BTreeSet::from(["Da co dien lai.", "Power is back."]));
    assert_eq!(parts[0].reference, Some(1));
    assert!(parts[0].expires.unwrap() > world.clock.now(), "the centre knows how long to try");
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_with_a_text_of_its_own_says_that_and_no_other() {
    let world = World::new(|_| {});
    world.node.look().own.insert(2, "How satisfied are you with HCMC-1?".into());
    world.node.look().answered_at = "8055".into();
    world.node.queue(World::phones(2));
    let mut running = world.start();
    running.idle().await;
    eventually("both are delivered", || world.node.count("delivered") == 2).await;
    let parts = world.smsc.accepted();
    assert!(parts.iter().all(|part| part.from == "8055"), "nobody can answer a name");
    let texts: BTreeSet<_> = parts.iter().map(|part| part.text.clone()).collect();
    assert!(texts.contains("How satisfied are you with HCMC-1?") && texts.len() == 2, "{texts:?}");
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_centre_that_throttles_gets_them_all_more_slowly() {
    let mut world = World::new(|config| config.rate = 50);
    world.node.look().diacritics = true;
    world.config.sms.centres[0].session.window = NonZeroU32::new(50).unwrap();
    world.node.queue(World::phones(500));
    let mut running = world.start();
    running.idle().await;
    let counts = world.smsc.counts();
    assert!(counts.throttled > 0 && counts.accepted == 500 && counts.duplicates == 0, "{counts:?}");
    assert!(world.smsc.accepted().iter().any(|part| part.text == crate::node::VI), "with diacritics, as asked");
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_lease_stops_what_has_not_begun_and_what_was_sent_is_told_all_the_same() {
    let mut world = World::new(|config| config.latency = Duration::from_secs(3));
    world.config.sms.centres[0].session.window = NonZeroU32::new(5).unwrap();
    world.node.queue(World::phones(20));
    let mut running = world.start();
    eventually("a window is under way", || world.smsc.counts().submits == 5).await;
    world.node.end_leases();
    assert_eq!((world.node.count("unknown"), world.node.count("queued")), (5, 15));
    running.idle().await;
    eventually("all are delivered", || world.node.count("delivered") == 20).await;
    assert_eq!(world.smsc.counts().duplicates, 0);
    assert!(running.state.borrow().sms.unwrap().leases_lost > 0);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn outcomes_are_told_until_the_node_has_them() {
    let world = World::new(|_| {});
    world.node.look().away = BTreeSet::from(["outcomes", "receipts"]);
    world.node.queue(World::phones(10));
    let mut running = world.start();
    eventually("all are at the centre", || world.smsc.counts().accepted == 10).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!((world.node.count("submitting"), world.smsc.counts().receipts), (10, 0), "no receipt is taken");
    world.node.look().away.clear();
    running.idle().await;
    eventually("all are delivered", || world.node.count("delivered") == 10).await;
    eventually("receipts are taken", || world.smsc.counts().receipts == 10).await;
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_centre_makes_unknown_what_it_swallowed_and_no_more() {
    let world = World::new(|config| config.silent = true);
    world.node.queue(World::phones(100));
    let mut running = world.start();
    eventually("the first window is given up", || world.node.count("unknown") == 10).await;
    world.smsc.change(|config| config.silent = false);
    running.idle().await;
    eventually("the rest is delivered", || world.node.count("delivered") >= 80).await;
    let (unknown, delivered) = (world.node.count("unknown"), world.node.count("delivered"));
    assert_eq!(unknown + delivered, 100, "each is accounted for");
    assert_eq!(world.smsc.counts().duplicates, 0, "what may have been taken is not sent again");
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_while_there_is_no_centre() {
    let mut world = World::new(|_| {});
    world.config.sms.patience_s = 2;
    let account = world.config.sms.centres[0].session.system_id.clone();
    world.smsc.change(|config| config.account = Some((account.clone(), "another".into())));
    world.node.queue(World::phones(30));
    let mut running = world.start();
    eventually("some were tried and went back", || {
        world.node.look().outcomes.iter().any(|(_, result)| *result == SubmitResult::Returned)
    })
    .await;
    assert_eq!(world.smsc.counts().submits, 0);
    world.smsc.change(|config| config.account = None);
    running.idle().await;
    eventually("all are delivered", || world.node.count("delivered") == 30).await;
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_too_late_goes_back_unsent() {
    let world = World::new(|_| {});
    world.node.look().expires = Some(world.clock.now() - SignedDuration::from_secs(1));
    world.node.queue(World::phones(1));
    let running = world.start();
    eventually("it was told", || !world.node.look().outcomes.is_empty()).await;
    assert_eq!(world.node.look().outcomes[0], (1, SubmitResult::Returned));
    assert_eq!(world.smsc.counts().submits, 0);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn told_to_stop_it_waits_for_answers_and_gives_the_rest_back() {
    let world = World::new(|config| config.latency = Duration::from_secs(2));
    world.node.queue(World::phones(100));
    let running = world.start();
    eventually("a window is under way", || world.smsc.counts().submits == 10).await;
    let began = tokio::time::Instant::now();
    running.end().await;
    assert!(began.elapsed() < Duration::from_secs(10), "nothing else is waited for");
    let (sent, queued) = (world.node.count("sent") + world.node.count("delivered"), world.node.count("queued"));
    assert_eq!((sent, queued), (10, 90));
}
