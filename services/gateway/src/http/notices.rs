//! What the gateway tells everybody over HTTP: the notices of the nation and of its members.

mod page;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use gridcare_chassis::serve::{Document, Kept};
use gridcare_domain::{
    customer::Language,
    notice::{Phase, RevisionKind, Urgency},
};
use gridcare_proto::{
    convert::{code, time},
    federation::v1 as federation,
    notice::v1 as wire,
};
use gridcare_store::StoreError;
use jiff::Timestamp;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{flows::notice_is_written::read, grpc::Parts};

/// Notices of the nation, and of members, that one document has at most.
const MOST: usize = 500;

/// A notice as everybody sees it: its newest published revision.
#[derive(Debug, Clone, Serialize)]
struct Told {
    id: String,
    incident: String,
    national: bool,
    /// Code of the corporation; empty for the nation's.
    region: String,
    revision: i64,
    kind: RevisionKind,
    phase: Phase,
    urgency: Urgency,
    published_at: Timestamp,
    expires_at: Timestamp,
    vi: Text,
    en: Text,
}

#[derive(Debug, Clone, Default, Serialize)]
struct Text {
    title: String,
    body: String,
}

impl Told {
    const fn text(&self, language: Language) -> &Text {
        match language {
            Language::Vi => &self.vi,
            Language::En => &self.en,
        }
    }
}

/// The documents, kept for as long as nothing was told since.
struct Notices {
    parts: Arc<Parts>,
    json: Kept<Vec<(String, i64)>>,
    vi: Kept<Vec<(String, i64)>>,
    en: Kept<Vec<(String, i64)>>,
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
            Document::new("application/json", serde_json::json!({ "notices": told }).to_string())
        } else {
            Document::new("text/html; charset=utf-8", page::html(&told, language, &notices.parts.country.zone))
        })
    };
    match kept.get(notices.version(), make).await {
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
    /// Which notices are told, and in which version.
    async fn version(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let (store, now_us) = (&self.parts.store, self.parts.clock.now().as_microsecond());
        let (national, regional) =
            tokio::try_join!(store.notices_told(now_us, MOST), store.regional_told(now_us, MOST))?;
        let national = national.iter().map(|row| (row.id.to_string(), row.version));
        let regional = regional.iter().map(|row| (format!("{} {}", row.node, row.told.id), row.told.version));
        Ok(national.chain(regional).collect())
    }

    /// What is told now, the last published first.
    async fn told(&self) -> Result<Vec<Told>, StoreError> {
        let (store, now_us) = (&self.parts.store, self.parts.clock.now().as_microsecond());
        let (national, regional) =
            tokio::try_join!(store.notices_told(now_us, MOST), store.regional_told(now_us, MOST))?;
        let mut told = Vec::with_capacity(national.len() + regional.len());
        for row in &national {
            let notice = read(row)?;
            let Some(revision) = notice.published() else { continue };
            let text = |text: &gridcare_domain::notice::NoticeText| Text {
                title: text.title.clone(),
                body: text.body.clone(),
            };
            told.push(Told {
                id: notice.id.to_string(),
                incident: notice.incident.clone(),
                national: true,
                region: String::new(),
                revision: revision.number,
                kind: revision.content.kind,
                phase: revision.content.phase,
                urgency: revision.content.urgency,
                published_at: revision.published_at.unwrap_or(revision.created_at),
                expires_at: revision.content.expires_at,
                vi: text(&revision.content.vi),
                en: text(&revision.content.en),
            });
        }
        let regions: BTreeMap<_, _> =
            self.parts.country.seats.iter().map(|seat| (seat.node.as_str(), seat.region.as_str())).collect();
        for row in &regional {
            // A member that is no longer configured tells nothing.
            let Some(region) = regions.get(row.node.as_str()) else { continue };
            let corrupt = |what: &str| StoreError::Corrupt { table: "regional_notice", what: what.to_owned() };
            let notice = federation::FederatedNotice::decode(row.told.state.as_slice());
            let notice = notice.map_err(|error| corrupt(&error.to_string()))?;
            let newest = notice.revisions.last().ok_or_else(|| corrupt("no revision"))?;
            told.push(regional_told(row.told.id, &notice, newest, region).ok_or_else(|| corrupt("unknown codes"))?);
        }
        told.sort_by(|a, b| (b.published_at, &b.id).cmp(&(a.published_at, &a.id)));
        Ok(told)
    }
}

fn regional_told(
    id: Uuid,
    notice: &federation::FederatedNotice,
    newest: &federation::FederatedRevision,
    region: &str,
) -> Option<Told> {
    let text = |text: &Option<wire::NoticeText>| {
        let text = text.clone().unwrap_or_default();
        Text { title: text.title, body: text.body }
    };
    Some(Told {
        id: id.to_string(),
        incident: notice.incident.clone(),
        national: false,
        region: region.to_owned(),
        revision: newest.number,
        kind: code::revision_kind_from_wire(newest.kind)?,
        phase: code::phase_from_wire(newest.phase)?,
        urgency: code::urgency_from_wire(newest.urgency)?,
        published_at: newest.published_at.as_ref().and_then(time::instant)?,
        expires_at: newest.expires_at.as_ref().and_then(time::instant)?,
        vi: text(&newest.vi),
        en: text(&newest.en),
    })
}
