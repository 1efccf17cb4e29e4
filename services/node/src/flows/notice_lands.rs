use gridcare_chassis::id::new_id;
use gridcare_domain::{
    delivery::Way,
    notice::{Content, Notice, Revision, RevisionState, expired, may_go_from},
    refusal::{Refusal, RefusalKind},
};
use gridcare_proto::notice::v1 as wire;
use gridcare_store::{
    dispatch::Dispatch,
    notice::{NoticeDecision, NoticeWrite, StoredNotice},
    writer::Answer,
};
use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;

use crate::{DELIVERIES, NOTICES, Node};

/// Who is named as author and second person of what was agreed to at the gateway.
const GATEWAY: &str = "gateway";

/// What publishing a revision sets off.
#[derive(Default)]
pub(crate) struct Told {
    /// Nothing of earlier revisions is sent any more.
    pub(crate) stops: bool,
    /// What is sent.
    pub(crate) dispatches: Vec<Dispatch>,
}

/// A national revision as a gateway hands it over.
pub(crate) struct Landing {
    pub(crate) id: Uuid,
    pub(crate) incident: String,
    pub(crate) revision: i64,
    /// The one that must have landed before it; none when unset.
    pub(crate) follows: Option<i64>,
    pub(crate) content: Content,
    pub(crate) published_at: Timestamp,
}

impl Node {
    /// What the newest revision of a notice sets off, now that it is published.
    pub(crate) fn told(&self, notice: &Notice, now: Timestamp) -> Told {
        let Some(revision) = notice.newest() else { return Told::default() };
        let content = &revision.content;
        // Whoever has not heard yet what was wrong, is over, or turned out to be for others need not hear it any more.
        if !content.audience.concerns_region(&self.region) {
            return Told { stops: true, dispatches: Vec::new() };
        }
        let stops = content.kind.stops();
        let dispatch = |way: Way| {
            let quiet = self.notices.quiet().filter(|_| way != Way::Webhook);
            let due = may_go_from(now, content.urgency, quiet.as_ref(), &self.zone);
            Dispatch {
                notice_id: notice.id,
                revision: revision.number,
                revision_kind: content.kind,
                way,
                incident: notice.incident.clone(),
                phase: content.phase,
                urgency: content.urgency,
                vi: content.vi.clone(),
                en: content.en.clone(),
                diacritics: content.diacritics,
                places: content.audience.places.clone(),
                customers: content.audience.customers.iter().map(|code| code.as_str().to_owned()).collect(),
                webhooks: if way == Way::Webhook { self.notices.webhooks.clone() } else { Vec::new() },
                published_us: revision.published_at.unwrap_or(now).as_microsecond(),
                due_us: due.as_microsecond(),
                expires_us: content.expires_at.as_microsecond(),
            }
        };
        let ways = content.channels.iter().filter_map(|channel| Way::of(*channel));
        Told { stops, dispatches: ways.map(dispatch).collect() }
    }

    /// Wakes whoever turns notices into messages, and the couriers that wait for them; the public reads anew.
    pub(crate) fn notice_published(&self) {
        self.shelf.clear();
        self.bus.wake(NOTICES);
        self.bus.wake(DELIVERIES);
    }

    /// A national revision lands: once, and behind the one that it follows.
    pub(crate) async fn land_notice(&self, landing: &Landing) -> Answer {
        let now = self.now();
        let decide = |stored: Option<&StoredNotice>| {
            let mut notice = match stored {
                Some(StoredNotice { national: false, .. }) => {
                    let message = "a notice of this corporation has this id; give the national one another";
                    return Err(Refusal::new(RefusalKind::Precondition, "NOTICE_IS_REGIONAL", message));
                }
                Some(stored) => stored.notice.clone(),
                None => Notice {
                    id: landing.id,
                    version: 0,
                    outage_id: None,
                    incident: landing.incident.clone(),
                    revisions: Vec::new(),
                },
            };
            // Where a newer one has landed, an older one is told to nobody any more.
            if notice.newest().is_some_and(|newest| landing.revision <= newest.number) {
                return Ok(NoticeDecision::Stays(wire::LandNoticeResponse { known: true }.encode_to_vec()));
            }
            if landing.content.expires_at <= now {
                return Err(expired());
            }
            if let Some(follows) = landing.follows
                && !notice.revisions.iter().any(|revision| revision.number == follows)
            {
                let message = format!("revision {follows} has not landed here; give it first");
                return Err(Refusal::new(RefusalKind::Precondition, "REVISION_MISSING", message)
                    .with("missing", follows.to_string()));
            }
            notice.version += 1;
            notice.revisions.push(Revision {
                number: landing.revision,
                content: landing.content.clone(),
                state: RevisionState::Published,
                author: GATEWAY.to_owned(),
                created_at: landing.published_at,
                approver: Some(GATEWAY.to_owned()),
                published_at: Some(landing.published_at),
                reviewer: None,
            });
            let told = self.told(&notice, now);
            let response = wire::LandNoticeResponse { known: false }.encode_to_vec();
            let stored = StoredNotice { notice, national: true };
            let (revision, stops, dispatches) = (landing.revision, told.stops, told.dispatches);
            let write = NoticeWrite { stored, revision, change: None, stops, dispatches, response };
            Ok(NoticeDecision::Becomes(Box::new(write)))
        };
        let answer = self.store.write_notice(None, now.as_microsecond(), new_id(), landing.id, &decide).await;
        self.notice_published();
        answer
    }
}
