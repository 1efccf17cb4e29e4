//! What everybody may know of outages, for maps and for other systems.

use gridcare_chassis::serve::Document;
use gridcare_domain::outage::{ENDED_STAYS, PLANNED_AHEAD, PublicOutage, geojson, odin};
use gridcare_store::{StoreError, outage::OutageQuery};
use jiff::Timestamp;
use uuid::Uuid;

use crate::Node;

/// Outages that are read at once.
const PAGE: usize = 1_000;
/// Most outages of one document.
const MOST: usize = 10_000;

impl Node {
    /// Outages that last, ended within a day, or are planned within the month, the latest beginning first; and whether there
    /// are more than fit into one document.
    async fn public_outages(&self, now: Timestamp) -> Result<(Vec<PublicOutage>, bool), StoreError> {
        let us = |at: Result<Timestamp, jiff::Error>| at.ok().map(Timestamp::as_microsecond);
        let query = OutageQuery {
            kind: None,
            from_us: us(now.checked_sub(ENDED_STAYS)),
            until_us: us(now.checked_add(PLANNED_AHEAD)),
        };
        let (mut found, mut after): (Vec<PublicOutage>, Option<(i64, Uuid)>) = (Vec::new(), None);
        loop {
            let page = self.store.outages(&query, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok((found, false)) };
            after = Some((last.begins_at.as_microsecond(), last.id));
            found.extend(page.iter().map(|outage| PublicOutage::of(outage, &self.id, &self.region, now)));
            if found.len() > MOST {
                found.truncate(MOST);
                return Ok((found, true));
            }
        }
    }

    /// Outages as GeoJSON.
    pub(crate) async fn outages_for_maps(&self) -> Result<Document, StoreError> {
        let now = self.now();
        let (outages, cut) = self.public_outages(now).await?;
        let about = geojson::About { cut, completeness: None };
        let body = geojson::collection(&outages, about, now, &self.zone).json();
        Ok(Document::new("application/geo+json", body))
    }

    /// Outages as other systems of the industry read them.
    pub(crate) async fn outages_for_industry(&self, form: odin::Form) -> Result<Document, StoreError> {
        let now = self.now();
        let (outages, _) = self.public_outages(now).await?;
        let value = odin::document(&outages, form, now, &self.zone);
        Ok(match form {
            odin::Form::Json => Document::new("application/json", value.json()),
            odin::Form::Xml => {
                Document::new("application/xml; charset=utf-8", value.xml(odin::ROOT, &[("xmlns", odin::NAMESPACE)]))
            }
        })
    }
}
