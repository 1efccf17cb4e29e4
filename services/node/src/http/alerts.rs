use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::get,
};
use gridcare_chassis::serve::{Document, Kept};
use gridcare_domain::customer::Language;
use serde::Deserialize;
use uuid::Uuid;

use super::outages::answer;
use crate::{SharedNode, flows::notices_are_published::List};

/// Alerts that are kept at once; they never change.
const ALERTS: usize = 256;

/// Which notices a list has, and in which version.
type Version = Vec<(Uuid, i64)>;

#[derive(Default)]
struct Shelf {
    /// Vietnamese, English.
    atom: [Kept<Version>; 2],
    rss: [Kept<Version>; 2],
    alerts: Mutex<HashMap<(Uuid, i64), Arc<Document>>>,
}

#[derive(Clone)]
struct Stand {
    node: SharedNode,
    shelf: Arc<Shelf>,
}

/// What a subscriber may ask for.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    lang: Option<String>,
}

/// `/notices.atom`, `/notices.rss` and `/notices/cap/{id}/{revision}.xml`.
pub(super) fn routes(node: &SharedNode) -> Router {
    let list = |list: List| {
        move |State(stand): State<Stand>, Query(asked): Query<Asked>, headers: HeaderMap| async move {
            Box::pin(listed(&stand, list, &asked, &headers)).await
        }
    };
    Router::new()
        .route("/notices.atom", get(list(List::Atom)))
        .route("/notices.rss", get(list(List::Rss)))
        .route("/notices/cap/{id}/{file}", get(one))
        .with_state(Stand { node: node.clone(), shelf: Arc::default() })
}

async fn listed(Stand { node, shelf }: &Stand, list: List, asked: &Asked, headers: &HeaderMap) -> Response {
    let (place, language) = if asked.lang.as_deref() == Some("en") { (1, Language::En) } else { (0, Language::Vi) };
    let kept = match list {
        List::Atom => &shelf.atom[place],
        List::Rss => &shelf.rss[place],
    };
    answer(Box::pin(kept.get(node.notices_told(), node.notice_list(list, language))).await, headers)
}

async fn one(
    State(Stand { node, shelf }): State<Stand>,
    Path((id, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let number = file.strip_suffix(".xml").and_then(|number| number.parse::<i64>().ok());
    let (Ok(id), Some(number)) = (Uuid::try_parse(&id), number) else { return StatusCode::NOT_FOUND.into_response() };
    let find = || shelf.alerts.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(alert) = find().get(&(id, number)).cloned() {
        return alert.answer(&headers);
    }
    match node.alert(id, number).await {
        Ok(Some(alert)) => {
            let alert = Arc::new(alert);
            let mut alerts = find();
            if alerts.len() >= ALERTS {
                alerts.clear();
            }
            alerts.insert((id, number), alert.clone());
            drop(alerts);
            alert.answer(&headers)
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => answer(Err(error), &headers),
    }
}
