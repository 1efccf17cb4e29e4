//! A feed flows in: every member has one follower among all replicas, under a lease whose epoch fences what it writes.

mod broken;
mod follow;
mod intake;
mod share;

pub(crate) use share::Sharing;

/// Topic of the bus: the read model has changed.
pub(crate) const NATIONAL: &str = "national";
/// Topic of the bus: a lease was given back.
const LEASES: &str = "leases";

/// The name of the lease of a member's follower.
fn lease_name(node: &str) -> String {
    format!("feed:{node}")
}
