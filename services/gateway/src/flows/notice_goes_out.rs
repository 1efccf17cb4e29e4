//! A notice goes out: what is published at the gateway is durable for each member that it concerns, and each gets its
//! revisions in order until they expire.

mod deliver;

pub(crate) use deliver::Revisions;
use gridcare_domain::notice::{Notice, Revision, RevisionState};
use gridcare_proto::{
    convert::{notice::content_to_wire, time},
    notice::v1 as wire,
};
use gridcare_store::gateway::{PublishedRevision, Seat};
use prost::Message as _;

/// Topic of the bus: a revision was published.
pub(crate) const PUBLISHED: &str = "notices";

/// Codes of the regions to which a notice goes out as it is now; none: all. Whoever was told of it once is told what became of it,
/// also where that is for others alone.
pub(crate) fn regions_told(notice: &Notice) -> Vec<String> {
    let published = notice.revisions.iter().filter(|revision| revision.state == RevisionState::Published);
    let mut told: Vec<String> = Vec::new();
    for revision in published {
        let regions = &revision.content.audience.regions;
        if regions.is_empty() {
            return Vec::new();
        }
        told.extend(regions.iter().cloned());
    }
    told.sort_unstable();
    told.dedup();
    told
}

/// The members of these regions; all of them where none is named.
pub(crate) fn members_of<'a>(regions: &[String], seats: &'a [Seat]) -> Vec<&'a str> {
    let of = |seat: &&Seat| regions.is_empty() || regions.contains(&seat.region);
    seats.iter().filter(of).map(|seat| seat.node.as_str()).collect()
}

/// A revision as it goes out to these members, and to those of these regions that join later.
pub(crate) fn going_out<'a>(
    notice: &Notice,
    revision: &Revision,
    published_us: i64,
    regions: &'a [String],
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
        regions,
        landing: landing.encode_to_vec(),
        nodes,
    }
}
