use std::{collections::BTreeMap, process::Stdio};

use gridcare_courier::config::{Email, MailTls};
use gridcare_proto::delivery::v1::SubmitResult;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use crate::{
    mail::PlayedMail,
    node::{EN, VI},
    world::{World, eventually},
};

fn with_email(server: String, change: impl FnOnce(&mut Email)) -> World {
    let mut world = World::new(|_| {});
    world.config.sms.centres.clear();
    world.config.email = Email {
        server: Some(server),
        tls: MailTls::None,
        from: "EVN HCMC <care@hcmc.example>".into(),
        bounce: "bounce@hcmc.example".into(),
        timeout_ms: 500,
        bounces_every_s: 1,
        ..Email::default()
    };
    change(&mut world.config.email);
    world
}

/// The first letter comes back.
const BOUNCE: &str = "Content-Type: multipart/report; boundary=b; report-type=delivery-status\nTo: bounce+1@hcmc.example\n\n\
     --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n\
     Final-Recipient: rfc822; first@customers.example\nAction: failed\nStatus: 5.2.2\n\n--b--\n";

const AWAY: &str = "Subject: I am away\n\nuntil Monday";

fn maildir() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["new", "cur"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    folder
}

/// A file stands in `new` whole or not at all.
fn deliver(folder: &tempfile::TempDir, name: &str, text: &str) {
    let written = folder.path().join(name);
    std::fs::write(&written, text).unwrap();
    std::fs::rename(written, folder.path().join("new").join(name)).unwrap();
}

fn states(world: &World) -> BTreeMap<String, &'static str> {
    world.node.look().deliveries.values().map(|delivery| (delivery.address.clone(), delivery.state)).collect()
}

#[tokio::test]
async fn letters_are_taken_refused_put_off_or_unknown_and_bounces_find_back() {
    let (mail, folder) = (PlayedMail::default(), maildir());
    let world = with_email(mail.serve().await, |email| email.bounces = Some(folder.path().to_owned()));
    let names = ["first", "second", "nobody", "grey", "dropped", "silent", "spam"];
    world.node.queue(names.map(|name| format!("{name}@customers.example")).into_iter().chain(["no address".into()]));
    let running = world.start();
    eventually("each has come to its end", || {
        states(&world).values().all(|state| ["sent", "failed", "unknown"].contains(state))
    })
    .await;
    let expected = [
        ("dropped@customers.example", "unknown"),
        ("first@customers.example", "sent"),
        ("grey@customers.example", "sent"),
        ("no address", "failed"),
        ("nobody@customers.example", "failed"),
        ("second@customers.example", "sent"),
        ("silent@customers.example", "unknown"),
        ("spam@customers.example", "failed"),
    ];
    assert_eq!(states(&world), expected.map(|(address, state)| (address.to_owned(), state)).into());
    let returned: Vec<_> =
        world.node.look().outcomes.iter().filter(|o| o.1 == SubmitResult::Returned).copied().collect();
    assert_eq!(returned, [(4, SubmitResult::Returned)], "only who was put off comes again");

    let letters = mail.taken();
    assert_eq!(letters.len(), 3, "none twice");
    let first = letters.iter().find(|letter| letter.to.starts_with("first")).unwrap();
    assert_eq!(first.from, "bounce+1@hcmc.example");
    for line in ["Message-ID: <gridcare.1@hcmc.example>\r\n", "Auto-Submitted: auto-generated\r\n", "Subject: EVN\r\n"]
    {
        assert!(first.text.contains(line), "{line} in {}", first.text);
    }
    assert!(letters.iter().any(|letter| letter.text.contains(EN)), "{VI} is encoded, {EN} is not");

    deliver(&folder, "1.mx", BOUNCE);
    deliver(&folder, "2.mx", AWAY);
    eventually("the bounce is told", || states(&world)["first@customers.example"] == "failed").await;
    eventually("both are seen", || std::fs::read_dir(folder.path().join("cur")).unwrap().count() == 2).await;
    running.end().await;
}

#[tokio::test]
async fn an_address_with_diacritics_fails_alone_where_the_server_takes_none() {
    for (mail, state) in [(PlayedMail::default(), "failed"), (PlayedMail::international(), "sent")] {
        let world = with_email(mail.serve().await, |_| {});
        world.node.queue(["lan@điện.vn".to_owned(), "first@customers.example".to_owned()]);
        let running = world.start();
        eventually("both have come to their ends", || {
            let ends = [("first@customers.example", "sent"), ("lan@điện.vn", state)];
            states(&world) == BTreeMap::from(ends.map(|(address, state)| (address.to_owned(), state)))
        })
        .await;
        assert!(world.node.look().outcomes.iter().all(|(_, result)| *result != SubmitResult::Returned));
        running.end().await;
    }
}

#[tokio::test]
async fn a_bounce_that_cannot_be_taken_keeps_no_other_from_being_read() {
    let (mail, folder) = (PlayedMail::default(), maildir());
    let world = with_email(mail.serve().await, |email| email.bounces = Some(folder.path().to_owned()));
    world.node.queue(["first@customers.example".to_owned()]);
    let running = world.start();
    eventually("it is sent", || world.node.count("sent") == 1).await;
    // In whatever order a folder is read, most of these stand before the bounce.
    for n in 0..50 {
        std::fs::create_dir(folder.path().join(format!("cur/{n}.mx:2,S"))).unwrap();
        deliver(&folder, &format!("{n}.mx"), AWAY);
    }
    deliver(&folder, "bounce.mx", BOUNCE);
    eventually("the bounce is told", || world.node.count("failed") == 1).await;
    running.end().await;
}

#[tokio::test]
async fn a_sealed_letter_comes_back_to_its_own_address_alone() {
    let (mail, folder, key) = (PlayedMail::default(), maildir(), tempfile::NamedTempFile::new().unwrap());
    std::fs::write(key.path(), "geheim\n").unwrap();
    let world = with_email(mail.serve().await, |email| {
        (email.bounces, email.bounce_key_file) = (Some(folder.path().to_owned()), Some(key.path().to_owned()));
    });
    world.node.queue(["first@customers.example".to_owned()]);
    let running = world.start();
    eventually("it is sent", || world.node.count("sent") == 1).await;
    deliver(&folder, "1.mx", BOUNCE);
    eventually("the forged one is seen", || folder.path().join("cur/1.mx:2,S").exists()).await;
    assert_eq!(world.node.count("sent"), 1);
    let own = BOUNCE.replace("bounce+1@hcmc.example", &mail.taken()[0].from);
    deliver(&folder, "2.mx", &own);
    eventually("its own is told", || world.node.count("failed") == 1).await;
    running.end().await;
}

#[tokio::test]
async fn a_foreign_mail_server_takes_letters() {
    let python = std::env::var_os("GRIDCARE_TEST_PYTHON").expect("./tests/run installs the Python tools");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/tools/foreign_mail.py");
    let mut server = Command::new(python).arg(script).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let address = lines.next_line().await.unwrap().expect("its address");
    let world = with_email(address, |email| email.timeout_ms = 10_000);
    world.node.queue((1..=20).map(|n| format!("customer{n}@customers.example")));
    let running = world.start();
    let mut told = Vec::new();
    for _ in 0..20 {
        told.push(lines.next_line().await.unwrap().unwrap());
    }
    told.sort();
    // As its own parser reads them: envelope, and the decoded text.
    assert!(told.contains(&format!("bounce+1@hcmc.example customer1@customers.example EVN {VI}")), "{told:?}");
    assert!(told.contains(&format!("bounce+2@hcmc.example customer2@customers.example EVN {EN}")), "{told:?}");
    eventually("all are sent", || world.node.count("sent") == 20).await;
    running.end().await;
}
