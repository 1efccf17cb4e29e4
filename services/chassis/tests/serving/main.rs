//! The chassis around real servers on loopback.
#![expect(clippy::unwrap_used, reason = "a test may fail, its helpers too")]

mod mutual_tls;
mod serve;
mod world;
