use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse as _, Response},
    routing::get,
};
use gridcare_chassis::serve::{Document, Kept};
use gridcare_domain::customer::Language;
use serde::Deserialize;
use uuid::Uuid;

use super::{notices::Reads, outages::answer};
use crate::{SharedNode, flows::notices_are_published::List};

/// Alerts that are kept at once; they never change.
const ALERTS: usize = 256;

/// Which notices a list has, and in which version.
type Version = Vec<(Uuid, i64)>;

/// One alert, and who is reached by it.
type Alert = Arc<(Document, Reads)>;

/// A list, and who is reached by it.
#[derive(Default)]
struct Told {
    list: Kept<Version>,
    reads: Mutex<Arc<Reads>>,
}

#[derive(Default)]
struct Shelf {
    /// Vietnamese, English.
    atom: [Told; 2],
    rss: [Told; 2],
    alerts: Mutex<HashMap<(Uuid, i64), Alert>>,
}

impl Shelf {
    fn keep(&self, name: (Uuid, i64), alert: (Document, Reads)) -> Alert {
        let alert = Arc::new(alert);
        let mut alerts = lock(&self.alerts);
        if alerts.len() >= ALERTS {
            alerts.clear();
        }
        alerts.insert(name, alert.clone());
        alert
    }
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
        move |State(stand): State<Stand>, Query(asked): Query<Asked>, method: Method, headers: HeaderMap| async move {
            Box::pin(listed(&stand, list, &asked, &method, &headers)).await
        }
    };
    Router::new()
        .route("/notices.atom", get(list(List::Atom)))
        .route("/notices.rss", get(list(List::Rss)))
        .route("/notices/cap/{id}/{file}", get(one))
        .with_state(Stand { node: node.clone(), shelf: Arc::default() })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listed(
    Stand { node, shelf }: &Stand,
    list: List,
    asked: &Asked,
    method: &Method,
    headers: &HeaderMap,
) -> Response {
    let (place, language) = if asked.lang.as_deref() == Some("en") { (1, Language::En) } else { (0, Language::Vi) };
    let told = match list {
        List::Atom => &shelf.atom[place],
        List::Rss => &shelf.rss[place],
    };
    let make = async {
        let (document, tells) = node.notice_list(list, language).await?;
        *lock(&told.reads) = Arc::new(Reads::of(tells));
        Ok(document)
    };
    let answer = answer(Box::pin(told.list.get(node.notices_told(), make)).await, headers);
    let reads = lock(&told.reads).clone();
    reads.count(node, method, answer.status()).await;
    answer
}

async fn one(
    State(Stand { node, shelf }): State<Stand>,
    Path((id, file)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let number = file.strip_suffix(".xml").and_then(|number| number.parse::<i64>().ok());
    let (Ok(id), Some(number)) = (Uuid::try_parse(&id), number) else { return StatusCode::NOT_FOUND.into_response() };
    let known = lock(&shelf.alerts).get(&(id, number)).cloned();
    let alert = match known {
        Some(alert) => alert,
        None => match node.alert(id, number).await {
            Ok(Some((document, tells))) => shelf.keep((id, number), (document, Reads::of(tells))),
            Ok(None) => return StatusCode::NOT_FOUND.into_response(),
            Err(error) => return answer(Err(error), &headers),
        },
    };
    let (document, reads) = &*alert;
    let answer = document.answer(&headers);
    reads.count(&node, &method, answer.status()).await;
    answer
}
