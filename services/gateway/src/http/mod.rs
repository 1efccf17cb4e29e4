//! What the gateway tells everybody over HTTP, and the forms in which other systems read it. Thin, like `grpc/`.

mod alerts;
mod notices;
mod outages;

use std::sync::Arc;

use axum::Router;
use gridcare_domain::notice::Publisher;

use crate::grpc::Parts;

/// All of it.
pub(crate) fn routes(parts: &Arc<Parts>, publisher: Publisher) -> Router {
    notices::routes(parts.clone()).merge(alerts::routes(parts, publisher)).merge(outages::routes(parts))
}
