//! What the gateway tells everybody over HTTP: the notices of the nation and of its members.

mod page;

use std::{cmp::Reverse, sync::Arc};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use gridcare_chassis::serve::{Document, Kept};
use gridcare_domain::{customer::Language, notice::PublicNotice};
use gridcare_store::StoreError;
use serde::Deserialize;

use crate::{flows::notices_are_published::Version, grpc::Parts};

/// A notice as everybody sees it.
struct Told {
    notice: PublicNotice,
    /// Code of the corporation whose it is; none for the nation's.
    region: Option<String>,
}

fn object(told: &[Told]) -> String {
    let notices: Vec<_> = told.iter().map(|told| told.notice.data(told.region.as_deref())).collect();
    serde_json::json!({ "notices": notices }).to_string()
}

/// The documents, kept for as long as nothing was told since.
struct Notices {
    parts: Arc<Parts>,
    json: Kept<Version>,
    vi: Kept<Version>,
    en: Kept<Version>,
}

/// `/notices` and `/notices.json` of the HTTP port.
pub(super) fn routes(parts: Arc<Parts>) -> Router {
    let notices = Notices { parts, json: Kept::default(), vi: Kept::default(), en: Kept::default() };
    Router::new().route("/notices", get(asked)).route("/notices.json", get(data)).with_state(Arc::new(notices))
}

/// What a reader may ask for.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    lang: Option<String>,
}

async fn asked(State(notices): State<Arc<Notices>>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let place = |kind: &str| accept.find(kind).unwrap_or(usize::MAX);
    // Data for whoever asks for data before pages.
    let json = place("application/json") < place("text/html");
    let language = if asked.lang.as_deref() == Some("en") { Language::En } else { Language::Vi };
    answer(&notices, &headers, json, language).await
}

async fn data(State(notices): State<Arc<Notices>>, headers: HeaderMap) -> Response {
    answer(&notices, &headers, true, Language::Vi).await
}

async fn answer(notices: &Notices, headers: &HeaderMap, json: bool, language: Language) -> Response {
    let kept = match language {
        _ if json => &notices.json,
        Language::Vi => &notices.vi,
        Language::En => &notices.en,
    };
    let make = async {
        let told = notices.told().await?;
        Ok(if json {
            Document::new("application/json", object(&told))
        } else {
            Document::new("text/html; charset=utf-8", page::html(&told, language, &notices.parts.country.zone))
        })
    };
    match kept.get(notices.parts.notices_told(), make).await {
        Ok(document) => {
            let mut answer = document.answer(headers);
            answer.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
            answer
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the notices could not be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

impl Notices {
    /// What is told by web now, the last published first.
    async fn told(&self) -> Result<Vec<Told>, StoreError> {
        let public = self.parts.public_notices().await?.into_iter();
        let mut told: Vec<_> =
            public.filter_map(|(notice, region)| Some(Told { notice: notice.told_by_web()?, region })).collect();
        told.sort_by_cached_key(|Told { notice, .. }| {
            Reverse((notice.revisions.last().map(|revision| revision.published_at), notice.id))
        });
        Ok(told)
    }
}
