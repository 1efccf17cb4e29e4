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
        let name = match &request.get_ref().which {
            Some(Which::Version(version)) if !version.is_empty() && version.len() <= 200 => {
                // A record's stamp may name an overlay too.
                version.split('+').next().unwrap_or_default().to_owned()
            }
            Some(Which::At(at)) if time::instant(at).is_some() => {
                let at_us = time::instant(at).map(jiff::Timestamp::as_microsecond).unwrap_or_default();
                self.0.standards.at(at_us).bundle().version_id()
            }
            _ => {
                refuse_if(vec![Violation::new("which", "REQUIRED", "give a version, or a time")])?;
                return Err(Status::invalid_argument("which is missing"));
            }
        };
        let Some(whole) = self.0.store.standard(&name).await.map_err(|e| failed(&e))? else {
            let message = format!("this node was given no standard {name:?}; see ListStandards");
            return Err(refuse(&Refusal::new(RefusalKind::NotFound, "STANDARD_NOT_FOUND", message)));
        };
        Ok(Response::new(wire::GetStandardResponse {
            standard: Some(standard_to_wire(&whole.standard)),
            bundle: whole.bundle,
            signature: whole.signature,
            overlay: self.0.standards.overlay(&whole.overlay),
        }))
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
            Some((i64::from_be_bytes(*received), String::from_utf8(digest.to_vec()).ok()?))
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
