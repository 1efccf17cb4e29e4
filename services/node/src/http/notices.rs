use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use gridcare_chassis::serve::Document;
use gridcare_domain::customer::Language;
use gridcare_store::StoreError;
use serde::Deserialize;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{SharedNode, flows::notice_is_read::Form};

/// A page is at most so old, also where no wake-up told of a change: notices expire by themselves.
const FRESH: Duration = Duration::from_secs(1);
/// Different pages that are kept; asking for more kinds makes them anew.
const PAGES: usize = 4_096;

/// Which page somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    /// All that are shown when unset.
    pub(crate) id: Option<Uuid>,
    /// What concerns this province alone; a code that there is.
    pub(crate) province: Option<&'static str>,
    pub(crate) language: Language,
    pub(crate) form: Form,
}

/// Notices in a document, and the provinces to whose people it tells them.
pub(crate) type Tells = Vec<(Uuid, Vec<String>)>;

/// A page as it goes out.
pub(crate) struct Page {
    pub(crate) body: String,
    pub(crate) tells: Tells,
}

/// Who is reached by whoever reads a document.
#[derive(Default)]
pub(super) struct Reads {
    tells: Tells,
    /// Its readers are all known, and none is looked for any more.
    counted: AtomicBool,
}

impl Reads {
    pub(super) fn of(tells: Tells) -> Self {
        Self { tells, counted: AtomicBool::new(false) }
    }

    /// Keeps that somebody outside got the document, where that is news: before it goes out.
    pub(super) async fn count(&self, node: &SharedNode, method: &Method, status: StatusCode) {
        // Who asks for the head alone, or has it already, has read nothing.
        let reads = *method == Method::GET && status == StatusCode::OK;
        if !reads || self.counted.load(Ordering::Relaxed) {
            return;
        }
        let mut counted = true;
        for (id, provinces) in &self.tells {
            let news = node.shelf.unreached(*id, provinces);
            if news.is_empty() {
                continue;
            }
            match node.store.notice_read(*id, &news, node.now_us()).await {
                Ok(()) => node.shelf.reached(*id, news),
                // It is told all the same, and the next reader is counted.
                Err(error) => {
                    counted = false;
                    tracing::warn!(error = &error as &dyn std::error::Error, "a first reader could not be kept");
                }
            }
        }
        self.counted.store(counted, Ordering::Relaxed);
    }
}

struct Kept {
    document: Document,
    reads: Reads,
    made: Instant,
}

/// Pages that were made a moment ago, and who is known to have been reached by whatever was read.
#[derive(Default)]
pub(crate) struct Shelf {
    pages: Mutex<HashMap<Asked, Arc<Kept>>>,
    reached: Mutex<HashSet<(Uuid, String)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    /// Something else may be shown from now on.
    pub(crate) fn clear(&self) {
        lock(&self.pages).clear();
    }

    fn find(&self, asked: &Asked) -> Option<Arc<Kept>> {
        lock(&self.pages).get(asked).filter(|kept| kept.made.elapsed() < FRESH).cloned()
    }

    fn keep(&self, asked: Asked, page: Page) -> Arc<Kept> {
        let kind = match asked.form {
            Form::Html => "text/html; charset=utf-8",
            Form::Json => "application/json",
        };
        let document = Document::new(kind, page.body);
        let kept = Arc::new(Kept { document, reads: Reads::of(page.tells), made: Instant::now() });
        let mut pages = lock(&self.pages);
        if pages.len() >= PAGES {
            pages.clear();
        }
        pages.insert(asked, kept.clone());
        kept
    }

    /// Of these provinces those that no document of the notice is known to have reached.
    fn unreached(&self, id: Uuid, provinces: &[String]) -> Vec<String> {
        let reached = lock(&self.reached);
        provinces.iter().filter(|province| !reached.contains(&(id, (*province).clone()))).cloned().collect()
    }

    fn reached(&self, id: Uuid, provinces: Vec<String>) {
        lock(&self.reached).extend(provinces.into_iter().map(|province| (id, province)));
    }
}

#[derive(Debug, Default, Deserialize)]
struct Wishes {
    province: Option<String>,
    lang: Option<String>,
}

/// `/notices`, `/notices.json`, `/notices/{id}` and `/notices/{id}.json` of the HTTP port.
pub(super) fn routes(node: SharedNode) -> Router {
    Router::new()
        .route("/notices", get(all))
        .route("/notices.json", get(all_as_data))
        .route("/notices/{id}", get(one))
        .with_state(node)
}

async fn all(State(node): State<SharedNode>, method: Method, headers: HeaderMap, wishes: Query<Wishes>) -> Response {
    let form = form_of(&headers);
    answer(&node, &method, &headers, &wishes, None, form).await
}

async fn all_as_data(
    State(node): State<SharedNode>,
    method: Method,
    headers: HeaderMap,
    wishes: Query<Wishes>,
) -> Response {
    answer(&node, &method, &headers, &wishes, None, Form::Json).await
}

async fn one(
    State(node): State<SharedNode>,
    method: Method,
    headers: HeaderMap,
    wishes: Query<Wishes>,
    Path(name): Path<String>,
) -> Response {
    let (name, form) = match name.strip_suffix(".json") {
        Some(name) => (name, Form::Json),
        None => (name.as_str(), form_of(&headers)),
    };
    let Ok(id) = Uuid::try_parse(name) else { return StatusCode::NOT_FOUND.into_response() };
    answer(&node, &method, &headers, &wishes, Some(id), form).await
}

/// Data for whoever asks for data before pages.
fn form_of(headers: &HeaderMap) -> Form {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let place = |kind: &str| accept.find(kind).unwrap_or(usize::MAX);
    if place("application/json") < place("text/html") { Form::Json } else { Form::Html }
}

/// The language that is asked for by name, else the first of ours that a browser lists; Vietnamese for everybody else.
fn language_of(headers: &HeaderMap, wish: Option<&str>) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    let known = |tag: &str| match tag.trim().get(..2) {
        Some("vi") => Some(Language::Vi),
        Some("en") => Some(Language::En),
        _ => None,
    };
    wish.and_then(known).or_else(|| accepted.split(',').find_map(known)).unwrap_or(Language::Vi)
}

async fn answer(
    node: &SharedNode,
    method: &Method,
    headers: &HeaderMap,
    wishes: &Wishes,
    id: Option<Uuid>,
    form: Form,
) -> Response {
    let province = match wishes.province.as_deref().filter(|code| !code.is_empty()) {
        None => None,
        Some(code) => match gridcare_domain::province::find(code) {
            Some(province) => Some(province.code),
            None => {
                return (StatusCode::BAD_REQUEST, "province: give an ISO 3166-2 code such as VN-57\n").into_response();
            }
        },
    };
    let asked = Asked { id, province, language: language_of(headers, wishes.lang.as_deref()), form };
    let kept = match node.shelf.find(&asked) {
        Some(kept) => kept,
        None => match node.notice_page(&asked).await {
            Ok(Some(page)) => node.shelf.keep(asked, page),
            Ok(None) => return StatusCode::NOT_FOUND.into_response(),
            Err(error) => return unreadable(&error),
        },
    };
    let mut answer = kept.document.answer(headers);
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("accept, accept-encoding, accept-language"));
    kept.reads.count(node, method, answer.status()).await;
    answer
}

fn unreadable(error: &StoreError) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "notices could not be read");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_reader_gets_the_language_that_is_asked_for_and_vietnamese_else() {
        let language = |accepted, wish| language_of(&headers(header::ACCEPT_LANGUAGE, accepted), wish);
        assert_eq!(language("fr, en-GB;q=0.8, vi;q=0.1", None), Language::En);
        assert_eq!(language("en", Some("vi")), Language::Vi);
        assert_eq!(language("fr", Some("fr")), Language::Vi);
        assert_eq!(language("e", None), Language::Vi);
    }

    #[test]
    fn data_is_for_who_asks_for_it_first() {
        let form = |accept| form_of(&headers(header::ACCEPT, accept));
        assert_eq!(form("application/json"), Form::Json);
        assert_eq!(form("text/html,application/json"), Form::Html);
        assert_eq!(form("*/*"), Form::Html);
    }
}
