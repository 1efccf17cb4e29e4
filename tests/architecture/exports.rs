use std::collections::BTreeSet;

use gridcare_domain::standard::FEDERATED;
use gridcare_proto::DESCRIPTORS;
use prost_reflect::DescriptorPool;

#[test]
fn standards_and_the_wire_name_the_same_fields_that_may_leave() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let ticket = pool.get_message_by_name("gridcare.federation.v1.FederatedTicket").unwrap();
    let on_the_wire: BTreeSet<String> = ticket.fields().map(|field| field.name().to_owned()).collect();
    let of_standards: BTreeSet<String> = FEDERATED.into_iter().map(str::to_owned).collect();
    assert_eq!(on_the_wire, of_standards);
}
