//! The national server: follows the feed of every member, and shows the whole country at once.

pub mod config;
mod country;
mod flows;
mod grpc;
mod handover;
mod http;
mod idempotency;
mod peers;
mod serve;
#[cfg(test)]
mod tests;
mod wire;

pub use config::GatewayConfig;
pub use serve::{Addresses, GatewayError, run};
