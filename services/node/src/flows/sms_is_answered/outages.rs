use gridcare_domain::outage::{Outage, OutageKind};
use gridcare_store::{StoreError, outage::OutageQuery};
use jiff::{SignedDuration, Timestamp};

use super::asker::Asker;
use crate::{Node, texts::Texts};

/// So far ahead planned work is told.
const DAYS: i64 = 30;
/// So many announcements fit into a message that somebody reads.
const MOST: usize = 3;

impl Node {
    /// Whoever is another corporation's customer is told whose.
    pub(super) fn elsewhere(&self, asker: &Asker) -> Option<String> {
        let code = asker.code.as_ref().filter(|_| asker.customer.is_none())?;
        let owner = self.owner_of(code, None).ok().filter(|owner| !self.owns(owner))?;
        Some(asker.texts().say("elsewhere", &[("code", code.as_str()), ("region", &owner.region)]))
    }

    /// Whoever is no customer here is told so, and who serves them.
    fn not_ours(&self, asker: &Asker) -> Option<String> {
        let unknown = asker.code.is_some() && asker.customer.is_none();
        self.elsewhere(asker).or_else(|| unknown.then(|| self.plainly(asker, "unknown-code")))
    }

    /// The outage that the asker's premises are in now: a fault goes before planned work, the newest before older ones.
    pub(super) async fn outage_of(&self, asker: &Asker) -> Result<Option<Outage>, StoreError> {
        let now = self.now();
        let query = OutageQuery {
            kind: None,
            from_us: Some(now.as_microsecond()),
            until_us: Some(now.as_microsecond().saturating_add(1)),
        };
        let found = self.store.outages_at(&asker.sites(), &query).await?;
        Ok(found
            .into_iter()
            .filter(|outage| outage.lasts_at(now) && !is_over(outage, now))
            .min_by_key(|outage| (outage.kind == OutageKind::Planned, std::cmp::Reverse(outage.begins_at))))
    }

    pub(super) async fn present_outage(&self, asker: &Asker) -> Result<String, StoreError> {
        if let Some(text) = self.not_ours(asker) {
            return Ok(text);
        }
        let texts = asker.texts();
        let Some(outage) = self.outage_of(asker).await? else { return Ok(self.plainly(asker, "outage-none")) };
        let values = [
            ("code", asker.shown()),
            ("since", &self.moment(outage.begins_at)),
            ("cause", &cause(texts, &outage)),
            ("return", &self.return_of(texts, &outage)),
        ];
        Ok(texts.say("outage", &values))
    }

    /// When supply returns, as far as anybody knows.
    pub(super) fn return_of(&self, texts: &Texts, outage: &Outage) -> String {
        match outage.estimate {
            None => texts.say("outage-no-estimate", &[]),
            Some(estimate) if estimate.latest < self.now() => texts.say("outage-late", &[]),
            Some(estimate) => {
                let (earliest, latest) = (self.moment(estimate.earliest), self.moment(estimate.latest));
                texts.say("outage-return", &[("earliest", &earliest), ("latest", &latest)])
            }
        }
    }

    pub(super) async fn planned_outages(&self, asker: &Asker) -> Result<String, StoreError> {
        if let Some(text) = self.not_ours(asker) {
            return Ok(text);
        }
        let (texts, now) = (asker.texts(), self.now());
        let horizon = now.saturating_add(SignedDuration::from_hours(24 * DAYS)).unwrap_or(Timestamp::MAX);
        let query = OutageQuery {
            kind: Some(OutageKind::Planned),
            from_us: Some(now.as_microsecond()),
            until_us: Some(horizon.as_microsecond()),
        };
        let mut found = self.store.outages_at(&asker.sites(), &query).await?;
        found.retain(|outage| !is_over(outage, now) && !outage.is_cancelled());
        found.reverse();
        if found.is_empty() {
            return Ok(texts.say("planned-none", &[("code", asker.shown()), ("days", &DAYS.to_string())]));
        }
        let mut items: Vec<_> = found
            .iter()
            .take(MOST)
            .map(|outage| {
                let (from, cause) = (self.moment(outage.begins_at), cause(texts, outage));
                match outage.ended_at.or(outage.estimate.map(|estimate| estimate.latest)) {
                    Some(until) => {
                        let until = self.moment(until);
                        texts.say("planned-item", &[("from", &from), ("until", &until), ("cause", &cause)])
                    }
                    None => texts.say("planned-item-open", &[("from", &from), ("cause", &cause)]),
                }
            })
            .collect();
        if found.len() > MOST {
            items.push(texts.count("planned-more", found.len() - MOST, &[]));
        }
        Ok(texts.say("planned", &[("code", asker.shown()), ("list", &items.join("; "))]))
    }
}

/// Planned work whose time has passed is over, though nobody said so.
fn is_over(outage: &Outage, now: Timestamp) -> bool {
    outage.kind == OutageKind::Planned && outage.estimate.is_some_and(|estimate| estimate.latest <= now)
}

fn cause(texts: &Texts, outage: &Outage) -> String {
    texts.say(&format!("cause-{}", outage.cause), &[])
}
