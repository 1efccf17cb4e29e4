//! What everybody may know of the outages of all members, and which regions that covers.

use gridcare_chassis::serve::Document;
use gridcare_domain::{
    completeness::{Reach, reach},
    document::{Value, local},
    outage::{ENDED_STAYS, PLANNED_AHEAD, PublicOutage, geojson, odin},
};
use gridcare_proto::{convert::outage::public_from_wire, federation::v1 as wire};
use gridcare_store::{
    StoreError,
    gateway::{Member, NationalOutageQuery},
};
use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;

use crate::grpc::Parts;

/// Outages that are read at once.
const PAGE: usize = 1_000;
/// Most outages of one document.
const MOST: usize = 10_000;

/// What documents are made of: how far each member's feed has come here, and whether it can be trusted to be current.
pub(crate) type Version = Vec<(String, Uuid, i64, &'static str)>;

const fn word(reach: Reach) -> &'static str {
    match reach {
        Reach::Ok => "OK",
        Reach::Stale => "STALE",
        Reach::Timeout => "TIMEOUT",
        Reach::Unreachable => "UNREACHABLE",
        Reach::Denied => "DENIED",
        Reach::VersionSkew => "VERSION_SKEW",
    }
}

/// Which regions a document covers. It names no time for those that are current, so that it stays the same while nothing
/// happens: they were heard of within 15 s.
fn completeness(members: &[Member], now: Timestamp, parts: &Parts) -> Value {
    let time = |at: Timestamp| Value::text(local(at, &parts.country.zone));
    let region = |member: &Member| {
        let (reach, since) = reach(&member.link, now);
        let as_of = member.link.seen_at.filter(|_| reach != Reach::Ok);
        Value::Object(vec![
            ("region", Value::text(&member.seat.region)),
            ("node", Value::text(&member.seat.node)),
            ("status", Value::text(word(reach))),
            ("since", Value::or_none(since, time)),
            ("as_of", Value::or_none(as_of, time)),
        ])
    };
    let covered = members.iter().filter(|member| reach(&member.link, now).0 == Reach::Ok).count();
    let number = |count: usize| Value::Number(i64::try_from(count).unwrap_or(i64::MAX));
    Value::Object(vec![
        ("expected", number(members.len())),
        ("covered", number(covered)),
        ("regions", Value::List("region", members.iter().map(region).collect())),
    ])
}

impl Parts {
    /// How far the country is known.
    pub(crate) async fn known(&self) -> Result<Version, StoreError> {
        let now = self.clock.now();
        let one = |member: Member| {
            let reach = word(reach(&member.link, now).0);
            (member.seat.node, member.cursor.incarnation, member.cursor.position, reach)
        };
        Ok(self.members(now).await?.into_iter().map(one).collect())
    }

    /// Outages that last, ended within a day, or are planned within the month; and whether there are more.
    async fn public_outages(
        &self,
        members: &[Member],
        now: Timestamp,
    ) -> Result<(Vec<PublicOutage>, bool), StoreError> {
        let us = |at: Result<Timestamp, jiff::Error>| at.ok().map(Timestamp::as_microsecond);
        let query = NationalOutageQuery {
            nodes: members.iter().map(|member| member.seat.node.clone()).collect(),
            kind: None,
            from_us: us(now.checked_sub(ENDED_STAYS)),
            until_us: us(now.checked_add(PLANNED_AHEAD)),
        };
        let (mut found, mut after): (Vec<PublicOutage>, Option<(i64, Uuid)>) = (Vec::new(), None);
        // A list of no nodes would be one of all.
        while !query.nodes.is_empty() {
            let page = self.store.national_outages(&query, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.outage.begins_us, last.outage.id));
            for national in &page {
                let seat = members.iter().map(|member| &member.seat).find(|seat| seat.node == national.node);
                let region = seat.map_or("", |seat| seat.region.as_str());
                let read = wire::FederatedOutage::decode(national.outage.state.as_slice()).ok();
                if let Some(Ok(outage)) =
                    read.as_ref().map(|outage| public_from_wire(outage, &national.node, region, now))
                {
                    found.push(outage);
                } else {
                    tracing::warn!(node = national.node, outage = %national.outage.id, "an outage cannot be read");
                }
            }
            if found.len() > MOST {
                found.truncate(MOST);
                return Ok((found, true));
            }
        }
        Ok((found, false))
    }

    /// Outages as GeoJSON.
    pub(crate) async fn outages_for_maps(&self) -> Result<Document, StoreError> {
        let now = self.clock.now();
        let members = self.members(now).await?;
        let (outages, cut) = self.public_outages(&members, now).await?;
        let about = geojson::About { cut, completeness: Some(completeness(&members, now, self)) };
        let body = geojson::collection(&outages, about, now, &self.country.zone).json();
        Ok(Document::new("application/geo+json", body))
    }

    /// Outages as other systems of the industry read them.
    pub(crate) async fn outages_for_industry(&self, form: odin::Form) -> Result<Document, StoreError> {
        let now = self.clock.now();
        let members = self.members(now).await?;
        let (outages, _) = self.public_outages(&members, now).await?;
        let mut value = odin::document(&outages, form, now, &self.country.zone);
        if let Value::Object(fields) = &mut value {
            fields.push(("completeness", completeness(&members, now, self)));
        }
        Ok(match form {
            odin::Form::Json => Document::new("application/json", value.json()),
            odin::Form::Xml => {
                Document::new("application/xml; charset=utf-8", value.xml(odin::ROOT, &[("xmlns", odin::NAMESPACE)]))
            }
        })
    }
}
