//! Customers of closed tickets, who are asked how satisfied they are.

use gridcare_domain::{
    customer::{Language, Purpose},
    delivery::DeliveryState,
    standard,
};
use gridcare_proto::{
    delivery::v1::{LeaseMessagesRequest, LeaseMessagesResponse, MessageText},
    notice::v1::NoticeChannel,
    ticket::v1 as ticket,
};
use gridcare_tests::{Place, Process, calls, centre::Centre, eventually};

use super::{
    CODE,
    scene::{JOHN, LAN, Scene},
};

crate::on_both_engines!(
    a_customer_is_asked_after_the_end_and_the_answer_is_about_that_ticket,
    a_question_leaves_by_a_courier,
);

const JOHNS: &str = "PE01000777777";
const OTHERS: &str = "PE01000888888";

async fn scene(place: Place) -> Scene {
    let yaml = standard::builtin();
    assert!(yaml.contains("ask_after: PT1H"));
    let scene = Scene::under(place, "HCMC", Some(&yaml.replace("ask_after: PT1H", "ask_after: PT1S"))).await;
    scene.customer(CODE, LAN, Language::Vi, &[Purpose::Survey]).await;
    scene.customer(JOHNS, JOHN, Language::En, &[Purpose::Survey]).await;
    scene.customer(OTHERS, "0908888888", Language::Vi, &[Purpose::OutageNotice]).await;
    scene
}

async fn finished(scene: &Scene, code: &str) -> ticket::Ticket {
    let opening =
        ticket::OpenTicketRequest { customer_code: code.into(), ..calls::opening("Mất điện ở ngõ 12") };
    let opened = calls::opened(&scene.node, opening).await;
    scene.finish(&opened.id).await;
    opened
}

/// The next messages for a courier, once there are any.
async fn leased(scene: &Scene) -> LeaseMessagesResponse {
    eventually("somebody is asked", || async {
        let request = LeaseMessagesRequest {
            courier: "courier-1".into(),
            channel: NoticeChannel::Sms.into(),
            limit: 10,
            lease_seconds: 60,
            wait_seconds: 0,
        };
        let batch = calls::deliveries(&scene.node).lease_messages(request).await.unwrap().into_inner();
        (!batch.messages.is_empty()).then_some(batch)
    })
    .await
}

fn was_asked(ticket: &ticket::Ticket) -> bool {
    ticket.timeline.iter().any(|entry| entry.kind() == ticket::TimelineKind::Questioned)
}

async fn a_customer_is_asked_after_the_end_and_the_answer_is_about_that_ticket(place: Place) {
    let scene = scene(place).await;
    let refuses = finished(&scene, OTHERS).await;
    let (lans, johns) = (finished(&scene, CODE).await, finished(&scene, JOHNS).await);
    let mut asked = Vec::new();
    while asked.len() < 2 {
        let batch = leased(&scene).await;
        let answered = |text: &MessageText| text.answered_at == "8055" && text.notice_id.is_empty() && text.phase == 0;
        assert!(batch.texts.iter().all(answered), "{:?}", batch.texts);
        asked.extend(batch.messages.into_iter().map(|message| (message.address, message.text)));
    }
    asked.sort();
    let vi = format!(
        "Quý khách hài lòng thế nào về việc giải quyết yêu cầu {}? Xin trả lời bằng một số từ 1 (rất không hài lòng) đến 5 \
         (rất hài lòng).",
        lans.reference
    );
    let en = format!(
        "How satisfied are you with how we settled your request {}? Please answer with a number from 1 (not at all) to 5 (very).",
        johns.reference
    );
    assert_eq!(asked, [("+84901234567".to_owned(), vi), ("+84907777777".to_owned(), en)]);

    // What was settled since is not what they were asked about.
    let later = finished(&scene, CODE).await;
    let unread = scene.told(LAN, "rất hài lòng").await;
    assert_eq!(unread.keyword, "help");
    let rated = scene.told(LAN, "4 sao").await;
    assert_eq!((rated.keyword.as_str(), rated.ticket.as_str()), ("rating", lans.reference.as_str()));
    let lans = calls::ticket(&scene.node, &lans.id).await;
    assert_eq!((lans.satisfaction, was_asked(&lans)), (4, true));
    let later = calls::ticket(&scene.node, &later.id).await;
    assert_eq!((later.satisfaction, was_asked(&later)), (0, false), "nobody is asked twice in a week");
    assert!(!was_asked(&calls::ticket(&scene.node, &refuses.id).await), "nobody is asked who did not agree");
    let contacts = scene.contacts().await;
    let unread = contacts.iter().find(|contact| contact.note == "rất hài lòng").unwrap();
    assert_eq!(unread.customer_code, "", "an answer that nobody can read is no coming back");

    // Whoever was asked speaks of that ticket, even where it is open again and another one is settled.
    let reopen = ticket::ReopenTicketRequest {
        request_id: calls::request_id(),
        name: johns.id.clone(),
        author: "mai".into(),
        ..Default::default()
    };
    calls::tickets(&scene.node).reopen_ticket(reopen).await.unwrap();
    let other = finished(&scene, JOHNS).await;
    assert_eq!(scene.told(JOHN, "1").await.keyword, "help");
    assert_eq!(calls::ticket(&scene.node, &other.id).await.satisfaction, 0);
}

async fn a_question_leaves_by_a_courier(place: Place) {
    let scene = scene(place).await;
    let centre = Centre::start(&["--delivery", "50"]).await;
    let centres = format!("[{{name: sandbox, address: \"{}\"}}]", centre.address);
    let pairs = [
        ("--courier-name", "courier-1"),
        ("--node-endpoint", &scene.node.endpoint()),
        ("--listen-http", "127.0.0.1:0"),
        ("--sms-sender", "EVNHCMC"),
        ("--sms-centres", &centres),
        ("--telemetry-log", "json"),
    ];
    let flags = pairs.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).to_owned()]);
    let flags: Vec<_> = std::iter::once("courier".to_owned()).chain(flags).collect();
    let courier = Process::start(&flags, &scene.world.environment, &scene.world.file("courier.log")).await;
    finished(&scene, JOHNS).await;
    let store = scene.store().await;
    eventually("it is delivered", || async {
        let counts = store.delivery_counts(1).await.unwrap();
        counts.contains_key(&DeliveryState::Delivered).then_some(())
    })
    .await;
    store.close().await;
    drop(courier);
    let counts = centre.end().await;
    assert!(counts["accepted"].as_i64() >= Some(1) && counts["duplicates"] == 0, "{counts}");
}
