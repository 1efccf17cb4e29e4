//! Documents of the HTTP port that many ask for and that seldom change: made once, kept in memory, told apart by `ETag`.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::{sync::Mutex, time::Instant};

/// For so long nobody asks whether a document is still true.
const FRESH: Duration = Duration::from_secs(1);
/// After so long it is made again even though nothing was written: time passes, and outages begin and end by it.
const LASTS: Duration = Duration::from_secs(10);
/// For so long a document is better than none, when it cannot be made again.
const STALE: Duration = Duration::from_mins(5);
/// What caches on the way may do with it.
const CACHE_CONTROL: &str = "public, max-age=5, stale-if-error=300";

/// A document as it is sent.
#[derive(Debug, Clone)]
pub struct Document {
    content_type: &'static str,
    body: Bytes,
    etag: HeaderValue,
}

impl Document {
    /// A document of this type.
    #[must_use]
    pub fn new(content_type: &'static str, body: String) -> Self {
        let hash = blake3::hash(body.as_bytes()).to_hex();
        // Digits and quotes are always a header's value.
        let etag = HeaderValue::from_str(&format!("\"{}\"", &hash[..32]));
        Self { content_type, body: body.into(), etag: etag.unwrap_or_else(|_| HeaderValue::from_static("\"\"")) }
    }

    /// The answer to whoever asks with these headers: nothing but its name, if they have it already.
    #[must_use]
    pub fn answer(&self, asked: &HeaderMap) -> Response {
        let headers = [
            (header::ETAG, self.etag.clone()),
            (header::CACHE_CONTROL, HeaderValue::from_static(CACHE_CONTROL)),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
            // Maps of others may draw it: it is public.
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        ];
        if has(asked, &self.etag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let kind: (HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        (headers, [kind], self.body.clone()).into_response()
    }
}

/// Whether the asker has the document, by RFC 9110 §13.1.2.
fn has(asked: &HeaderMap, etag: &HeaderValue) -> bool {
    let Ok(etag) = etag.to_str() else { return false };
    asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
    })
}

/// One document, kept for as long as it is true. `V` is what tells whether anything was written since it was made.
#[derive(Debug)]
pub struct Kept<V> {
    slot: Mutex<Option<Slot<V>>>,
}

#[derive(Debug)]
struct Slot<V> {
    version: V,
    document: Arc<Document>,
    made: Instant,
    asked: Instant,
}

impl<V> Default for Kept<V> {
    fn default() -> Self {
        Self { slot: Mutex::new(None) }
    }
}

impl<V: PartialEq> Kept<V> {
    /// The document: as it is kept, or made again. Whoever comes while it is being made waits, so that it is made once. When it
    /// cannot be made, an older one is better than none.
    ///
    /// # Errors
    /// That of `version` or `make`, when there is none to give.
    pub async fn get<E: std::error::Error>(
        &self,
        version: impl Future<Output = Result<V, E>>,
        make: impl Future<Output = Result<Document, E>>,
    ) -> Result<Arc<Document>, E> {
        let mut slot = self.slot.lock().await;
        let now = Instant::now();
        if let Some(kept) = slot.as_ref().filter(|kept| now < kept.asked + FRESH) {
            return Ok(kept.document.clone());
        }
        let found = async {
            let version = version.await?;
            match slot.as_ref() {
                Some(kept) if kept.version == version && now < kept.made + LASTS => {
                    Ok((version, kept.document.clone(), kept.made))
                }
                _ => Ok((version, Arc::new(make.await?), now)),
            }
        };
        match found.await {
            Ok((version, document, since)) => {
                *slot = Some(Slot { version, document: document.clone(), made: since, asked: now });
                Ok(document)
            }
            Err(error) => match slot.as_mut().filter(|kept| now < kept.made + STALE) {
                Some(kept) => {
                    tracing::warn!(%error, "a document could not be made again; an older one is served");
                    kept.asked = now;
                    Ok(kept.document.clone())
                }
                None => Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, io};

    use super::*;

    async fn asked(kept: &Kept<i64>, version: Result<i64, ()>, made: &Cell<u32>) -> Option<String> {
        let away = |()| io::Error::other("away");
        let making = async {
            made.set(made.get() + 1);
            Ok(Document::new("text/plain", format!("{}", made.get())))
        };
        let document = kept.get(async { version.map_err(away) }, making).await.ok()?;
        Some(String::from_utf8(document.body.to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_document_is_made_again_when_something_was_written_or_time_has_passed() {
        let (kept, made) = (Kept::default(), Cell::new(0));
        assert_eq!(asked(&kept, Err(()), &made).await, None);
        for (after_ms, version, expected) in [
            (0, Ok(1), "1"),
            // Nobody asks for the version within a second.
            (900, Ok(2), "1"),
            (200, Ok(2), "2"),
            (9_900, Ok(2), "2"),
            (1_100, Ok(2), "3"),
            (299_000, Err(()), "3"),
        ] {
            tokio::time::advance(Duration::from_millis(after_ms)).await;
            assert_eq!(asked(&kept, version, &made).await.as_deref(), Some(expected), "{after_ms} ms later");
        }
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(asked(&kept, Err(()), &made).await, None, "too old");
    }

    #[test]
    fn whoever_has_it_gets_its_name_alone() {
        let document = Document::new("text/plain", "a".into());
        let status = |tag: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, tag.parse().unwrap());
            document.answer(&headers).status()
        };
        let etag = document.etag.to_str().unwrap();
        for tag in [etag.to_owned(), format!("\"x\", W/{etag}"), "*".into()] {
            assert_eq!(status(&tag), StatusCode::NOT_MODIFIED, "{tag}");
        }
        assert_eq!(status("\"x\""), StatusCode::OK);
        assert_eq!(document.answer(&HeaderMap::new()).headers()[header::CONTENT_TYPE], "text/plain");
    }
}
