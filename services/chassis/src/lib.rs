//! What every Gridcare process has: configuration, telemetry, TLS and identity, request limits, health, shutdown, and printing.
//!
//! A process is assembled in this order: [`config`] is read and checked whole, [`telemetry`] starts, [`tls`] is loaded,
//! [`serve`] opens the gRPC port and [`serve::admin`] the HTTP port, and [`shutdown`] ends both.

pub mod backoff;
pub mod client;
pub mod clock;
pub mod config;
pub mod id;
pub mod identity;
pub mod methods;
pub mod paper;
pub mod serve;
pub mod shutdown;
pub mod status;
pub mod telemetry;
pub mod tls;
