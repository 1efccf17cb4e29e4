//! The open formats of the HTTP port. Thin, like `grpc/`: a request is checked whole, a flow runs, its answer goes out.

mod open311;
mod outages;

use axum::Router;

use crate::{SharedNode, grpc};

/// All of them.
pub(crate) fn routes(node: &SharedNode) -> Router {
    grpc::calendar_routes(node.clone()).merge(outages::routes(node)).merge(open311::routes(node))
}
