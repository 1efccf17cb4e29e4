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

fn states(world: &World) -> BTreeMap<String, &'static str> {
    world.node.look().deliveries.values().map(|delivery| (delivery.address.clone(), delivery.state)).collect()
}

#[tokio::test]
async fn letters_are_taken_refused_put_off_or_unknown_and_bounces_find_back() {
    let (mail, folder) = (PlayedMail::default(), tempfile::tempdir().unwrap());
    for name in ["new", "cur"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
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

    let bounce = "Content-Type: multipart/report; boundary=b; report-type=delivery-status\nTo: bounce+1@hcmc.example\n\n\
                  --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n\
                  Final-Recipient: rfc822; first@customers.example\nAction: failed\nStatus: 5.2.2\n\n--b--\n";
    std::fs::write(folder.path().join("new/1.mx"), bounce).unwrap();
    std::fs::write(folder.path().join("new/2.mx"), "Subject: I am away\n\nuntil Monday").unwrap();
    eventually("the bounce is told", || states(&world)["first@customers.example"] == "failed").await;
    eventually("both are seen", || std::fs::read_dir(folder.path().join("cur")).unwrap().count() == 2).await;
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
