//! Outages on the wire: what callers give, what they are told, and what the country may know.

mod federated;
mod given;
mod told;

pub use federated::{course_from_wire, outage_change, outage_to_federation, public_from_wire};
pub use given::{change_from_wire, draft_from_wire, site_position};
pub use told::{area as area_to_wire, entry_to_wire, to_wire};

#[cfg(test)]
mod tests;
