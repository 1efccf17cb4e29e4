//! Which fields of a ticket may leave a region, and which a request can be required to have.

/// Fields of `FederatedTicket` without which an entry of a feed says nothing.
pub const INDISPENSABLE: [&str; 7] = ["id", "reference", "version", "state", "priority", "opened_at", "updated_at"];

/// All fields of `FederatedTicket`: what the product federates at most.
pub const FEDERATED: [&str; 25] = [
    "id",
    "reference",
    "version",
    "state",
    "priority",
    "topic",
    "channel",
    "province",
    "customer_pseudonym",
    "assignee_pseudonym",
    "opened_at",
    "updated_at",
    "resolved_at",
    "closed_at",
    "category",
    "team",
    "standard",
    "clocks",
    "first_response_at",
    "parent_id",
    "merged_into_id",
    "satisfaction",
    "rated_at",
    "repetition",
    "locality",
];

/// Fields that a category may require of its requests.
pub const REQUIRABLE: [&str; 7] =
    ["customer_code", "requester_name", "requester_contact_point", "province", "description", "locality", "event_at"];
