//! Webhooks: a notice is posted to a partner, signed, so that the partner knows whose it is and that it is new.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::future::BoxFuture;
use gridcare_chassis::clock::SharedClock;
use gridcare_domain::delivery::DeliveryState;
use gridcare_proto::{convert::time::instant, notice::v1::NoticeText};
use http::{Request, StatusCode, header};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use jiff::Timestamp;
use ring::hmac;
use rustls::ClientConfig;
use serde_json::json;
use tokio::{sync::mpsc, time::timeout};

use super::{Carrier, Ending, Errand, Rest};
use crate::{
    config::{Hook, Webhooks, secret},
    flows::receipt_returns::{Returned, Waits, Whose},
    smpp::session::roots,
};

/// Posts that are under way at once.
const WINDOW: usize = 64;

type Http = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

struct Partner {
    hook: Hook,
    key: hmac::Key,
}

/// Posts notices to partners; clones are the same one.
#[derive(Clone)]
pub(crate) struct WebhookCarrier {
    http: Http,
    partners: Arc<BTreeMap<String, Partner>>,
    clock: SharedClock,
    returned: mpsc::Sender<Returned>,
}

/// What a partner's answer means.
fn judged(status: StatusCode) -> Ending {
    match status {
        // Not now, says the partner: too early, too much, or too slow.
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Ending::returned(Rest::Address)
        }
        status if status.is_success() => Ending::sent(Vec::new()),
        status if status.is_client_error() => Ending::failed(),
        // Redirections are not followed: a signed notice goes where it was told to go.
        status if status.is_redirection() => Ending::failed(),
        _ => Ending::returned(Rest::Address),
    }
}

/// The header that signs a body: `t=SECONDS,v1=HMAC-SHA256(SECONDS.BODY)`, in hexadecimal digits.
fn signature(key: &hmac::Key, at: Timestamp, body: &[u8]) -> String {
    let seconds = at.as_second().to_string();
    let mut context = hmac::Context::with_key(key);
    for piece in [seconds.as_bytes(), b".", body] {
        context.update(piece);
    }
    let mut header = format!("t={seconds},v1=");
    for octet in context.sign().as_ref() {
        const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
        header.extend([DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]]);
    }
    header
}

/// What a partner is told.
fn body(errand: &Errand) -> Vec<u8> {
    let text = &errand.text;
    let said = |text: Option<&NoticeText>| text.map(|text| json!({"title": text.title, "body": text.body}));
    let at = |at: Option<&prost_types::Timestamp>| at.and_then(instant).map(|at| at.to_string());
    let word = |name: &str, prefix: &str| name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase();
    json!({
        "id": format!("{}.{}.{}", text.notice_id, text.revision, errand.number),
        "number": errand.number,
        "notice": text.notice_id,
        "revision": text.revision,
        "incident": text.incident,
        "kind": word(text.kind().as_str_name(), "REVISION_KIND_"),
        "phase": word(text.phase().as_str_name(), "PHASE_"),
        "published_at": at(text.published_at.as_ref()),
        "expires_at": at(text.expires_at.as_ref()),
        "vi": said(text.vi.as_ref()),
        "en": said(text.en.as_ref()),
    })
    .to_string()
    .into_bytes()
}

impl WebhookCarrier {
    pub(crate) fn new(config: &Webhooks, clock: SharedClock, returned: mpsc::Sender<Returned>) -> io::Result<Self> {
        let wrong = |error: rustls::Error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let provider = rustls::crypto::ring::default_provider();
        let builder = HttpsConnectorBuilder::new();
        let https = match &config.ca {
            Some(ca) => {
                let tls = ClientConfig::builder_with_provider(Arc::new(provider));
                let tls = tls.with_safe_default_protocol_versions().map_err(wrong)?;
                builder.with_tls_config(tls.with_root_certificates(roots(ca)?).with_no_client_auth())
            }
            None => builder.with_provider_and_native_roots(provider)?,
        };
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(Duration::from_secs(10)));
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(30)).pool_max_idle_per_host(2);
        let http = client.build(https.https_or_http().enable_http1().wrap_connector(connector));
        let partner = |hook: &Hook| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret(&hook.secret_file)?.as_bytes());
            Ok((hook.name.clone(), Partner { hook: hook.clone(), key }))
        };
        let partners = config.hooks.iter().map(partner).collect::<io::Result<_>>()?;
        Ok(Self { http, partners: Arc::new(partners), clock, returned })
    }

    async fn post(self, errand: Errand) -> Ending {
        let Some(Partner { hook, key }) = self.partners.get(&errand.address) else {
            tracing::warn!(number = errand.number, name = errand.address, "there is no such webhook here");
            return Ending::failed();
        };
        let body = body(&errand);
        let request = Request::post(&hook.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("gridcare/", env!("CARGO_PKG_VERSION")))
            .header("gridcare-signature", signature(key, self.clock.now(), &body))
            .body(Full::new(Bytes::from(body)));
        let Ok(request) = request else { return Ending::failed() };
        // What the partner says beside its status is not read.
        let answer = timeout(Duration::from_millis(hook.timeout_ms), self.http.request(request)).await;
        let ending = match answer {
            Ok(Ok(response)) => judged(response.status()),
            Ok(Err(error)) => {
                tracing::info!(name = hook.name, error = %chain(&error), "a webhook cannot be reached");
                Ending::returned(Rest::Address)
            }
            Err(_) => {
                tracing::info!(name = hook.name, "a webhook does not answer");
                Ending::returned(Rest::Address)
            }
        };
        if ending != Ending::sent(Vec::new()) {
            return ending;
        }
        let id = format!("webhook/{}.{}.{}", errand.text.notice_id, errand.text.revision, errand.number);
        // Taken by the partner's own server is delivered.
        let whose = Whose::Known { number: errand.number, id: id.clone() };
        let (state, at) = (DeliveryState::Delivered, self.clock.now());
        if self.returned.send(Returned { whose, state, at, waits: Waits::Nobody }).await.is_err() {
            tracing::debug!(number = errand.number, "nobody takes receipts any more");
        }
        Ending::sent(vec![id])
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", chain(source)))
}

impl Carrier for WebhookCarrier {
    fn window(&self) -> usize {
        WINDOW
    }

    fn carry(&self, errand: Errand) -> BoxFuture<'static, Ending> {
        Box::pin(self.clone().post(errand))
    }
}

#[cfg(test)]
mod tests {
    use gridcare_proto::delivery::v1::SubmitResult;

    use super::*;

    #[test]
    fn a_body_is_signed_with_the_moment() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"press");
        let at: Timestamp = "2013-05-22T14:19:40+07:00".parse().unwrap();
        // printf '1369207180.{}' | openssl dgst -sha256 -hmac press
        let signed = "t=1369207180,v1=c7988fd90c0bad7ae94688721f0dbfcd7aaa9403d7f2c6d3959cd99d22ecb978";
        assert_eq!(signature(&key, at, b"{}"), signed);
        let other = signature(&key, at + jiff::SignedDuration::from_secs(1), b"{}");
        assert_ne!(signed[12..], other[12..]);
    }

    #[test]
    fn an_answer_means_done_never_or_later() {
        let of = |status: u16| judged(StatusCode::from_u16(status).unwrap()).result;
        for status in [200, 202, 204] {
            assert_eq!(of(status), SubmitResult::Sent, "{status}");
        }
        for status in [301, 400, 401, 404, 410, 422] {
            assert_eq!(of(status), SubmitResult::Failed, "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503] {
            assert_eq!(of(status), SubmitResult::Returned, "{status}");
        }
    }
}
