//! Reports by those whom they are not about, and what is said of them once they are settled.

use gridcare_domain::customer::Language;
use gridcare_proto::ticket::v1 as ticket;
use gridcare_tests::{Place, calls};

use super::{
    CODE,
    scene::{JOHN, LAN, STRANGER, Scene},
};

crate::on_both_engines!(
    a_report_with_a_code_of_another_corporation_is_told_who_serves_it,
    a_report_with_the_code_of_another_tells_nothing_of_them,
    a_digit_after_the_end_says_how_satisfied_somebody_is,
);

async fn a_report_with_a_code_of_another_corporation_is_told_who_serves_it(place: Place) {
    let scene = Scene::new(place, "HCMC").await;
    let told = scene.told(STRANGER, "MAT DIEN PB01000999999").await;
    assert_eq!(told.text, "Ma PB01000999999 do SPC phuc vu. Xin lien he SPC.");
    assert_eq!((told.keyword.as_str(), told.ticket.as_str()), ("report_outage", ""));
    assert_eq!(told.text, scene.told(STRANGER, "MD PB01000999999").await.text);
    // A code of its own that the node has no customer of yet.
    let ours = scene.told(STRANGER, "MAT DIEN PE01000999999").await;
    assert!(ours.ticket.starts_with("HCMC-"), "{ours:?}");
    let all = calls::tickets(&scene.node).list_tickets(ticket::ListTicketsRequest::default()).await.unwrap();
    assert_eq!(all.into_inner().tickets.len(), 1);
}

async fn a_report_with_the_code_of_another_tells_nothing_of_them(place: Place) {
    let scene = Scene::new(place, "HCMC").await;
    scene.lan(CODE).await;
    let own = scene.told(LAN, "mat dien").await.ticket;
    let told = scene.told(STRANGER, "MAT DIEN PE01000123456").await;
    assert_ne!(told.ticket, own);
    assert!(told.text.contains(&told.ticket) && !told.text.contains(&own), "{}", told.text);
    let own = calls::ticket(&scene.node, &own).await;
    assert_eq!(own.requester_name, "Nguyễn Thị Lan");
    let other = calls::ticket(&scene.node, &told.ticket).await;
    assert_eq!((other.requester_name.as_str(), other.requester_contact_point.as_str()), ("", "+84912000111"));
    assert_eq!(other.customer_code, CODE, "the desk sees where it is");
}

async fn a_digit_after_the_end_says_how_satisfied_somebody_is(place: Place) {
    let scene = Scene::new(place, "HCMC").await;
    scene.lan(CODE).await;
    scene.customer("PE01000777777", JOHN, Language::En, &[]).await;
    let finish = async |name: &str| scene.finish(name).await;
    let lan = scene.told(LAN, "mat dien").await.ticket;
    assert_eq!(scene.told(LAN, "4").await.keyword, "help", "nothing is settled yet");
    finish(&lan).await;
    let rated = scene.told(LAN, " 5 ").await;
    assert_eq!((rated.keyword.as_str(), rated.ticket.as_str()), ("rating", lan.as_str()));
    assert_eq!(rated.text, "Cam on quy khach da danh gia.");
    assert_eq!(calls::ticket(&scene.node, &lan).await.satisfaction, 5);
    scene.told(LAN, "3").await;
    assert_eq!(calls::ticket(&scene.node, &lan).await.satisfaction, 3, "the last word counts");
    assert_eq!(scene.told(LAN, "6").await.keyword, "help");
    assert_eq!(scene.told(JOHN, "1").await.keyword, "help", "nothing of theirs was settled");

    // Whoever is no customer is known by the number that the desk noted.
    let noted = ticket::OpenTicketRequest {
        requester_contact_point: "0912000111".into(),
        ..calls::opening("Mất điện ở ngõ 12")
    };
    let noted = calls::opened(&scene.node, noted).await;
    finish(&noted.id).await;
    let rated = scene.told(STRANGER, "2").await;
    assert_eq!((rated.keyword.as_str(), rated.ticket.as_str()), ("rating", noted.reference.as_str()));
    let johns = ticket::OpenTicketRequest { customer_code: "PE01000777777".into(), ..calls::opening("No power") };
    let johns = calls::opened(&scene.node, johns).await;
    finish(&johns.id).await;
    assert_eq!(scene.told(JOHN, "1").await.text, "Thank you for your rating.");
    let contacts = scene.contacts().await;
    let ratings = contacts.iter().filter(|c| ["1", "2", "3"].contains(&c.note.as_str()) && !c.ticket.is_empty());
    assert!(ratings.clone().count() == 3 && ratings.clone().all(|c| c.customer_code.is_empty()), "nobody came back");
}
