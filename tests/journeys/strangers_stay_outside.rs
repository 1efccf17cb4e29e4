use std::time::Duration;

use gridcare_chassis::tls;
use gridcare_proto::{federation::v1 as federation, ticket::v1 as wire};
use gridcare_tests::{
    Place, Process,
    authority::{Authority, Certified},
    calls, eventually, tool,
    world::World,
};
use tonic::Status;

crate::on_both_engines!(
    only_a_certificate_of_the_authority_opens_a_ticket_and_each_is_a_caller_of_its_own,
    a_gateway_with_a_certificate_follows_a_node_that_asks_for_one,
);

/// Opens a ticket at this node as whoever the certificate says, trusting servers of `trusted`.
async fn open(
    node: &Process,
    trusted: &Authority,
    own: Option<&Certified>,
    request: wire::OpenTicketRequest,
) -> Result<wire::Ticket, Status> {
    let channel = tls::channel(&node.endpoint(), &trusted.client_files(own)).unwrap();
    let mut client = wire::ticket_service_client::TicketServiceClient::new(channel);
    let opened = client.open_ticket(request);
    let opened = tokio::time::timeout(Duration::from_secs(20), opened).await.expect("an answer or a refusal");
    Ok(opened?.into_inner().ticket.unwrap())
}

/// How many tickets the node has, asked with this certificate.
async fn count(node: &Process, trusted: &Authority, own: &Certified) -> usize {
    let channel = tls::channel(&node.endpoint(), &trusted.client_files(Some(own))).unwrap();
    let mut client = wire::ticket_service_client::TicketServiceClient::new(channel);
    client.list_tickets(wire::ListTicketsRequest::default()).await.unwrap().into_inner().tickets.len()
}

async fn only_a_certificate_of_the_authority_opens_a_ticket_and_each_is_a_caller_of_its_own(place: Place) {
    let mut world = World::new(place);
    let ours = Authority::new(world.folder.path(), "ours");
    let theirs = Authority::new(world.folder.path(), "theirs");
    world.node_flags = ours.server_flags(&ours.server("node"));
    let node = world.node("hcmc-1", "HCMC").await;
    let desk = ours.client("desk", "spiffe://hcmc.example/desk");
    let web = ours.client("web", "spiffe://hcmc.example/web");
    // The same name, from somebody who may not give it.
    let forged = theirs.client("desk", "spiffe://hcmc.example/desk");

    let request = calls::opening("Mất điện ở Quận 3");
    let refused = open(&node, &ours, None, request.clone()).await.unwrap_err();
    assert!(std::error::Error::source(&refused).is_some(), "the handshake fails: {refused:?}");
    let refused = open(&node, &ours, Some(&forged), request.clone()).await.unwrap_err();
    assert!(std::error::Error::source(&refused).is_some(), "the handshake fails: {refused:?}");
    let plain = tls::channel(&node.endpoint().replace("https", "http"), &tls::ClientTls::default()).unwrap();
    let plain = wire::ticket_service_client::TicketServiceClient::new(plain).open_ticket(request.clone()).await;
    assert!(plain.is_err(), "plain text gets nowhere: {plain:?}");
    // And whoever is asked proves itself too.
    assert!(open(&node, &theirs, Some(&desk), request.clone()).await.is_err());
    assert_eq!(count(&node, &ours, &desk).await, 0, "nobody of them left anything");

    let first = open(&node, &ours, Some(&desk), request.clone()).await.unwrap();
    let again = open(&node, &ours, Some(&desk), request.clone()).await.unwrap();
    assert_eq!(first, again, "the same caller's request is the same");
    let other = open(&node, &ours, Some(&web), request).await.unwrap();
    assert_ne!(first.id, other.id, "another caller's request is its own");
    assert_eq!(count(&node, &ours, &web).await, 2);
}

async fn a_gateway_with_a_certificate_follows_a_node_that_asks_for_one(place: Place) {
    let mut world = World::new(place);
    let ours = Authority::new(world.folder.path(), "ours");
    let desk = ours.client("desk", "spiffe://hcmc.example/desk");
    world.node_flags = ours.server_flags(&ours.server("node"));
    world.gateway_flags = ours.server_flags(&ours.server("gateway"));
    world.gateway_flags.extend(ours.follower_flags(&ours.client("follower", "spiffe://evn.example/gateway")));
    let node = world.node("hcmc-1", "HCMC").await;
    open(&node, &ours, Some(&desk), calls::opening("Mất điện ở Quận 3")).await.unwrap();
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &node)]).await;
    let channel = tls::channel(&gateway.endpoint(), &ours.client_files(Some(&desk))).unwrap();
    let nation = federation::national_service_client::NationalServiceClient::new(channel);
    eventually("the ticket is counted nationally", || {
        let mut nation = nation.clone();
        async move {
            let request =
                federation::GetNationalStatusRequest { from: Some(calls::at(0)), until: Some(calls::at(86_400)) };
            let status = nation.get_national_status(request).await.unwrap().into_inner();
            let covered = status.completeness.as_ref().unwrap().covered;
            (covered == 1 && status.tickets.iter().map(|t| t.open).sum::<u64>() == 1).then_some(())
        }
    })
    .await;

    // The tools prove themselves as well, or hear why they are not served.
    let mut asked = vec!["status".to_owned(), "--json".to_owned(), "--address".to_owned(), gateway.endpoint()];
    let without = tool::run(&[&asked[..], &["--ca".to_owned(), ours.ca.display().to_string()]].concat()).await;
    assert_eq!((without.code, without.out.as_str()), (Some(1), ""), "{without:?}");
    asked.extend(ours.command_flags(&desk));
    let served = tool::run(&asked).await;
    assert_eq!(served.code, Some(0), "{served:?}");
    assert_eq!(served.json()["completeness"]["regions"][0]["status"], "OK");

    // A gateway without a certificate gets nothing, and says so.
    world.gateway_flags = vec!["--client-tls-ca".to_owned(), ours.ca.display().to_string()];
    let database = place.database(&world.folder, "stranger").await;
    let stranger = world.gateway_on("stranger", &[("hcmc-1", "HCMC", &node)], &database).await;
    let seen = eventually("the stranger says that it gets nothing", || async {
        let status = tool::run(&["status", "--json", "--address", &stranger.endpoint()]).await.json();
        // Before its first attempt it does not say since when.
        (!status["completeness"]["regions"][0]["since"].is_null()).then_some(status)
    })
    .await;
    assert_eq!(seen["completeness"]["covered"], 0, "{seen}");
    assert_eq!(seen["completeness"]["regions"][0]["as_of"], serde_json::Value::Null, "{seen}");
    assert_eq!(seen["completeness"]["regions"][0]["status"], "UNREACHABLE", "{seen}");
}
