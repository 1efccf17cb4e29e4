use std::num::NonZeroU32;

use gridcare_courier::smpp::Event;
use gridcare_domain::sms_text::Encoding;

use crate::world::{bound, eventually, smsc};

const LONG: &str =
    "Tôi ở số 12 đường Trần Phú, nhà tôi mất điện từ sáng, xin cho biết khi nào có điện lại, cảm ơn nhiều.";

#[tokio::test(start_paused = true)]
async fn a_message_is_answered_once_it_is_taken() {
    let smsc = smsc(|_| {});
    let mut bound = bound(&smsc, |_| {}).await;
    smsc.write_from("84901234567", "19001006", "MD PE01000123456", Encoding::Gsm7, 0);
    let Event::Message { inbound, taken } = bound.event().await else { panic!("a message") };
    let told = (inbound.from.as_str(), inbound.to.as_str(), inbound.text.as_str(), inbound.ucs2);
    assert_eq!(told, ("84901234567", "19001006", "MD PE01000123456", false));
    assert_eq!(smsc.counts().inbound, 0);
    taken.taken();
    eventually(|| smsc.counts().inbound == 1).await;
}

#[tokio::test(start_paused = true)]
async fn parts_are_put_together_and_answered_together() {
    let smsc = smsc(|_| {});
    let mut bound = bound(&smsc, |_| {}).await;
    smsc.write_from("84901234567", "19001006", LONG, Encoding::Ucs2, 9);
    let Event::Message { inbound, taken } = bound.event().await else { panic!("a message") };
    assert_eq!((inbound.text.as_str(), inbound.ucs2, inbound.missing.len()), (LONG, true, 0));
    taken.taken();
    eventually(|| smsc.counts().inbound == 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_centre_that_sends_one_part_at_a_time_is_no_deadlock() {
    let smsc = smsc(|config| config.window = 1);
    let mut bound = bound(&smsc, |_| {}).await;
    smsc.write_from("84901234567", "19001006", LONG, Encoding::Ucs2, 9);
    let Event::Message { inbound: first, taken } = bound.event().await else { panic!("the first part") };
    assert_eq!(first.missing, [2]);
    taken.taken();
    let Event::Message { inbound: whole, taken } = bound.event().await else { panic!("the whole") };
    assert_eq!((whole.text.as_str(), whole.replaces), (LONG, Some(first.id)));
    taken.taken();
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_put_off_and_nothing_of_it_is_lost() {
    let smsc = smsc(|config| config.window = 5_000);
    let mut bound = bound(&smsc, |config| config.inbound = NonZeroU32::new(50).unwrap()).await;
    for n in 0..2_000 {
        smsc.write_from("84901234567", "19001006", &format!("tin {n}"), Encoding::Gsm7, 0);
    }
    eventually(|| smsc.counts().put_off > 1_900).await;
    let mut texts = std::collections::BTreeSet::new();
    while texts.len() < 2_000 {
        let Event::Message { inbound, taken } = bound.event().await else { panic!("a message") };
        texts.insert(inbound.text);
        taken.taken();
    }
    eventually(|| smsc.counts().inbound == 2_000).await;
    assert!(bound.session.state().counts.put_off > 1_900);
}
