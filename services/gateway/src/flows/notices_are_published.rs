//! Notices of the nation and of its members as other systems read them: alerts, and lists of alerts.

use gridcare_chassis::serve::Document;
use gridcare_domain::{
    customer::Language,
    notice::{PublicNotice, Publisher, cap, syndication},
};
use gridcare_proto::{convert::notice::public_notice_from_wire, federation::v1 as wire};
use gridcare_store::{
    StoreError,
    gateway::{FederatedNotice, OfMember},
};
use prost::Message as _;
use uuid::Uuid;

use super::notice_is_written::read;
use crate::grpc::Parts;

/// Notices of the nation, and of members, that one list has at most.
const MOST: usize = 500;

/// Which notices are told, by whom, and in which version.
pub(crate) type Version = Vec<(String, Uuid, i64)>;

/// Lists that others subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// Of alerts.
    Atom,
    /// For the press.
    Rss,
}

impl Parts {
    /// Which notices are told.
    pub(crate) async fn notices_told(&self) -> Result<Version, StoreError> {
        let now_us = self.clock.now().as_microsecond();
        let (national, regional) =
            tokio::try_join!(self.store.notices_told(now_us, MOST), self.store.regional_told(now_us, MOST))?;
        let national = national.iter().map(|row| (String::new(), row.id, row.version));
        let regional = regional.iter().map(|row| (row.node.clone(), row.told.id, row.told.version));
        Ok(national.chain(regional).collect())
    }

    /// What is told now, each with the code of the corporation whose it is; the nation's with none.
    pub(crate) async fn public_notices(&self) -> Result<Vec<(PublicNotice, Option<String>)>, StoreError> {
        let now_us = self.clock.now().as_microsecond();
        let (national, regional) =
            tokio::try_join!(self.store.notices_told(now_us, MOST), self.store.regional_told(now_us, MOST))?;
        let mut notices = Vec::with_capacity(national.len() + regional.len());
        for row in &national {
            notices.push((PublicNotice::of(&read(row)?, None, Vec::new()), None));
        }
        let of_member = |row| self.of_member(row).map(|(notice, region)| (notice, Some(region)));
        notices.extend(regional.iter().filter_map(of_member));
        Ok(notices)
    }

    /// A list of what is told now, by the nation and by its members.
    pub(crate) async fn notice_list(
        &self,
        list: List,
        publisher: &Publisher,
        language: Language,
    ) -> Result<Document, StoreError> {
        let now = self.clock.now();
        let notices: Vec<_> = self.public_notices().await?.into_iter().map(|(notice, _)| notice).collect();
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

    /// The alert of a published revision, of the nation or of a member.
    pub(crate) async fn alert(
        &self,
        id: Uuid,
        number: i64,
        publisher: &Publisher,
    ) -> Result<Option<Document>, StoreError> {
        let notice = match self.store.national_notice(id).await? {
            Some(row) => Some(PublicNotice::of(&read(&row)?, None, Vec::new())),
            None => {
                self.store.regional_notice(id).await?.and_then(|row| self.of_member(&row)).map(|(notice, _)| notice)
            }
        };
        let alert = notice.and_then(|notice| cap::alert(&notice, number, publisher));
        Ok(alert.map(|alert| Document::new("application/cap+xml; charset=utf-8", alert)))
    }

    /// A member's notice, with its region; one that is no longer configured tells nothing.
    fn of_member(&self, row: &OfMember<FederatedNotice>) -> Option<(PublicNotice, String)> {
        let seat = self.country.seats.iter().find(|seat| seat.node == row.node)?;
        let notice = wire::FederatedNotice::decode(row.told.state.as_slice()).ok();
        let notice = notice.and_then(|notice| public_notice_from_wire(&notice, &seat.region));
        if notice.is_none() {
            tracing::warn!(node = row.node, notice = %row.told.id, "a notice cannot be read");
        }
        notice.map(|notice| (notice, seat.region.clone()))
    }
}
