//! Notices on the wire: what callers give, what they are told, and what the country may know.

mod federated;
mod given;
mod kept;
mod told;

pub use federated::{notice_change, notice_to_federation, public_notice_from_wire};
pub use given::{content_from_wire, incident_from_wire};
pub use kept::{act_from_wire, notice_from_wire};
pub use told::{content_to_wire, notice_to_wire, remark_to_wire, text_to_wire};

#[cfg(test)]
mod tests;
