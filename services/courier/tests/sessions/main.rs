//! Sessions against the sandbox centre: within the process, on paused time.

#![expect(clippy::unwrap_used, reason = "a test without its surroundings has failed")]

mod inbound;
mod losing;
mod receipts;
mod routes;
mod submitting;
mod tcp;
mod world;
