use std::{collections::BTreeSet, time::Duration};

use gridcare_courier::smpp::pdu::{Address, Message, esm_class};
use gridcare_domain::sms_text::Encoding;

use crate::world::{World, eventually};

const PHONE: &str = "84901234567";
const ASKED: &str = "MD PE01000123456";

#[tokio::test(start_paused = true)]
async fn a_customer_is_answered_through_the_same_session_in_the_same_encoding() {
    let world = World::new(|_| {});
    let mut running = world.start();
    running.idle().await;
    world.smsc.write_from(PHONE, "19001006", ASKED, Encoding::Gsm7, 0);
    world.smsc.write_from("84901234568", "19001006", "Nhà tôi mất điện", Encoding::Ucs2, 0);
    eventually("both are answered", || world.smsc.counts().accepted == 2).await;
    eventually("both are taken", || world.smsc.counts().inbound == 2).await;
    let mut told: Vec<_> = world.smsc.accepted().into_iter().map(|part| (part.from, part.to, part.text)).collect();
    told.sort();
    let answer = |to: &str, text: &str| ("19001006".to_owned(), to.to_owned(), text.to_owned());
    assert_eq!(told, [answer(PHONE, "Khong mat dien."), answer("84901234568", "Không mất điện.")]);
    running.idle().await;
    assert_eq!(running.state.borrow().inbound.answered, 2);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_is_taken_only_once_the_node_has_answered_and_answered_once() {
    let world = World::new(|_| {});
    let mut running = world.start();
    running.idle().await;
    world.node.look().away = BTreeSet::from(["answer"]);
    world.smsc.write_from(PHONE, "19001006", ASKED, Encoding::Gsm7, 0);
    eventually("the centre is asked to come again", || world.smsc.counts().put_off > 1).await;
    assert_eq!((world.smsc.counts().inbound, world.smsc.counts().accepted), (0, 0));
    world.node.look().away.clear();
    eventually("it is answered", || world.smsc.counts().accepted == 1).await;
    // The centre has not heard that it was taken, and delivers it again.
    world.smsc.write_from(PHONE, "19001006", ASKED, Encoding::Gsm7, 0);
    eventually("it is taken", || world.smsc.counts().inbound == 2).await;
    running.idle().await;
    assert_eq!(world.smsc.counts().accepted, 1);
    assert_eq!(running.state.borrow().inbound.repeated, 1);
    let ids: BTreeSet<_> = world.node.look().questions.iter().map(|asked| asked.request_id.clone()).collect();
    assert_eq!(ids.len(), 1, "it was one question however often it came");
    tokio::time::sleep(Duration::from_mins(6)).await;
    world.smsc.write_from(PHONE, "19001006", ASKED, Encoding::Gsm7, 0);
    eventually("asked later, it is another question", || world.smsc.counts().accepted == 2).await;
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_long_message_is_one_question_also_from_a_centre_that_sends_part_by_part() {
    const LONG: &str = "Tôi ở số 12 đường Trần Phú, nhà tôi mất điện từ sáng, xin cho biết khi nào có điện lại.";
    let world = World::new(|config| config.window = 1);
    let mut running = world.start();
    running.idle().await;
    world.smsc.write_from(PHONE, "19001006", LONG, Encoding::Ucs2, 9);
    eventually("it is answered", || world.smsc.counts().accepted == 1).await;
    running.idle().await;
    let texts: Vec<_> = world.node.look().questions.iter().map(|asked| asked.text.clone()).collect();
    assert_eq!(texts, [LONG]);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_flood_of_lone_parts_only_so_many_are_held_and_none_is_lost() {
    const FLOOD: usize = 1_500;
    let world = World::new(|config| config.window = 2_000);
    let mut running = world.start();
    running.idle().await;
    let address = |digits: String| Address { digits, ..Address::default() };
    for n in 0..FLOOD {
        world.smsc.send(Message {
            source: address(format!("8490{n:07}")),
            destination: address("19001006".to_owned()),
            esm_class: esm_class::HEADER,
            // The first of two; the second never comes.
            text: b"\x05\x00\x03\x07\x02\x01MD PE01000123456".to_vec(),
            ..Message::default()
        });
    }
    let mut most = 0;
    let asked = async {
        while world.node.look().questions.len() < FLOOD {
            most = most.max(running.state.borrow().inbound.waiting);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(10), asked).await.expect("the node is asked about each");
    assert!(most <= 1_000 + 64, "{most} were held");
    assert!(running.state.borrow().inbound.put_off > 0);
    eventually("the centre is rid of all", || world.smsc.counts().inbound == 1_500).await;
    running.idle().await;
    running.end().await;
}
