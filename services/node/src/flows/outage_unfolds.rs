use gridcare_chassis::id::new_id;
use gridcare_domain::{
    outage::{Outage, Site},
    refusal::{Refusal, RefusalKind, Violation},
};
use gridcare_proto::{
    convert::{outage as convert, ticket::etag},
    outage::v1 as wire,
};
use gridcare_store::{StoreError, outage::OutageQuery, request::Request, writer::Answer};
use prost::Message as _;
use uuid::Uuid;

use crate::Node;

impl Node {
    /// An outage becomes known.
    pub(crate) async fn record_outage(
        &self,
        request: Request,
        draft: &wire::OutageDraft,
    ) -> Result<Answer, Vec<Violation>> {
        let outage = convert::from_wire(draft, new_id(), self.now(), "outage.")?;
        let response = wire::RecordOutageResponse { outage: Some(convert::to_wire(&outage)) }.encode_to_vec();
        Ok(self.store.record_outage(request, self.now_us(), &outage, &response).await)
    }

    /// What is known of an outage changes: what is given stands from now on.
    pub(crate) async fn update_outage(
        &self,
        request: Request,
        id: Uuid,
        version: Option<i64>,
        draft: &wire::OutageDraft,
    ) -> Result<Answer, Vec<Violation>> {
        let given = convert::from_wire(draft, id, self.now(), "outage.")?;
        let decide = move |old: &Outage| {
            if version.is_some_and(|version| version != old.version) {
                let message = "the outage has changed since; read it again and decide again";
                return Err(
                    Refusal::new(RefusalKind::Conflict, "ETAG_MISMATCH", message).with("etag", etag(old.version))
                );
            }
            let updated_at = given.updated_at.max(old.updated_at);
            let new = Outage { version: old.version + 1, updated_at, ..given.clone() };
            let response = wire::UpdateOutageResponse { outage: Some(convert::to_wire(&new)) }.encode_to_vec();
            Ok((new, response))
        };
        Ok(self.store.update_outage(request, self.now_us(), id, &decide).await)
    }

    /// A page of outages, the latest beginning first; of those that cover a site, when one is given.
    pub(crate) async fn list_outages(
        &self,
        query: &OutageQuery,
        site: Option<&Site<'_>>,
        after: Option<(i64, Uuid)>,
        limit: usize,
    ) -> Result<Vec<Outage>, StoreError> {
        let Some(site) = site else { return self.store.outages(query, after, limit).await };
        let mut found = self.store.outages_at(&[*site], query).await?;
        if let Some(after) = after {
            found.retain(|outage| (outage.begins_at.as_microsecond(), outage.id) < after);
        }
        found.truncate(limit);
        Ok(found)
    }
}
