use std::process::Command;

use gridcare_tests::{Place, world::World};

crate::on_both_engines!(a_python_client_finds_the_services_by_reflection_and_opens_a_ticket);

async fn a_python_client_finds_the_services_by_reflection_and_opens_a_ticket(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let python = gridcare_tests::variable("GRIDCARE_TEST_PYTHON");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/foreign_client.py");
    let address = node.grpc.to_string();
    let done = tokio::task::spawn_blocking(move || Command::new(python).arg(script).arg(address).output())
        .await
        .unwrap()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}
