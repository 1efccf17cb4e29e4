//! The wire: generated messages and services of Gridcare, and the conversions between them and the domain.

/// How messages become bytes.
pub mod codec;
/// Conversions between the wire and the domain; every violation of a request is reported at once.
pub mod convert;

/// The compiled descriptors of every package, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

macro_rules! packages {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        pub mod $name {
            #![allow(clippy::allow_attributes, clippy::allow_attributes_without_reason, clippy::pedantic, missing_docs, unreachable_pub, reason = "generated code; the protos carry the documentation")]
            pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/gridcare.", stringify!($name), ".v1.rs"));
            }
        }
    )+};
}

packages! {
    /// What a corporation's billing system tells its node.
    billing,
    /// Contacts of one node.
    contact,
    /// Customers of one node.
    customer,
    /// How couriers get messages from their node.
    delivery,
    /// Feeds of nodes, and the national view of a gateway.
    federation,
    /// Buckets, sketches and figures.
    metric,
    /// What is told to those whom it concerns.
    notice,
    /// Losses of supply at one node.
    outage,
    /// Data classes of fields.
    privacy,
    /// Bundles of rules, at a node and at a gateway.
    standard,
    /// Reports about tickets.
    report,
    /// Tickets of one node.
    ticket,
}
