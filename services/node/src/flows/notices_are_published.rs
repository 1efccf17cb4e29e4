//! Notices as other systems read them: alerts, and lists of alerts.

use gridcare_chassis::serve::Document;
use gridcare_domain::{
    customer::Language,
    notice::{Notice, PublicNotice, cap, syndication},
    outage::{Area, Outage},
};
use gridcare_store::StoreError;
use jiff::Timestamp;
use uuid::Uuid;

use crate::Node;

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

    /// A list of what is told now.
    pub(crate) async fn notice_list(&self, list: List, language: Language) -> Result<Document, StoreError> {
        let now = self.now();
        let told = self.store.notices_shown(now.as_microsecond(), MOST).await?;
        let told = told.iter().map(|stored| &stored.notice).filter(|notice| self.concerns_us(notice));
        let notices: Vec<_> = told.map(|notice| PublicNotice::of(notice, Some(&self.region), Vec::new())).collect();
        let publisher = &self.open.publisher;
        Ok(match list {
            List::Atom => Document::new(
                "application/atom+xml; charset=utf-8",
                syndication::atom(&notices, publisher, language, now),
            ),
            List::Rss => Document::new(
                "application/rss+xml; charset=utf-8",
                syndication::rss(&notices, publisher, language, now),
            ),
        })
    }

    /// The alert of a published revision. It never changes: it shows the outage as it was drawn when it was published.
    pub(crate) async fn alert(&self, id: Uuid, number: i64) -> Result<Option<Document>, StoreError> {
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
        let notice = PublicNotice::of(notice, Some(&self.region), areas);
        let alert = cap::alert(&notice, number, &self.open.publisher);
        Ok(alert.map(|alert| Document::new("application/cap+xml; charset=utf-8", alert)))
    }

    /// A national notice may be for other regions alone.
    fn concerns_us(&self, notice: &Notice) -> bool {
        notice.published().is_some_and(|revision| revision.content.audience.concerns_region(&self.region))
    }
}

/// Where an outage was thought to be at this moment.
fn areas_at(outage: Outage, at: Timestamp) -> Vec<Area> {
    let known = outage.history.into_iter().take_while(|entry| entry.at <= at).collect();
    Outage::of_history(outage.id, known).map(|outage| outage.areas).unwrap_or_default()
}
