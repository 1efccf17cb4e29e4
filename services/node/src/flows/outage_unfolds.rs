use gridcare_chassis::id::new_id;
use gridcare_domain::{
    notice::needs_notice,
    outage::{By, Change, Draft, Outage, Site, notice_us},
    refusal::{Refusal, RefusalKind},
};
use gridcare_proto::{
    convert::{outage as convert, ticket::etag},
    outage::v1 as wire,
    ticket::v1 as ticket,
};
use gridcare_store::{
    StoreError,
    outage::{OutageQuery, OutageWrite},
    request::Request,
    writer::Answer,
};
use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;

use crate::{BULK, Node};

/// An outage as an answer shows it. `told_us` is when what is told of it was written; `draft` is a notice whose open revision says
/// how it is planned now.
fn shown(outage: &Outage, told_us: Option<i64>, draft: Option<Uuid>, now: Timestamp) -> wire::Outage {
    let told = told_us.and_then(|us| Timestamp::from_microsecond(us).ok());
    wire::Outage {
        needs_notice: needs_notice(outage, told, now),
        notice_draft_id: draft.map(|id| id.to_string()).unwrap_or_default(),
        ..convert::to_wire(outage, now)
    }
}

impl Node {
    /// An outage becomes known: the row, its areas and its feed entry in one transaction.
    pub(crate) async fn record_outage(&self, request: Request, draft: Draft, author: &str) -> Answer {
        let now = self.now();
        let notice = notice_us(&self.rules().standard, now);
        let outage = match Outage::record(new_id(), draft, By { author, reason: "" }, now, notice) {
            Ok(outage) => outage,
            Err(refusal) => {
                // What was recorded in time stays recorded, however late its answer is asked for again.
                let answered = self.store.answered(request).await?;
                return Ok(answered.unwrap_or(Err(refusal)));
            }
        };
        let response = wire::RecordOutageResponse { outage: Some(shown(&outage, None, None, now)) }.encode_to_vec();
        let write = OutageWrite { change: convert::outage_change(&outage), outage, response, answering: None };
        self.store.record_outage(request, now.as_microsecond(), new_id(), &write).await
    }

    /// What is known of an outage changes: decided on its state at that moment, all changes or none.
    pub(crate) async fn change_outage(
        &self,
        request: Request,
        id: Uuid,
        version: Option<i64>,
        changes: &[Change],
        by: By<'_>,
    ) -> Answer {
        let now = self.now();
        let notice = notice_us(&self.rules().standard, now);
        let told = self.store.outages_told(&[id]).await?.remove(&id);
        let decide = |old: &Outage| {
            if version.is_some_and(|version| version != old.version) {
                let message = "the outage has changed since; read it again and decide again";
                return Err(
                    Refusal::new(RefusalKind::Conflict, "ETAG_MISMATCH", message).with("etag", etag(old.version))
                );
            }
            let outage = old.change(changes, by, now, notice)?;
            let response = wire::ChangeOutageResponse { outage: Some(shown(&outage, told, None, now)) }.encode_to_vec();
            let back = old.ended_at.is_none() && outage.ended_at.is_some();
            let action = || ticket::BulkAction {
                action: Some(ticket::bulk_action::Action::AnswerRestoration(id.to_string())),
                author: by.author.to_owned(),
                reason: String::new(),
            };
            let answering = back.then(|| (new_id(), action().encode_to_vec()));
            Ok(OutageWrite { change: convert::outage_change(&outage), outage, response, answering })
        };
        let answer = self.store.change_outage(request, now.as_microsecond(), new_id(), id, &decide).await;
        self.bus.wake(BULK);
        let moves = |change: &Change| matches!(change, Change::Rescheduled(_) | Change::Cancelled);
        if matches!(answer, Ok(Ok(_))) && changes.iter().any(moves) {
            // Before it is acknowledged: whoever asks again finds the first answer, and what was not drafted is.
            self.tell_moved_work(id).await?;
        }
        answer
    }

    /// Outages as answers show them.
    pub(crate) async fn outages_shown(&self, outages: &[Outage]) -> Result<Vec<wire::Outage>, StoreError> {
        let planned = |outage: &Outage| Some((outage.id, outage.plan.last()?.at.as_microsecond()));
        let plans: Vec<_> = outages.iter().filter_map(planned).collect();
        let work: Vec<_> = plans.iter().map(|(id, _)| *id).collect();
        let told = self.store.outages_told(&work).await?;
        let drafts = self.store.outage_drafts(&plans).await?;
        let now = self.now();
        let one = |outage: &Outage| shown(outage, told.get(&outage.id).copied(), drafts.get(&outage.id).copied(), now);
        Ok(outages.iter().map(one).collect())
    }

    /// An outage with its parts.
    pub(crate) async fn find_outage(&self, id: Uuid) -> Result<Option<(Outage, Vec<Uuid>)>, StoreError> {
        let Some(outage) = self.store.outage(id).await? else { return Ok(None) };
        Ok(Some((outage, self.store.outage_parts(id).await?)))
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
