//! Notices as other systems read them: alerts, and lists of alerts.

use std::collections::BTreeSet;

use gridcare_chassis::serve::Document;
use gridcare_domain::{
    customer::Language,
    notice::{Notice, PublicNotice, RevisionState, cap, syndication},
    outage::{Area, Outage},
};
use gridcare_store::{StoreError, notice::StoredNotice};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Node, flows::notice_is_read::provinces, http::Tells};

/// Notices of one list at most.
const MOST: i64 = 500;

/// Lists that others subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// Of alerts.
    Atom,
    /// For the press.
    Rss,
}

impl Node {
    /// Which notices are told, and in which version. The feed does not say: the nation's are not in it.
    pub(crate) async fn notices_told(&self) -> Result<Vec<(Uuid, i64)>, StoreError> {
        let told = self.store.notices_shown(self.now_us(), MOST).await?;
        Ok(told.iter().map(|stored| (stored.notice.id, stored.notice.version)).collect())
    }

    /// A list of what is told now, and to whom.
    pub(crate) async fn notice_list(&self, list: List, language: Language) -> Result<(Document, Tells), StoreError> {
        let now = self.now();
        let mut told = self.store.notices_shown(now.as_microsecond(), MOST).await?;
        told.retain(|stored| self.concerns_us(&stored.notice));
        let public = |stored: &StoredNotice| PublicNotice::of(&stored.notice, Some(&self.region), Vec::new());
        let notices: Vec<_> = told.iter().map(public).collect();
        let listed: BTreeSet<_> =
            syndication::newest(&notices, now).iter().map(|(notice, revision)| (notice.id, revision.number)).collect();
        let served = self.store.provinces_served().await?;
        let of = |StoredNotice { notice, .. }: &StoredNotice| {
            let id = notice.id;
            self.tells(notice, &served, |number| listed.contains(&(id, number)))
        };
        let tells = told.iter().map(of).collect();
        let publisher = &self.open.publisher;
        let document = match list {
            List::Atom => Document::new(
                "application/atom+xml; charset=utf-8",
                syndication::atom(&notices, publisher, language, now),
            ),
            List::Rss => Document::new(
                "application/rss+xml; charset=utf-8",
                syndication::rss(&notices, publisher, language, now),
            ),
        };
        Ok((document, tells))
    }

    /// The alert of a published revision, and to whom it tells it. It never changes: it shows the outage as it was drawn when it was
    /// published.
    pub(crate) async fn alert(&self, id: Uuid, number: i64) -> Result<Option<(Document, Tells)>, StoreError> {
        let Some(stored) = self.store.notice(id).await?.filter(|stored| self.concerns_us(&stored.notice)) else {
            return Ok(None);
        };
        let notice = &stored.notice;
        let revision = notice.revisions.iter().find(|revision| revision.number == number);
        let Some(at) = revision.and_then(|revision| revision.published_at) else { return Ok(None) };
        let outage = match notice.outage_id {
            Some(outage) => self.store.outage(outage).await?,
            None => None,
        };
        let areas = outage.map(|outage| areas_at(outage, at)).unwrap_or_default();
        let public = PublicNotice::of(notice, Some(&self.region), areas);
        let Some(alert) = cap::alert(&public, number, &self.open.publisher) else { return Ok(None) };
        let tells = self.tells(notice, &self.store.provinces_served().await?, |other| other == number);
        Ok(Some((Document::new("application/cap+xml; charset=utf-8", alert), vec![tells])))
    }

    /// A national notice may be for other regions alone. One that was for ours once stays: whoever has read that alert must find
    /// the one that supersedes it.
    fn concerns_us(&self, notice: &Notice) -> bool {
        let mut published = notice.revisions.iter().filter(|revision| revision.state == RevisionState::Published);
        published.any(|revision| revision.content.audience.concerns_region(&self.region))
    }

    /// A notice, and the provinces among the served that some of its revisions are for.
    fn tells(&self, notice: &Notice, served: &[String], some: impl Fn(i64) -> bool) -> (Uuid, Vec<String>) {
        let audiences = notice.revisions.iter().filter(|revision| some(revision.number));
        let ours = audiences.map(|revision| &revision.content.audience).filter(|of| of.concerns_region(&self.region));
        let reached: BTreeSet<_> = ours.flat_map(|audience| provinces(audience, served)).collect();
        (notice.id, reached.into_iter().collect())
    }
}

/// Where an outage was thought to be at this moment.
fn areas_at(outage: Outage, at: Timestamp) -> Vec<Area> {
    let known = outage.history.into_iter().take_while(|entry| entry.at <= at).collect();
    Outage::of_history(outage.id, known).map(|outage| outage.areas).unwrap_or_default()
}
