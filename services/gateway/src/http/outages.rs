use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::get,
};
use gridcare_chassis::serve::{Document, Kept};
use gridcare_domain::outage::odin::Form;
use gridcare_store::StoreError;

use crate::{flows::outages_are_published::Version, grpc::Parts};

/// The documents, each kept until a feed moves on.
#[derive(Default)]
struct Shelf {
    maps: Kept<Version>,
    json: Kept<Version>,
    xml: Kept<Version>,
}

#[derive(Clone)]
struct Stand {
    parts: Arc<Parts>,
    shelf: Arc<Shelf>,
}

/// `/outages.geojson`, `/outages/odin.json` and `/outages/odin.xml`.
pub(super) fn routes(parts: &Arc<Parts>) -> Router {
    let maps = async |State(Stand { parts, shelf }): State<Stand>, asked: HeaderMap| {
        answer(shelf.maps.get(parts.known(), parts.outages_for_maps()).await, &asked)
    };
    let json = async |State(Stand { parts, shelf }): State<Stand>, asked: HeaderMap| {
        answer(shelf.json.get(parts.known(), parts.outages_for_industry(Form::Json)).await, &asked)
    };
    let xml = async |State(Stand { parts, shelf }): State<Stand>, asked: HeaderMap| {
        answer(shelf.xml.get(parts.known(), parts.outages_for_industry(Form::Xml)).await, &asked)
    };
    Router::new()
        .route("/outages.geojson", get(maps))
        .route("/outages/odin.json", get(json))
        .route("/outages/odin.xml", get(xml))
        .with_state(Stand { parts: parts.clone(), shelf: Arc::default() })
}

pub(super) fn answer(made: Result<Arc<Document>, StoreError>, asked: &HeaderMap) -> Response {
    match made {
        Ok(document) => document.answer(asked),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a document could not be made");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
