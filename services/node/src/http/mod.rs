//! What the public may read on the HTTP port, and the forms in which other systems speak to it. Thin, like `grpc/`: a request is
//! checked whole, a flow runs, its answer goes out. Nothing personal is read here.

mod alerts;
mod notices;
mod open311;
mod outages;

use axum::Router;

pub(crate) use self::notices::{Asked, Page, Shelf, Tells};
use crate::{SharedNode, grpc};

/// All of it.
pub(crate) fn routes(node: &SharedNode) -> Router {
    grpc::calendar_routes(node.clone())
        .merge(notices::routes(node.clone()))
        .merge(alerts::routes(node))
        .merge(outages::routes(node))
        .merge(open311::routes(node))
}
