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

use crate::{Node, SharedNode};

/// The documents, each kept until the feed moves on.
#[derive(Default)]
struct Shelf {
    maps: Kept<i64>,
    json: Kept<i64>,
    xml: Kept<i64>,
}

#[derive(Clone)]
struct Stand {
    node: SharedNode,
    shelf: Arc<Shelf>,
}

/// `/outages.geojson`, `/outages/odin.json` and `/outages/odin.xml`.
pub(super) fn routes(node: &SharedNode) -> Router {
    let maps = async |State(Stand { node, shelf }): State<Stand>, asked: HeaderMap| {
        answer(shelf.maps.get(written(&node), node.outages_for_maps()).await, &asked)
    };
    let json = async |State(Stand { node, shelf }): State<Stand>, asked: HeaderMap| {
        answer(shelf.json.get(written(&node), node.outages_for_industry(Form::Json)).await, &asked)
    };
    let xml = async |State(Stand { node, shelf }): State<Stand>, asked: HeaderMap| {
        answer(shelf.xml.get(written(&node), node.outages_for_industry(Form::Xml)).await, &asked)
    };
    Router::new()
        .route("/outages.geojson", get(maps))
        .route("/outages/odin.json", get(json))
        .route("/outages/odin.xml", get(xml))
        .with_state(Stand { node: node.clone(), shelf: Arc::default() })
}

/// How far the feed has come: nothing that is public changes without it.
pub(super) async fn written(node: &Node) -> Result<i64, StoreError> {
    Ok(node.store.feed_head().await?.cursor.position)
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
