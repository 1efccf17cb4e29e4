//! What carries messages to customers, and what comes back. It owns no database: what must last is told to its node, and the
//! other end is answered only when the node has said that it lasts.
//!
//! - [`run`]: a courier, from its configuration to its end.
//! - [`smpp`]: text messages by SMPP 3.4, as an ESME.
//! - [`smsc`]: a centre to try it on.
//! - [`smtp`]: email, and its bounces.

mod carrier;
pub mod config;
mod flows;
mod node;
mod serve;
pub mod smpp;
pub mod smsc;
pub mod smtp;
mod state;

pub use config::CourierConfig;
pub use serve::{CourierError, Surroundings, run, run_among};
pub use state::{ChannelState, CourierState, InboundState, ReceiptState};
