mod scene;

use std::time::Duration;

use gridcare_domain::standard::builtin;
use gridcare_proto::{
    convert::time,
    federation::v1::StandardStatus,
    report::v1::{GetNationalReportRequest, GetReportRequest, ReportPeriod, ReportStep},
    standard::v1::{self as wire, TargetState, get_standard_request::Which},
    ticket::v1::OpenTicketRequest,
};
use gridcare_tests::{
    Place, calls, eventually, tool, within,
    world::{CAPABILITIES, NodeOf, World},
};
use jiff::SignedDuration;

use scene::{
    at, bundle, country, current, get, in_force, in_seconds, national, now, offer, offer_published, publish, reasons,
    signed, status, stranger, target, told, versions_of,
};

crate::on_both_engines!(
    a_published_bundle_reaches_every_node_also_one_that_was_away,
    each_refusal_has_its_reason_and_the_last_good_one_stays,
    a_gateway_refuses_what_its_members_would_refuse,
    a_member_that_joins_later_gets_what_holds_and_what_will_hold,
    what_was_opened_before_a_stricter_form_keeps_its_answer,
    clocks_run_under_a_bundle_that_comes_late_while_it_held,
    figures_carry_what_the_standard_says_and_a_node_tells_what_it_counts_otherwise,
);

async fn a_published_bundle_reaches_every_node_also_one_that_was_away(place: Place) {
    use StandardStatus::{InForce, Pending, Superseded};
    let world = country(place);
    let mut hcmc = world.node("hcmc-1", "HCMC").await;
    let mut npc = world.node("npc-1", "NPC").await;
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &hcmc), ("npc-1", "NPC", &npc)]).await;
    eventually("the gateway knows what both begin with", || async {
        let status = status(&gateway, "").await;
        assert_eq!(status.standard, None, "nothing was published");
        (in_force(&status) == [("hcmc-1", "evn-2013.1"), ("npc-1", "evn-2013.1")]).then_some(())
    })
    .await;
    npc.kill();

    let effective = in_seconds(4);
    let (yaml, files) = (bundle(2, effective), [world.file("evn.yaml"), world.file("evn.yaml.sig")]);
    std::fs::write(&files[0], &yaml).unwrap();
    std::fs::write(&files[1], signed(&yaml, &national())).unwrap();
    let [file, signature] = files.map(|file| file.display().to_string());
    let endpoint = gateway.endpoint();
    let published =
        tool::run(&["standards", "publish", &file, &signature, "--address", &endpoint, "--json"]).await.json();
    assert_eq!((&published["version"], &published["members"]), (&"evn-2013.2".into(), &2.into()));

    let pending = eventually("the one that is there has accepted it", || async {
        let status = status(&gateway, "evn-2013.2").await;
        let (hcmc, npc) = (target(&status, "hcmc-1"), target(&status, "npc-1"));
        (hcmc.state() == TargetState::Acknowledged && npc.unreachable_since.is_some()).then_some(status)
    })
    .await;
    assert_eq!(target(&pending, "hcmc-1").answer.as_ref().unwrap().status(), StandardStatus::Pending);
    assert_eq!(pending.completeness.as_ref().unwrap().expected, 2);
    eventually("it takes effect", || async { (current(&hcmc).await? == "evn-2013.2").then_some(()) }).await;
    assert!(now() >= effective, "not before its time");
    eventually("the gateway sees who has which", || async {
        let status = status(&gateway, "evn-2013.2").await;
        (in_force(&status) == [("hcmc-1", "evn-2013.2"), ("npc-1", "evn-2013.1")]).then_some(())
    })
    .await;

    // It comes back after the bundle's time, and works by it from that time on.
    npc.restart().await;
    eventually("the one that was away has it too", || async { (current(&npc).await? == "evn-2013.2").then_some(()) })
        .await;
    assert_eq!(at(&npc, effective).await, "evn-2013.2", "late, from its effective_at");
    assert_eq!(at(&npc, effective - SignedDuration::from_micros(1)).await, "evn-2013.1");
    eventually("the gateway sees that all have it", || async {
        let status = status(&gateway, "evn-2013.2").await;
        let all = [("hcmc-1", "evn-2013.2"), ("npc-1", "evn-2013.2")];
        let acknowledged = |node| target(&status, node).state() == TargetState::Acknowledged;
        let told = |node| target(&status, node).told.as_ref().is_some_and(|t| t.status() == StandardStatus::InForce);
        let whole = ["hcmc-1", "npc-1"].into_iter().all(|node| acknowledged(node) && told(node));
        (in_force(&status) == all && whole).then_some(())
    })
    .await;
    let shown = tool::run(&["standards", "status", "--address", &endpoint, "--lang", "vi"]).await;
    assert!(shown.out.contains("evn-2013.2") && shown.out.contains("đã nhận"), "{shown:?}");

    assert_eq!(hcmc.stop().await.code(), Some(0));
    hcmc.restart().await;
    assert_eq!(current(&hcmc).await.as_deref(), Some("evn-2013.2"), "a restart keeps it");
    let kept = get(&hcmc, Some(Which::Version("evn-2013.2".into()))).await.unwrap();
    assert_eq!(kept.bundle, yaml.as_bytes());
    let (one, two) = ("evn-2013.1".to_owned(), "evn-2013.2".to_owned());
    let expected = [(one.clone(), InForce), (two.clone(), Pending), (one, Superseded), (two, InForce)];
    let mut said = told(&hcmc).await;
    // The last two are of one moment.
    said[2..].sort();
    assert_eq!(said, expected, "each once, restarts or not");
}

async fn each_refusal_has_its_reason_and_the_last_good_one_stays(place: Place) {
    let mut world = country(place);
    let initial = world.file("initial.yaml");
    std::fs::write(&initial, builtin().replacen("  - province\n", "", 1)).unwrap();
    let overlay = world.file("overlay.yaml");
    let promise = "overlay: hcmc-fast\nversion: 1\nregion: HCMC\nstandard: evn-2013\ntargets:\n  \
        - { id: restore_after_fault, limit: 100 min, from: 2013-01-01, source: the director }\n";
    std::fs::write(&overlay, promise).unwrap();
    let bundled = gridcare_domain::standard::read(builtin()).unwrap().export;
    let exports: Vec<_> = bundled.into_iter().filter(|field| field != "province").collect();
    let exports = format!("[{}]", exports.join(", "));
    for (flag, value) in [
        ("--standards-initial", initial.display().to_string()),
        ("--standards-overlay", overlay.display().to_string()),
        ("--standards-exports", exports),
    ] {
        world.node_flags.extend([flag.to_owned(), value]);
    }
    let mut node = world.node("hcmc-1", "HCMC").await;
    let narrow = |yaml: String| yaml.replacen("  - province\n", "", 1);

    let good = narrow(bundle(2, in_seconds(600)));
    let mut other = good.clone();
    other.push_str("# and more\n");
    let of_another = offer(&node, &other, signed(&good, &national())).await;
    assert_eq!((reasons(&of_another), of_another.version.as_str()), (vec!["BAD_SIGNATURE"], ""), "it is not read");
    let unknown = offer(&node, &good, signed(&good, &stranger())).await;
    assert_eq!(reasons(&unknown), ["UNKNOWN_KEY"]);
    let past = narrow(bundle(3, in_seconds(-60)));
    assert_eq!(reasons(&offer(&node, &past, signed(&past, &national())).await), ["EFFECTIVE_IN_THE_PAST"]);
    let wide = bundle(4, in_seconds(600));
    assert_eq!(reasons(&offer(&node, &wide, signed(&wide, &national())).await), ["WIDER_EXPORT"]);
    let strict = narrow(bundle(5, in_seconds(600))).replace("limit: 2 h, from: 2017", "limit: 1 h, from: 2017");
    let laxer = offer(&node, &strict, signed(&strict, &national())).await;
    assert_eq!((reasons(&laxer), laxer.version.as_str()), (vec!["LAXER_OVERLAY"], "evn-2013.5"));
    let broken = good.replacen("clock: elapsed", "clock: sidereal", 1);
    let broken = offer(&node, &broken, signed(&broken, &national())).await;
    assert_eq!(reasons(&broken), ["INVALID_BUNDLE"]);
    assert!(broken.findings.iter().any(|finding| finding.line > 0 && !finding.message.is_empty()), "{broken:?}");
    assert_eq!(current(&node).await.as_deref(), Some("evn-2013.1"), "the last good one stays");

    let accepted = offer(&node, &good, signed(&good, &national())).await;
    assert_eq!(accepted.status(), StandardStatus::Pending, "{accepted:?}");
    let twin = offer(&node, &other, signed(&other, &national())).await;
    assert_eq!(reasons(&twin), ["VERSION_EXISTS"]);
    let tightened = get(&node, Some(Which::Version("evn-2013.1+hcmc-fast.1".into()))).await.unwrap();
    assert_eq!(tightened.overlay, promise, "records are stamped with what was tightened");

    let list = calls::standards(&node).list_standards(wire::ListStandardsRequest::default()).await.unwrap();
    let list = list.into_inner().standards;
    assert_eq!(list.len(), 7, "each content that it was given, and what it began with");
    node.kill();
    node.restart().await;
    assert_eq!(current(&node).await.as_deref(), Some("evn-2013.1"));
    let again = calls::standards(&node).list_standards(wire::ListStandardsRequest::default()).await.unwrap();
    assert_eq!(again.into_inner().standards, list, "a restart keeps everything");
    let large = wire::OfferStandardRequest { bundle: vec![b' '; (1 << 20) + 1], ..Default::default() };
    let refused = calls::standards(&node).offer_standard(large).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["bundle", "published_at", "request_id", "signature"]);
}

async fn a_gateway_refuses_what_its_members_would_refuse(place: Place) {
    let mut world = country(place);
    // This one trusts nobody, and says so.
    world.node_flags.clear();
    let node = world.node("hcmc-1", "HCMC").await;
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &node)]).await;
    let good = bundle(2, in_seconds(600));
    let mut other = good.clone();
    other.push_str("# and more\n");
    let refused = |answer: Result<wire::PublishedStandard, tonic::Status>| calls::reason(&answer.unwrap_err());
    assert_eq!(refused(publish(&gateway, &other, signed(&good, &national())).await), "BAD_SIGNATURE");
    assert_eq!(refused(publish(&gateway, &good, signed(&good, &stranger())).await), "UNKNOWN_KEY");
    let past = bundle(3, in_seconds(-60));
    assert_eq!(refused(publish(&gateway, &past, signed(&past, &national())).await), "EFFECTIVE_IN_THE_PAST");
    let broken = good.replacen("clock: elapsed", "clock: sidereal", 1);
    assert_eq!(refused(publish(&gateway, &broken, signed(&broken, &national())).await), "INVALID_BUNDLE");
    let signature = signed(&good, &national());
    let published = publish(&gateway, &good, signature.clone()).await.unwrap();
    assert_eq!(refused(publish(&gateway, &other, signed(&other, &national())).await), "VERSION_EXISTS");
    let again = publish(&gateway, &good, signature).await.unwrap();
    assert_eq!(again, published, "the same content is the same publication");
    let list = calls::national_standards(&gateway);
    let list = { list }.list_published_standards(wire::ListPublishedStandardsRequest::default()).await.unwrap();
    assert_eq!(list.into_inner().standards, [published]);

    let ended = eventually("the member has refused it", || async {
        let status = status(&gateway, "").await;
        (target(&status, "hcmc-1").state() == TargetState::Refused).then_some(status)
    })
    .await;
    let answer = target(&ended, "hcmc-1").answer.clone().unwrap();
    assert_eq!(reasons(&answer), ["UNKNOWN_KEY"]);
    let told =
        eventually("its feed says so too", || async { target(&status(&gateway, "").await, "hcmc-1").told.clone() })
            .await;
    assert_eq!((told.status(), told.reasons), (StandardStatus::Refused, vec!["UNKNOWN_KEY".to_owned()]));
    let unknown = wire::GetStandardStatusRequest { version: "evn-2099.9".into() };
    let unknown = calls::national_standards(&gateway).get_standard_status(unknown).await.unwrap_err();
    assert_eq!(calls::reason(&unknown), "NO_SUCH_STANDARD");
}

async fn what_was_opened_before_a_stricter_form_keeps_its_answer(place: Place) {
    let node = country(place).node("hcmc-1", "HCMC").await;
    let mut tickets = calls::tickets(&node);
    let opening = OpenTicketRequest { topic: "power_quality".into(), ..calls::opening("Điện áp thấp") };
    let first = tickets.open_ticket(opening.clone()).await.unwrap().into_inner();
    let asks = "name_en: Power quality, required: [requester_name]";
    let yaml = bundle(2, in_seconds(2)).replacen("name_en: Power quality", asks, 1);
    let accepted = offer(&node, &yaml, signed(&yaml, &national())).await;
    assert_eq!(accepted.status(), StandardStatus::Pending, "{accepted:?}");
    eventually("the second holds", || async { (current(&node).await? == "evn-2013.2").then_some(()) }).await;

    let refused = eventually("openings are judged by it", || async {
        let another = OpenTicketRequest { request_id: calls::request_id(), ..opening.clone() };
        calls::tickets(&node).open_ticket(another).await.err()
    })
    .await;
    assert_eq!(calls::violating_fields(&refused), ["requester_name"]);
    assert_eq!(tickets.open_ticket(opening).await.unwrap().into_inner(), first, "a repetition gets the same answer");
}

async fn clocks_run_under_a_bundle_that_comes_late_while_it_held(place: Place) {
    let world = country(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let opened = calls::tickets(&node).open_ticket(calls::opening("Mất điện")).await.unwrap().into_inner();
    let name = opened.ticket.unwrap().id;
    let follow = async |versions: &[&str]| {
        eventually("clocks follow", || async { (versions_of(&node, &name).await == versions).then_some(()) }).await;
    };
    let published_at = now();
    let (late, newest) = (bundle(2, in_seconds(2)), bundle(3, in_seconds(3)));
    let signature = signed(&late, &national());
    offer(&node, &newest, signed(&newest, &national())).await;
    follow(&["evn-2013.1", "evn-2013.3"]).await;
    offer_published(&node, &late, signature, published_at).await;
    follow(&["evn-2013.1", "evn-2013.2", "evn-2013.3"]).await;
}

async fn figures_carry_what_the_standard_says_and_a_node_tells_what_it_counts_otherwise(place: Place) {
    let world = country(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &node)]).await;
    let yaml = bundle(2, in_seconds(2))
        .replacen("formula: score_sum / scores,", "formula: score_sum / scores, objective: 4.25,", 1)
        .replacen("threshold: PT20S", "threshold: PT30S", 1);
    publish(&gateway, &yaml, signed(&yaml, &national())).await.unwrap();
    eventually("the second holds", || async { (current(&node).await? == "evn-2013.2").then_some(()) }).await;

    let period = Some(ReportPeriod {
        from: "2013-05-01".into(),
        until: "2013-06-01".into(),
        step: ReportStep::Total.into(),
        ..Default::default()
    });
    let own = calls::reports(&node).get_report(GetReportRequest { period: period.clone() }).await.unwrap();
    let request = GetNationalReportRequest { period, regions: vec![] };
    let country = calls::national_reports(&gateway).get_national_report(request).await.unwrap();
    for figures in [own.into_inner().figures, country.into_inner().figures] {
        let figure = figures.into_iter().find(|figure| figure.figure == "satisfaction").unwrap();
        let kpis = figure.kpis.iter().map(|kpi| (kpi.objective, kpi.standard.as_str()));
        assert_eq!(kpis.collect::<Vec<_>>(), [(Some(4.25), "evn-2013.2")]);
    }

    let findings = get(&node, None).await.unwrap().standard.unwrap().findings;
    let [remark] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((remark.code.as_str(), remark.message.contains("20 s")), ("OTHER_THRESHOLD", true), "{remark:?}");
    eventually("whoever published it is told too", || async {
        let answer = target(&status(&gateway, "").await, "hcmc-1").answer.clone()?;
        (answer.findings == findings).then_some(())
    })
    .await;
}

async fn a_member_that_joins_later_gets_what_holds_and_what_will_hold(place: Place) {
    let world = country(place);
    let hcmc = world.node("hcmc-1", "HCMC").await;
    let database = place.database(&world.folder, "gateway").await;
    let mut gateway = world.gateway_on("gateway-1", &[("hcmc-1", "HCMC", &hcmc)], &database).await;
    let (soon, sooner) = (in_seconds(3), in_seconds(2));
    for (version, effective) in [(2, sooner), (3, soon), (4, in_seconds(600))] {
        let yaml = bundle(version, effective);
        publish(&gateway, &yaml, signed(&yaml, &national())).await.unwrap();
    }
    eventually("the third holds", || async { (current(&hcmc).await? == "evn-2013.3").then_some(()) }).await;
    gateway.stop().await;
    let npc = world.node("npc-1", "NPC").await;
    let members = [("hcmc-1", "HCMC", &hcmc), ("npc-1", "NPC", &npc)];
    let gateway = world.gateway_on("gateway-1", &members, &database).await;
    eventually("the newcomer works by it too", || async { (current(&npc).await? == "evn-2013.3").then_some(()) }).await;
    eventually("and has what will hold", || async {
        let state = target(&status(&gateway, "evn-2013.4").await, "npc-1").state();
        (state == TargetState::Acknowledged).then_some(())
    })
    .await;
    let second = status(&gateway, "evn-2013.2").await;
    assert!(second.targets.iter().all(|target| target.node != "npc-1"), "what was superseded is not its business");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_of_a_node_change_over_together_and_say_so_once() {
    let world = country(Place::Postgres);
    let database = Place::Postgres.database(&world.folder, "hcmc").await;
    let node = NodeOf { id: "hcmc-1", region: "HCMC", capabilities: CAPABILITIES };
    let replicas = [world.node_on(&node, &database).await, world.node_on(&node, &database).await];
    let effective = in_seconds(3);
    let yaml = bundle(2, effective);
    offer(&replicas[0], &yaml, signed(&yaml, &national())).await;
    for replica in &replicas {
        within(Duration::from_secs(1), "each knows of it, without Redis", || async {
            let request = wire::GetStandardRequest { which: Some(Which::At(time::timestamp(effective))) };
            let answer = calls::standards(replica).get_standard(request).await.ok()?.into_inner();
            (answer.standard?.version == "evn-2013.2").then_some(())
        })
        .await;
        assert_eq!(current(replica).await.as_deref(), Some("evn-2013.1"));
    }
    eventually("its time comes", || async { (now() >= effective).then_some(()) }).await;
    for replica in &replicas {
        assert_eq!(current(replica).await.as_deref(), Some("evn-2013.2"), "at the instant, each by its clock");
    }
    let said = within(Duration::from_secs(1), "it is told within a second", || async {
        let told = told(&replicas[1]).await;
        told.contains(&("evn-2013.2".to_owned(), StandardStatus::InForce)).then_some(told)
    })
    .await;
    // A late one is known to both within a second as well.
    let late = bundle(3, in_seconds(1));
    offer(&replicas[1], &late, signed(&late, &national())).await;
    for replica in &replicas {
        within(Duration::from_secs(3), "both change over again", || async {
            (current(replica).await? == "evn-2013.3").then_some(())
        })
        .await;
    }
    let count = |status| said.iter().filter(|(v, s)| v == "evn-2013.2" && *s == status).count();
    assert_eq!((count(StandardStatus::Pending), count(StandardStatus::InForce)), (1, 1), "{said:?}");
}

#[tokio::test]
async fn an_overlay_that_is_laxer_is_refused_at_the_start_with_everything_else() {
    let world = World::new(Place::Sqlite);
    let overlay = world.file("overlay.yaml");
    let text = "overlay: slow\nversion: 1\nregion: HCMC\nstandard: evn-2013\ntargets:\n  \
        - { id: restore_after_fault, limit: 3 h, from: 2013-01-01, source: nobody }\n";
    std::fs::write(&overlay, text).unwrap();
    let node = NodeOf { id: "hcmc-1", region: "HCMC", capabilities: CAPABILITIES };
    let mut flags = world.flags_of_node(&node, &format!("sqlite://{}", world.file("node.sqlite").display()));
    let overlay = overlay.display().to_string();
    let keys = "[{id: national, public: nonsense}]";
    flags.extend(["--standards-overlay", &overlay, "--standards-exports", "[phone]"].map(str::to_owned));
    flags.extend(["--standards-trusted-keys", keys, "--standards-initial", "/no/such/file"].map(str::to_owned));
    let ended = tool::run(&flags).await;
    assert_eq!(ended.code, Some(1));
    for beginning in
        ["standards.trusted_keys[0].public: ", "standards.exports: phone ", "standards.initial: cannot read"]
    {
        assert!(ended.err.contains(&format!("  - {beginning}")), "{beginning} in {}", ended.err);
    }
    let place = flags.len() - 2;
    flags.truncate(place);
    let ended = tool::run(&flags).await;
    assert!(ended.err.contains("  - standards.overlay: ") && ended.err.contains("LAXER_OVERLAY"), "{}", ended.err);
    assert!(!world.file("node.sqlite").exists(), "no database was created");
}
