//! What the public may read on the HTTP port. Nothing personal is in it.

mod notices;

pub(crate) use notices::{Asked, Page, Shelf, routes};
