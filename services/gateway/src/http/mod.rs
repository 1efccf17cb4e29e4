//! The open formats of the HTTP port. Thin, like `grpc/`.

mod outages;

use std::sync::Arc;

use axum::Router;

use crate::grpc::Parts;

/// All of them.
pub(crate) fn routes(parts: &Arc<Parts>) -> Router {
    outages::routes(parts)
}
