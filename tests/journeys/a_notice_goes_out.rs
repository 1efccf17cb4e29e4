//! A notice from its first word to its proof, as people write it: the nation's, to a member that is away, and a member's own.

use std::{fs, time::Duration};

use gridcare_proto::notice::v1 as wire;
use gridcare_tests::{Place, http, tool, world::World};
use serde_json::json;

use crate::{
    a_notice_lands::{import, progress},
    on_both_engines,
};

const CONTENT: &str = "\
phase: first_notice
urgency: safety
audience:
  regions: [SPC]
channels: [web, sms]
vi: {title: Mất điện, body: 22 tỉnh phía Nam mất điện từ 14:19.}
en: {title: Power cut, body: 22 southern provinces are without supply since 14:19.}
";

async fn a_notice_goes_out(place: Place) {
    let mut world = World::new(place);
    let path = |name: &str| world.folder.path().join(name).display().to_string();
    let (key, content, proof) = (path("proof.key"), path("notice.yaml"), path("notice.proof"));
    let both = path("both.yaml");
    assert_eq!(tool::run(&["keys", "generate", "--out", &key]).await.code, Some(0));
    fs::write(&content, CONTENT).unwrap();
    fs::write(&both, CONTENT.replace("[SPC]", "[SPC, HCMC]")).unwrap();
    world.gateway_flags.extend(["--notices-proof-key".to_owned(), key.clone()]);
    let mut node = world.node("spc-1", "SPC").await;
    let other = world.node("hcmc-1", "HCMC").await;
    let gateway = world.gateway(&[("spc-1", "SPC", &node), ("hcmc-1", "HCMC", &other)]).await;
    node.kill();
    let at = gateway.endpoint();
    let notice = async |arguments: &[&str]| tool::run(&[&["notice"][..], arguments, &["--at", &at]].concat()).await;

    let write = ["write", "--incident", "500kV-2013-05-22", "--file", &content, "--as", "lan", "--json"];
    let endless = notice(&write).await;
    assert_eq!(endless.code, Some(1));
    assert!(endless.err.contains("content.expires_at"), "{}", endless.err);
    let written = notice(&[&write[..], &["--expires-in", "6h"]].concat()).await.json();
    let id = written["id"].as_str().unwrap();

    // The member is away, and says so by not answering; that does not hold up what must be told.
    let planned = notice(&["plan", id, "--json"]).await.json();
    assert_eq!(planned["missing_regions"], json!(["SPC"]));
    let refused = notice(&["publish", id, "--as", "lan", "--yes"]).await;
    assert!(refused.err.contains("draft"), "{}", refused.err);
    assert_eq!(notice(&["submit", id, "--as", "lan"]).await.code, Some(0));
    let alone = notice(&["approve", id, "--as", "lan"]).await;
    assert!(alone.err.contains("second person"), "{}", alone.err);
    assert_eq!(notice(&["approve", id, "--as", "minh"]).await.code, Some(0));
    let unasked = notice(&["publish", id, "--as", "lan"]).await;
    assert!(unasked.err.contains("--yes"), "{}", unasked.err);
    let published = notice(&["publish", id, "--as", "lan", "--yes", "--json"]).await.json();
    assert_eq!(published["revisions"][0]["state"], "published");

    let shown = notice(&["show", id, "--lang", "vi"]).await.out;
    for said in ["minh duyệt", "đã công bố", "22 tỉnh phía Nam"] {
        assert!(shown.contains(said), "{said} in {shown}");
    }
    let listed = notice(&["list", "--current", "--json"]).await.json();
    assert_eq!(listed["notices"][0]["id"], id);
    let progress = notice(&["progress", id, "--json"]).await.json();
    assert_eq!(progress["members"]["targets"][0]["state"], "waiting");
    assert_eq!(progress["members"]["completeness"]["expected"], 2);

    let release = notice(&["print", id, "--output", "press"]).await;
    assert!(release.out.contains("22 tỉnh phía Nam"), "{release:?}");
    let sent = notice(&["sent", id, "--output", "press", "--to", "TTXVN", "--as", "lan", "--json"]).await.json();
    assert_eq!((&sent["sent"][0]["recipient"], &sent["sent"][0]["output"]), (&"TTXVN".into(), &"press".into()));

    node.restart().await;
    let landed = async || {
        let progress = notice(&["progress", id, "--json"]).await.json();
        progress["members"]["targets"][0]["state"] == "landed"
    };
    until("the member has it", landed).await;
    // Each node plans for its own customers, whoever else is named.
    let planned = notice(&["plan", "--file", &both, "--expires-in", "6h", "--json"]).await.json();
    assert_eq!((planned["regions"].as_array().map(Vec::len), &planned["missing_regions"]), (Some(2), &json!([])));
    let home = node.endpoint();
    let there = tool::run(&["notice", "show", id, "--at", &home, "--json"]).await.json();
    assert_eq!((&there["national"], &there["revisions"][0]["vi"]["title"]), (&true.into(), &"Mất điện".into()));
    let own = [&write[..], &["--expires-in", "6h", "--urgency", "emergency", "--at", &home]].concat();
    let own = tool::run(&[&["notice"][..], &own].concat()).await.json();
    let own = own["id"].as_str().unwrap();
    let publish = ["notice", "publish", own, "--as", "lan", "--yes", "--json", "--at", &home];
    assert_eq!(tool::run(&publish).await.json()["revisions"][0]["awaits_review"], true);
    let update =
        ["--id", own, "--kind", "update", "--file", &content, "--expires-in", "6h", "--as", "lan", "--at", &home];
    assert_eq!(tool::run(&[&["notice", "write"][..], &update].concat()).await.code, Some(0));
    // Whoever looks at it afterwards may come when another revision has followed.
    assert_eq!(tool::run(&["notice", "review", own, "--as", "minh", "--at", &home]).await.code, Some(0));
    let seen = tool::run(&["notice", "show", own, "--at", &home, "--json"]).await.json();
    assert_eq!(
        (&seen["revisions"][0]["awaits_review"], &seen["revisions"][1]["state"]),
        (&false.into(), &"draft".into())
    );
    until("the country knows it", async || notice(&["proof", own]).await.code == Some(0)).await;

    let proven = tool::run(&["notice", "proof", id, "--gateway", &at]).await;
    fs::write(&proof, &proven.out).unwrap();
    let trust = format!("{key}.pub");
    let verified = tool::run(&["notice", "verify", &proof, "--trust", &trust]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    for event in ["submitted", "approved", "published", "accepted"] {
        assert!(verified.out.contains(event), "{event} in {}", verified.out);
    }
    fs::write(&proof, proven.out.replacen("second_person=yes", "second_person=no", 1)).unwrap();
    assert_eq!(tool::run(&["notice", "verify", &proof, "--trust", &trust]).await.code, Some(1));
}

async fn a_notice_is_taken_back_where_it_is_for_others_alone(place: Place) {
    let world = World::new(place);
    let file = |name: &str, regions: &str| {
        let path = world.file(name).display().to_string();
        fs::write(&path, CONTENT.replace("[SPC]", regions).replace("safety", "emergency")).unwrap();
        path
    };
    let (both, one) = (file("both.yaml", "[SPC, HCMC]"), file("one.yaml", "[SPC]"));
    let south = world.node("spc-1", "SPC").await;
    let city = world.node("hcmc-1", "HCMC").await;
    import(&city).await;
    let gateway = world.gateway(&[("spc-1", "SPC", &south), ("hcmc-1", "HCMC", &city)]).await;
    let at = gateway.endpoint();
    let notice = async |arguments: &[&str]| {
        tool::run(&[&["notice"][..], arguments, &["--at", &at, "--json"]].concat()).await.json()
    };
    let written = ["write", "--incident", "500kV-2013-05-22", "--file", &both, "--expires-in", "6h", "--as", "lan"];
    let written = notice(&written).await;
    let id = written["id"].as_str().unwrap();
    notice(&["publish", id, "--as", "lan", "--yes"]).await;
    let landed = async |revision: i64| {
        let told = notice(&["progress", id]).await;
        let targets = told["members"]["targets"].as_array().unwrap();
        let has = |target: &&serde_json::Value| target["revision"] == revision && target["state"] == "landed";
        targets.iter().filter(has).count() == 2
    };
    until("both have it", async || landed(1).await).await;
    let queued = async || {
        let told = progress(&city, id).await;
        let counts = told.revisions.iter().flat_map(|revision| &revision.counts);
        let sms = counts.filter(|count| count.channel() == wire::NoticeChannel::Sms && count.state == "queued");
        sms.map(|count| count.deliveries).sum::<i64>()
    };
    until("the city's customers are to hear of it", async || queued().await == 12).await;
    let says = async |port, path: &str| http::get(port, path, "").await.body.contains("22 tỉnh phía Nam");
    for page in ["/notices?province=VN-SG", "/notices.json?province=VN-SG"] {
        assert!(says(city.http, page).await, "{page}");
    }

    // It was the south alone.
    let update = ["write", "--id", id, "--kind", "update", "--file", &one, "--expires-in", "6h", "--as", "lan"];
    notice(&update).await;
    notice(&["publish", id, "--as", "lan", "--yes"]).await;
    until("whoever was told is told what became of it", async || landed(2).await).await;
    until("the city's customers need not hear of it any more", async || queued().await == 0).await;
    until("the south still says it", async || says(south.http, "/notices").await).await;
    for page in ["/notices", "/notices.json", "/notices?province=VN-SG"] {
        assert!(!says(city.http, page).await, "{page}");
    }
    let status = async |path: &str| http::get(city.http, path, "").await.status;
    assert_eq!(status(&format!("/notices/{id}")).await, 404);
    // Whoever has read the alert finds the one that supersedes it, which tells nobody here anything.
    let alert = |number: i64| format!("/notices/cap/{id}/{number}.xml");
    assert_eq!(status(&alert(2)).await, 200);
    let web: Vec<_> = progress(&city, id).await.first.into_iter().map(|first| first.province).collect();
    assert_eq!(web, ["VN-SG"]);
    assert_eq!(status(&alert(1)).await, 200);
    let list = http::get(city.http, "/notices.atom", "").await.body;
    assert!([1, 2].iter().all(|number| list.contains(&alert(*number))), "{list}");
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..200 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

on_both_engines!(a_notice_goes_out, a_notice_is_taken_back_where_it_is_for_others_alone);
