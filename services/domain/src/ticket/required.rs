use crate::{standard::Category, ticket::Ticket};

/// The fields that the category asks for and the ticket lacks, by their names on the wire.
#[must_use]
pub fn missing_fields<'a>(ticket: &Ticket, category: &'a Category) -> Vec<&'a str> {
    let filled = |field: &str| match field {
        "customer_code" => ticket.customer_code.is_some(),
        "requester_name" => ticket.requester_name.is_some(),
        "requester_contact_point" => ticket.requester_contact_point.is_some(),
        "province" => ticket.province.is_some(),
        "locality" => ticket.locality.is_some(),
        "event_at" => ticket.event_at.is_some(),
        "description" => !ticket.description.trim().is_empty(),
        // The bundle's check knows no other; subject, topic and channel every ticket has.
        _ => true,
    };
    category.required.iter().map(String::as_str).filter(|field| !filled(field)).collect()
}
