use gridcare_chassis::id::new_id;
use gridcare_domain::{
    notice::{Act, Content, Notice, Revision, RevisionState, act, may_follow, moved},
    refusal::{Refusal, RefusalKind, Violation},
};
use gridcare_proto::{
    convert::{
        notice::{notice_change, notice_to_wire},
        ticket::etag,
    },
    notice::v1 as wire,
};
use gridcare_store::{
    notice::{NoticeDecision, NoticeWrite, StoredNotice},
    request::Request,
    writer::Answer,
};
use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;

use crate::Node;

/// There is none of this id.
pub(crate) fn no_such_notice() -> Refusal {
    Refusal::new(RefusalKind::NotFound, "NO_SUCH_NOTICE", "there is no such notice at this node")
}

/// The notice, if it may be written here and is the one that was read.
fn regional(stored: Option<&StoredNotice>, version: Option<i64>) -> Result<&Notice, Refusal> {
    let stored = stored.ok_or_else(no_such_notice)?;
    if stored.national {
        let message = "this notice came from the gateway; write it there";
        return Err(Refusal::new(RefusalKind::Precondition, "NOTICE_IS_NATIONAL", message));
    }
    if version.is_some_and(|version| version != stored.notice.version) {
        let message = "the notice has changed since; read it again and decide again";
        return Err(
            Refusal::new(RefusalKind::Conflict, "ETAG_MISMATCH", message).with("etag", etag(stored.notice.version))
        );
    }
    Ok(&stored.notice)
}

/// A draft of the first revision, or of another.
fn draft(number: i64, content: Content, author: &str, now: Timestamp) -> Revision {
    Revision {
        number,
        content,
        state: RevisionState::Draft,
        author: author.to_owned(),
        created_at: now,
        approver: None,
        published_at: None,
        reviewer: None,
    }
}

/// A draft is written anew, or another one follows what is published or withdrawn.
pub(super) fn rewritten(notice: &Notice, content: &Content, author: &str, now: Timestamp) -> Result<Notice, Refusal> {
    let mut next = notice.clone();
    next.version += 1;
    let open = next.revisions.pop_if(|newest| newest.state == RevisionState::Draft);
    if let Some(open) = &open {
        act(open, Act::Edit, author)?;
    }
    may_follow(next.newest(), content.kind)?;
    let number = next.newest().map_or(1, |newest| newest.number + 1);
    next.revisions.push(draft(number, content.clone(), author, now));
    Ok(next)
}

/// The newest revision of a notice is written, and nobody is told of it yet.
pub(super) fn unpublished(notice: Notice, response: Vec<u8>) -> NoticeDecision {
    let revision = notice.newest().map_or(0, |newest| newest.number);
    let stored = StoredNotice { notice, national: false };
    NoticeDecision::Becomes(Box::new(NoticeWrite {
        stored,
        revision,
        change: None,
        stops: false,
        dispatches: Vec::new(),
        response,
    }))
}

impl Node {
    /// A notice of this corporation begins, as a draft.
    pub(crate) async fn create_notice(
        &self,
        request: Request,
        incident: &str,
        outage_id: Option<Uuid>,
        content: &Content,
        author: &str,
    ) -> Answer {
        if let Some(outage) = outage_id
            && self.store.outage(outage).await?.is_none()
        {
            let cure = "give the id of an outage of this node, or none";
            return Ok(Err(Refusal::invalid(vec![Violation::new("outage_id", "NO_SUCH_OUTAGE", cure)])));
        }
        let (id, now) = (new_id(), self.now());
        let decide = |_: Option<&StoredNotice>| {
            may_follow(None, content.kind)?;
            let revisions = vec![draft(1, content.clone(), author, now)];
            let notice = Notice { id, version: 1, outage_id, incident: incident.to_owned(), revisions };
            let response = wire::CreateNoticeResponse { notice: Some(notice_to_wire(&notice, false)) }.encode_to_vec();
            Ok(unpublished(notice, response))
        };
        self.store.write_notice(Some(request), now.as_microsecond(), new_id(), id, &decide).await
    }

    /// Another revision, or the draft written anew.
    pub(crate) async fn write_revision(
        &self,
        request: Request,
        id: Uuid,
        version: Option<i64>,
        content: &Content,
        author: &str,
    ) -> Answer {
        let now = self.now();
        let decide = |stored: Option<&StoredNotice>| {
            let notice = rewritten(regional(stored, version)?, content, author, now)?;
            let response = wire::WriteRevisionResponse { notice: Some(notice_to_wire(&notice, false)) }.encode_to_vec();
            Ok(unpublished(notice, response))
        };
        self.store.write_notice(Some(request), now.as_microsecond(), new_id(), id, &decide).await
    }

    /// Somebody does something to a revision. Publishing it makes its dispatches and tells the country, all at once.
    pub(crate) async fn move_revision(
        &self,
        request: Request,
        id: Uuid,
        version: Option<i64>,
        what: Act,
        author: &str,
    ) -> Answer {
        let now = self.now();
        let decide = |stored: Option<&StoredNotice>| {
            let (notice, revision) = moved(regional(stored, version)?, what, author, now)?;
            let response = wire::MoveRevisionResponse { notice: Some(notice_to_wire(&notice, false)) }.encode_to_vec();
            let change = matches!(what, Act::Publish | Act::Review).then(|| notice_change(&notice));
            let told = if what == Act::Publish {
                self.told(&notice, now)
            } else {
                crate::flows::notice_lands::Told::default()
            };
            let stored = StoredNotice { notice, national: false };
            let (stops, dispatches) = (told.stops, told.dispatches);
            let write = NoticeWrite { stored, revision, change, stops, dispatches, response };
            Ok(NoticeDecision::Becomes(Box::new(write)))
        };
        let answer = self.store.write_notice(Some(request), now.as_microsecond(), new_id(), id, &decide).await;
        self.notice_published();
        answer
    }
}
