use gridcare_domain::completeness::{Reach, reach};
use gridcare_proto::{convert::time, federation::v1 as wire};
use gridcare_store::gateway::Member;
use jiff::Timestamp;

/// Which of these members an answer given now covers.
pub(crate) fn completeness<'a>(members: impl IntoIterator<Item = &'a Member>, now: Timestamp) -> wire::Completeness {
    let regions: Vec<_> = members.into_iter().map(|member| region(member, now)).collect();
    let covered = regions.iter().filter(|region| region.status() == wire::ReachStatus::Ok).count();
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    wire::Completeness { expected: number(regions.len()), covered: number(covered), regions }
}

fn region(member: &Member, now: Timestamp) -> wire::RegionReach {
    let (reach, since) = reach(&member.link, now);
    let status = match reach {
        Reach::Ok => wire::ReachStatus::Ok,
        Reach::Stale => wire::ReachStatus::Stale,
        Reach::Timeout => wire::ReachStatus::Timeout,
        Reach::Unreachable => wire::ReachStatus::Unreachable,
        Reach::Denied => wire::ReachStatus::Denied,
        Reach::VersionSkew => wire::ReachStatus::VersionSkew,
    };
    wire::RegionReach {
        region: member.seat.region.clone(),
        node: member.seat.node.clone(),
        status: status.into(),
        as_of: member.link.seen_at.map(time::timestamp),
        since: since.map(time::timestamp),
        behind: member.behind(),
    }
}
