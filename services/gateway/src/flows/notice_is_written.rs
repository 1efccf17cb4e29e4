//! A notice is written at the gateway: revision by revision, with a second person's word before it goes out.

use gridcare_bus::Bus;
use gridcare_domain::{
    notice::{Act, Content, Notice, Revision, RevisionState, act, may_follow, moved},
    refusal::{Refusal, RefusalKind},
};
use gridcare_proto::{
    convert::{notice as convert, ticket::etag},
    notice::v1 as wire,
};
use gridcare_store::{
    StoreError,
    gateway::{GatewayStore, NationalNotice, NoticeSave, Seat},
    request::Request,
    writer::Answer,
};
use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;

use super::{
    notice_goes_out::{PUBLISHED, going_out, members_of, regions_told},
    notice_is_proven::of_act,
};
use crate::idempotency::forget_answers;

/// Somebody else changed the notice, or answered the request, while it was decided: so often it is decided anew.
const TRIES: usize = 8;

/// Who writes, and with what.
pub(crate) struct Writing<'a> {
    pub(crate) store: &'a GatewayStore,
    pub(crate) bus: &'a Bus,
    pub(crate) seats: &'a [Seat],
    pub(crate) request: Request,
    pub(crate) author: &'a str,
    pub(crate) now: Timestamp,
}

/// Which notice, and the version that its author has read, if they say so.
#[derive(Clone, Copy)]
pub(crate) struct Which {
    pub(crate) id: Uuid,
    pub(crate) version: Option<i64>,
}

/// The answer of a change: the three responses of the service are alike on the wire.
fn response(notice: &Notice) -> Vec<u8> {
    wire::CreateNoticeResponse { notice: Some(convert::notice_to_wire(notice, true)) }.encode_to_vec()
}

/// The notice that a row holds.
pub(crate) fn read(row: &NationalNotice) -> Result<Notice, StoreError> {
    let corrupt = |what: String| StoreError::Corrupt { table: "national_notice", what };
    let notice = wire::Notice::decode(row.state.as_slice()).map_err(|error| corrupt(error.to_string()))?;
    convert::notice_from_wire(&notice).map_err(corrupt)
}

/// There is no such notice here.
pub(crate) fn no_such_notice() -> Refusal {
    Refusal::new(RefusalKind::NotFound, "NO_SUCH_NOTICE", "there is no such notice at this gateway")
}

impl Writing<'_> {
    /// A new notice, with its first revision as a draft.
    pub(crate) async fn create(&self, id: Uuid, incident: &str, content: &Content) -> Answer {
        if let Some(answered) = self.store.answered(self.request).await? {
            return answered;
        }
        if let Err(refusal) = may_follow(None, content.kind) {
            return Ok(Err(refusal));
        }
        let notice = Notice {
            id,
            version: 1,
            outage_id: None,
            incident: incident.to_owned(),
            revisions: vec![self.draft(1, content)],
        };
        match self.save(None, &notice, self.now, None).await {
            Err(StoreError::Raced) => self.store.answered(self.request).await?.unwrap_or(Err(StoreError::Raced)),
            Err(error) => Err(error),
            Ok(bytes) => Ok(Ok(bytes)),
        }
    }

    /// Another revision, or the newest written anew while it is a draft.
    pub(crate) async fn write(&self, which: Which, content: &Content) -> Answer {
        let written = |notice: &mut Notice| {
            let drafted = notice.newest().filter(|newest| newest.state == RevisionState::Draft);
            if let Some(draft) = drafted {
                act(draft, Act::Edit, self.author)?;
                let number = draft.number;
                notice.revisions.pop();
                may_follow(notice.newest(), content.kind)?;
                notice.revisions.push(self.draft(number, content));
            } else {
                may_follow(notice.newest(), content.kind)?;
                let number = notice.newest().map_or(1, |newest| newest.number + 1);
                notice.revisions.push(self.draft(number, content));
            }
            Ok(None)
        };
        self.change(which, written).await
    }

    /// What somebody does to a revision.
    pub(crate) async fn act(&self, which: Which, what: Act) -> Answer {
        let done = |notice: &mut Notice| {
            let (next, number) = moved(notice, what, self.author, self.now)?;
            *notice = next;
            Ok(Some((what, number)))
        };
        let answer = self.change(which, done).await;
        if what == Act::Publish && matches!(answer, Ok(Ok(_))) {
            tracing::info!(notice = %which.id, "a notice is published");
            self.bus.wake(PUBLISHED);
            if let Err(error) = forget_answers(self.store, self.now.as_microsecond()).await {
                tracing::warn!(%error, "old answers could not be forgotten");
            }
        }
        answer
    }

    fn draft(&self, number: i64, content: &Content) -> Revision {
        Revision {
            number,
            content: content.clone(),
            state: RevisionState::Draft,
            author: self.author.to_owned(),
            created_at: self.now,
            approver: None,
            published_at: None,
            reviewer: None,
        }
    }

    async fn change(
        &self,
        which: Which,
        decide: impl Fn(&mut Notice) -> Result<Option<(Act, i64)>, Refusal>,
    ) -> Answer {
        for _ in 0..TRIES {
            if let Some(answered) = self.store.answered(self.request).await? {
                return answered;
            }
            let Some(row) = self.store.national_notice(which.id).await? else { return Ok(Err(no_such_notice())) };
            let mut notice = read(&row)?;
            if which.version.is_some_and(|version| version != row.version) {
                let message = "somebody has changed the notice since; read it again and decide again";
                let refusal = Refusal::new(RefusalKind::Conflict, "ETAG_MISMATCH", message);
                return Ok(Err(refusal.with("etag", etag(row.version))));
            }
            let done = match decide(&mut notice) {
                Ok(done) => done,
                Err(refusal) => return Ok(Err(refusal)),
            };
            notice.version = row.version + 1;
            let created = Timestamp::from_microsecond(row.created_us).unwrap_or(self.now);
            match self.save(Some(row.version), &notice, created, done).await {
                Err(StoreError::Raced) => {}
                Err(error) => return Err(error),
                Ok(bytes) => return Ok(Ok(bytes)),
            }
        }
        Err(StoreError::Raced)
    }

    async fn save(
        &self,
        before: Option<i64>,
        notice: &Notice,
        created: Timestamp,
        done: Option<(Act, i64)>,
    ) -> Result<Vec<u8>, StoreError> {
        let row = NationalNotice {
            id: notice.id,
            version: notice.version,
            incident: notice.incident.clone(),
            created_us: created.as_microsecond(),
            expires_us: notice.published().map(|revision| revision.content.expires_at.as_microsecond()),
            ended: notice.published().is_some_and(|revision| revision.content.kind.ends()),
            state: convert::notice_to_wire(notice, true).encode_to_vec(),
        };
        let newest = notice.newest().filter(|_| done.is_some_and(|(act, _)| act == Act::Publish));
        let regions = regions_told(notice);
        let nodes = members_of(&regions, self.seats);
        let published = newest.map(|revision| {
            let at = revision.published_at.unwrap_or(self.now);
            going_out(notice, revision, at.as_microsecond(), &regions, &nodes)
        });
        let entries = done.and_then(|(act, number)| of_act(notice, act, number, self.now)).into_iter().collect();
        let now_us = self.now.as_microsecond();
        let response = response(notice);
        let save = NoticeSave { before, notice: &row, published, entries, now_us };
        self.store.save_notice(self.request, save, &response).await?;
        Ok(response)
    }
}
