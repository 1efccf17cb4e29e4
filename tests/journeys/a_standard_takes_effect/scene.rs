//! A country that trusts one key, bundles signed with it, and what nodes and gateway say of them.

use gridcare_chassis::clock::{Clock as _, SystemClock};
use gridcare_domain::standard::{SecretKey, builtin};
use gridcare_proto::{
    convert::time,
    federation::v1::{self as federation, StandardStatus, feed_entry::Change},
    standard::v1::{self as wire, get_standard_request::Which},
    ticket::v1::{ClockExplanation, ExplainClocksRequest},
};
use gridcare_tests::{Place, Process, calls, world::World};
use jiff::Timestamp;
use tokio_stream::StreamExt as _;

pub(super) fn national() -> SecretKey {
    SecretKey::from_seed(&[7; 32])
}

pub(super) fn stranger() -> SecretKey {
    SecretKey::from_seed(&[8; 32])
}

/// Who is trusted, as nodes and gateways are told.
pub(super) fn trust(key: &SecretKey) -> [String; 2] {
    let public = key.public();
    let keys = format!("[{{id: \"{}\", public: \"{}\"}}]", public.id(), public.to_base64());
    ["--standards-trusted-keys".to_owned(), keys]
}

/// A country whose nodes and gateways trust the national key.
pub(super) fn country(place: Place) -> World {
    let mut world = World::new(place);
    world.node_flags.extend(trust(&national()));
    world.gateway_flags.extend(trust(&national()));
    world
}

pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

/// A whole second, as bundles have it.
pub(super) fn in_seconds(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + seconds).unwrap()
}

/// What ships, as another version that takes effect then.
pub(super) fn bundle(version: u32, effective_at: Timestamp) -> String {
    let yaml = builtin().replacen("version: 1\n", &format!("version: {version}\n"), 1);
    let yaml = yaml.replacen("effective_at: 2013-01-01T00:00:00+07:00", &format!("effective_at: {effective_at}"), 1);
    assert!(yaml.contains(&effective_at.to_string()));
    yaml
}

pub(super) fn signed(yaml: &str, key: &SecretKey) -> Vec<u8> {
    key.sign(yaml.as_bytes(), now()).to_yaml().into_bytes()
}

/// Offers a bundle as a gateway does that published it now.
pub(super) async fn offer(node: &Process, yaml: &str, signature: Vec<u8>) -> wire::Standard {
    offer_published(node, yaml, signature, now()).await
}

/// The same of one that was published then.
pub(super) async fn offer_published(
    node: &Process,
    yaml: &str,
    signature: Vec<u8>,
    published_at: Timestamp,
) -> wire::Standard {
    let request = wire::OfferStandardRequest {
        request_id: calls::request_id(),
        bundle: yaml.into(),
        signature,
        published_at: Some(time::timestamp(published_at)),
    };
    calls::standards(node).offer_standard(request).await.unwrap().into_inner().standard.unwrap()
}

pub(super) fn reasons(standard: &wire::Standard) -> Vec<&str> {
    assert_eq!(standard.status(), StandardStatus::Refused, "{standard:?}");
    standard.reasons.iter().map(|reason| reason.reason.as_str()).collect()
}

pub(super) async fn get(node: &Process, which: Option<Which>) -> Option<wire::GetStandardResponse> {
    Some(calls::standards(node).get_standard(wire::GetStandardRequest { which }).await.ok()?.into_inner())
}

/// The version in force at a node now.
pub(super) async fn current(node: &Process) -> Option<String> {
    Some(get(node, None).await?.standard?.version)
}

pub(super) async fn at(node: &Process, at: Timestamp) -> String {
    get(node, Some(Which::At(time::timestamp(at)))).await.unwrap().standard.unwrap().version
}

/// The versions under which a ticket's supply is to be restored, one after the other.
pub(super) async fn versions_of(node: &Process, name: &str) -> Vec<String> {
    let request = ExplainClocksRequest { name: name.to_owned(), at: None };
    let explained = calls::tickets(node).explain_clocks(request).await.unwrap().into_inner().clocks;
    let target = |one: &ClockExplanation| one.clock.as_ref().is_some_and(|clock| clock.target == "restore_after_fault");
    let intervals = explained.into_iter().find(target).unwrap().intervals.into_iter();
    let mut versions: Vec<_> =
        intervals.map(|interval| interval.rule.split('/').next().unwrap_or_default().to_owned()).collect();
    versions.dedup();
    versions
}

pub(super) async fn publish(
    gateway: &Process,
    yaml: &str,
    signature: Vec<u8>,
) -> Result<wire::PublishedStandard, tonic::Status> {
    let bundle = yaml.into();
    let request = wire::PublishStandardRequest { request_id: calls::request_id(), bundle, signature };
    let answer = calls::national_standards(gateway).publish_standard(request).await?.into_inner();
    Ok(answer.standard.unwrap())
}

pub(super) async fn status(gateway: &Process, version: &str) -> wire::GetStandardStatusResponse {
    let request = wire::GetStandardStatusRequest { version: version.into() };
    calls::national_standards(gateway).get_standard_status(request).await.unwrap().into_inner()
}

pub(super) fn target<'a>(status: &'a wire::GetStandardStatusResponse, node: &str) -> &'a wire::MemberTarget {
    status.targets.iter().find(|target| target.node == node).unwrap()
}

/// The versions in force, by the feeds of the members.
pub(super) fn in_force(status: &wire::GetStandardStatusResponse) -> Vec<(&str, &str)> {
    status.in_force.iter().map(|member| (member.node.as_str(), member.version.as_str())).collect()
}

/// What a node has told of standards: version and status, in the order of its feed.
pub(super) async fn told(node: &Process) -> Vec<(String, StandardStatus)> {
    let head = calls::feed(node).describe_node(federation::DescribeNodeRequest {}).await.unwrap().into_inner().head;
    let (head, mut seen, mut told) = (head.unwrap().position, 0, Vec::new());
    let mut stream =
        calls::feed(node).pull_feed(federation::PullFeedRequest { after: None }).await.unwrap().into_inner();
    while seen < head {
        for entry in stream.next().await.unwrap().unwrap().entries {
            seen = entry.position;
            if let Some(Change::Standard(said)) = entry.change {
                told.push((said.standard.clone(), said.status()));
            }
        }
    }
    told
}
