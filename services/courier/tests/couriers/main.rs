//! A whole courier between a node that is played and whoever takes messages: sandboxes of message centres on paused time, a mail
//! server and webhooks on real sockets.

#![expect(clippy::unwrap_used, reason = "a test without its surroundings has failed")]

mod email;
mod hooks;
mod leaving;
mod mail;
mod node;
mod replies;
mod returning;
mod world;
