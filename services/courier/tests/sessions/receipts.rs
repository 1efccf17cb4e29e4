use std::{collections::BTreeSet, time::Duration};

use gridcare_courier::{
    smpp::{
        Event,
        pdu::{Message, esm_class},
        receipt::{Stage, State},
    },
    smsc::{Ids, ReceiptForm, SmscConfig},
};

use crate::world::{accepted, bound, messages, smsc, submit_all};

/// Sends some messages and takes their receipts: every part is named once.
async fn all_receipts_come(change: impl FnOnce(&mut SmscConfig)) {
    let smsc = smsc(change);
    let mut bound = bound(&smsc, |_| {}).await;
    let sent = messages(30, "mat dien");
    assert_eq!(accepted(&submit_all(&bound.session, &sent).await), 30);
    let mut named = BTreeSet::new();
    for _ in &sent {
        let Event::Receipt { part, receipt, taken, .. } = bound.event().await else { panic!("a receipt") };
        assert_eq!((receipt.state, receipt.stage), (Some(State::Delivered), Stage::Final));
        let part = part.expect("the part is known");
        assert_eq!(u128::from(receipt.user_message_reference.unwrap()), part.delivery.as_u128());
        named.insert(part.delivery);
        taken.taken();
    }
    assert_eq!(named.len(), 30);
    let counts = bound.session.state().counts;
    assert_eq!((counts.receipts, counts.strange_receipts), (30, 0));
    crate::world::eventually(|| smsc.counts().receipts == 30).await;
}

#[tokio::test(start_paused = true)]
async fn receipts_are_matched_in_every_form_and_with_every_kind_of_id() {
    for receipts in [ReceiptForm::Text, ReceiptForm::Tlv, ReceiptForm::Both] {
        for ids in [Ids::Decimal, Ids::Hex, Ids::HexThenDecimal, Ids::DecimalThenHex] {
            all_receipts_come(|config| (config.receipts, config.ids) = (receipts, ids)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_receipt_before_the_answer_finds_its_part() {
    all_receipts_come(|config| {
        config.early_receipts = true;
        config.latency = Duration::from_millis(300);
        config.ids = Ids::HexThenDecimal;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_receipt_for_nothing_that_is_known_is_told_as_such() {
    let smsc = smsc(|_| {});
    let mut bound = bound(&smsc, |_| {}).await;
    let text = b"id:424242 sub:001 dlvrd:000 stat:EXPIRED err:000 text:".to_vec();
    smsc.send(Message { esm_class: esm_class::RECEIPT, text, ..Message::default() });
    let Event::Receipt { part, receipt, taken, .. } = bound.event().await else { panic!("a receipt") };
    assert_eq!((part, receipt.id.as_str(), receipt.state), (None, "424242", Some(State::Expired)));
    taken.taken();
    assert_eq!(bound.session.state().counts.strange_receipts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_is_not_taken_comes_again_and_outlives_the_session() {
    let smsc = smsc(|_| {});
    let mut bound = bound(&smsc, |_| {}).await;
    submit_all(&bound.session, &messages(1, "mat dien")).await;
    // Dropped: the caller could not make it durable.
    drop(bound.event().await);
    let Event::Receipt { taken, .. } = bound.event().await else { panic!("the same receipt") };
    assert_eq!(smsc.counts().put_off, 1);
    smsc.cut();
    drop(taken);
    let Event::Receipt { part, taken, .. } = bound.event().await else { panic!("through the next session") };
    assert_eq!(part, None, "its final receipt was matched before; its id is for whoever keeps ids");
    taken.taken();
    crate::world::eventually(|| smsc.counts().receipts == 1).await;
    assert_eq!(smsc.counts().binds, 2);
}
