//! A notice goes out: what is published at the gateway is durable for each member that it concerns, and each gets its
//! revisions in order until they expire.

mod deliver;

pub(crate) use deliver::Revisions;
use gridcare_domain::notice::{Notice, Revision};
use gridcare_proto::{
    convert::{notice::content_to_wire, time},
    notice::v1 as wire,
};
use gridcare_store::gateway::{PublishedRevision, Seat};
use prost::Message as _;

/// Topic of the bus: a revision was published.
pub(crate) const PUBLISHED: &str = "notices";

/// The members that a revision concerns.
pub(crate) fn concerned<'a>(revision: &Revision, seats: &'a [Seat]) -> Vec<&'a str> {
    let audience = &revision.content.audience;
    seats.iter().filter(|seat| audience.concerns_region(&seat.region)).map(|seat| seat.node.as_str()).collect()
}

/// A revision as it goes out to these members.
pub(crate) fn going_out<'a>(
    notice: &Notice,
    revision: &'a Revision,
    published_us: i64,
    nodes: &'a [&'a str],
) -> PublishedRevision<'a> {
    let landing = wire::LandNoticeRequest {
        // Given with each attempt.
        request_id: String::new(),
        id: notice.id.to_string(),
        incident: notice.incident.clone(),
        revision: revision.number,
        content: Some(content_to_wire(&revision.content)),
        published_at: Some(time::micros(published_us)),
        follows: 0,
    };
    PublishedRevision {
        number: revision.number,
        published_us,
        expires_us: revision.content.expires_at.as_microsecond(),
        regions: &revision.content.audience.regions,
        landing: landing.encode_to_vec(),
        nodes,
    }
}
