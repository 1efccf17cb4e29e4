use gridcare_chassis::{
    identity::principal_of,
    status::{fault, refuse},
};
use gridcare_domain::refusal::{Refusal, RefusalKind, Violation};
use gridcare_proto::{
    convert::time,
    standard::v1::{self as wire, get_standard_request::Which, standard_service_server::StandardService},
};
use gridcare_store::standard::StoredStandard;
use tonic::{Request, Response, Status};

use super::{Standards, answered, failed, page, refuse_if};
use crate::{
    flows::standard_takes_effect::{Offered, standard_to_wire},
    idempotency::{check_request_id, request_of},
};

/// Longest bundle, in bytes.
const BUNDLE: usize = 1 << 20;
/// Longest signature document, in bytes.
const SIGNATURE: usize = 4 << 10;

#[tonic::async_trait]
impl StandardService for Standards {
    async fn offer_standard(
        &self,
        request: Request<wire::OfferStandardRequest>,
    ) -> Result<Response<wire::OfferStandardResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        for (field, length, most) in
            [("bundle", body.bundle.len(), BUNDLE), ("signature", body.signature.len(), SIGNATURE)]
        {
            if length == 0 {
                found.push(Violation::new(field, "REQUIRED", "give the file's bytes"));
            } else if length > most {
                found.push(Violation::new(field, "TOO_LONG", format!("keep it within {most} bytes")));
            }
        }
        let published = body.published_at.as_ref().and_then(time::instant);
        if published.is_none() {
            found.push(Violation::new("published_at", "REQUIRED", "say when it was published"));
        }
        refuse_if(found)?;
        let id = request_of(&principal, "OfferStandard", &body.request_id, &body);
        let published_us = published.map(jiff::Timestamp::as_microsecond).unwrap_or_default();
        let offered = Offered { bundle: body.bundle, signature: body.signature, published_us };
        answered(self.0.offer_standard(id, offered).await)
    }

    async fn get_standard(
        &self,
        request: Request<wire::GetStandardRequest>,
    ) -> Result<Response<wire::GetStandardResponse>, Status> {
        let standards = &self.0.standards;
        let standard = match &request.get_ref().which {
            None => standards.current(),
            Some(Which::At(at)) => {
                let mut found = Vec::new();
                let at = time::instant(at);
                if at.is_none() {
                    found.push(Violation::new("at", "MALFORMED", "give a time within the calendar"));
                }
                refuse_if(found)?;
                standards.at(at.map(jiff::Timestamp::as_microsecond).unwrap_or_default())
            }
            Some(Which::Version(version)) => return self.of_version(version).await,
        };
        // As it holds: with what is tightened in it.
        self.of_version(standard.version()).await
    }

    async fn list_standards(
        &self,
        request: Request<wire::ListStandardsRequest>,
    ) -> Result<Response<wire::ListStandardsResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let size = page::size(body.page_size, &mut found);
        let place = page::place::<72>(b"standards", &body.page_token, &mut found);
        let below = place.and_then(|place| {
            let (received, digest) = place.split_first_chunk::<8>()?;
            let digest = std::str::from_utf8(digest).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
            Some((i64::from_be_bytes(*received), digest.to_owned()))
        });
        refuse_if(found)?;
        let below = below.as_ref().map(|(received_us, digest)| (*received_us, digest.as_str()));
        let limit = i64::try_from(size + 1).map_err(|e| fault(&e))?;
        let mut rows = self.0.store.standards(below, limit).await.map_err(|e| failed(&e))?;
        let more = rows.len() > size;
        rows.truncate(size);
        let token = |last: &StoredStandard| {
            page::token(b"standards", &[&last.received_us.to_be_bytes()[..], last.digest.as_bytes()].concat())
        };
        let next_page_token = rows.last().filter(|_| more).map(token).unwrap_or_default();
        let standards = rows.iter().map(standard_to_wire).collect();
        Ok(Response::new(wire::ListStandardsResponse { standards, next_page_token }))
    }
}

impl Standards {
    /// The bundle of a version, or of a record's stamp, which may name an overlay too.
    async fn of_version(&self, version: &str) -> Result<Response<wire::GetStandardResponse>, Status> {
        let standards = &self.0.standards;
        let known = standards.by_version(version);
        let name = known.as_ref().map_or_else(|| version.to_owned(), |standard| standard.bundle().version_id());
        let Some(whole) = self.0.store.standard(&name).await.map_err(|e| failed(&e))? else {
            let message = "this node was given no such standard; ListStandards has those that it was given";
            return Err(refuse(&Refusal::new(RefusalKind::NotFound, "NO_SUCH_STANDARD", message)));
        };
        let overlay = known.and_then(|standard| Some(standard.version().split_once('+')?.1.to_owned()));
        Ok(Response::new(wire::GetStandardResponse {
            standard: Some(standard_to_wire(&whole.standard)),
            bundle: whole.bundle,
            signature: whole.signature,
            overlay: overlay.map(|overlay| standards.overlay(&overlay)).unwrap_or_default(),
        }))
    }
}
