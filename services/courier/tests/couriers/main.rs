//! A whole courier between a node that is played and centres that are sandboxes, on paused time.

mod leaving;
mod node;
mod replies;
mod returning;
mod world;
