//! Members' notices and how far notices have come. A notice's texts are public, and are all that is free text here; everything
//! else is a code, a number or a time.

use gridcare_domain::{
    delivery::DeliveryState,
    notice::{NoticeChannel, TEXT_LIMIT, TITLE_LIMIT},
};
use gridcare_proto::{
    convert::{code, time},
    federation::v1 as wire,
    notice::v1 as notice,
};
use gridcare_store::gateway::{FederatedNotice, NoticeProgress};
use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;

use super::{id, word};
use crate::flows::notice_is_proven::{of_federated, of_progress};

/// Revisions of one notice at most.
const REVISIONS: usize = 1_000;
/// Places, counts or provinces of one revision at most.
const FACTS: usize = 1_000;
/// Minutes of one revision at most: it is told for 30 days.
const MINUTES: usize = 31 * 1_440;

pub(super) fn notice_from_wire(
    told: &wire::FederatedNotice,
    committed_us: Option<i64>,
) -> Result<FederatedNotice, String> {
    let missing = |what: &str| format!("a notice has no {what}");
    let incident = told.incident.as_str();
    if !(1..=64).contains(&incident.len()) || !incident.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(missing("incident of 1 to 64 visible characters"));
    }
    id("outage_id", &told.outage_id)?;
    if told.revisions.is_empty() || told.revisions.len() > REVISIONS {
        return Err(missing("1 to 1000 revisions"));
    }
    let mut before = 0;
    for revision in &told.revisions {
        if revision.number <= before {
            return Err("revisions are not in the order of their numbers".to_owned());
        }
        before = revision.number;
        check_revision(revision)?;
    }
    let at = |at: &Option<prost_types::Timestamp>| at.as_ref().and_then(time::instant).map(Timestamp::as_microsecond);
    let (first, last) = (told.revisions.first(), told.revisions.last());
    let published_us = first.and_then(|first| at(&first.published_at)).ok_or_else(|| missing("published_at"))?;
    Ok(FederatedNotice {
        id: Uuid::parse_str(&told.id).map_err(|_| missing("valid id"))?,
        version: i64::try_from(told.version).map_err(|_| missing("version below 2^63"))?,
        incident: incident.to_owned(),
        published_us,
        expires_us: last.and_then(|last| at(&last.expires_at)).ok_or_else(|| missing("expires_at"))?,
        entries: of_federated(told, committed_us.unwrap_or(published_us)),
        state: told.encode_to_vec(),
    })
}

fn check_revision(revision: &wire::FederatedRevision) -> Result<(), String> {
    let missing = |what: &str| format!("revision {} has no {what}", revision.number);
    let known = |number: &i32| code::notice_channel_from_wire(*number).is_some();
    code::revision_kind_from_wire(revision.kind).ok_or_else(|| missing("known kind"))?;
    code::phase_from_wire(revision.phase).ok_or_else(|| missing("known phase"))?;
    code::urgency_from_wire(revision.urgency).ok_or_else(|| missing("known urgency"))?;
    if revision.channels.len() > NoticeChannel::ALL.len() || !revision.channels.iter().all(known) {
        return Err(missing("list of known channels"));
    }
    for (field, at) in [("published_at", &revision.published_at), ("expires_at", &revision.expires_at)] {
        at.as_ref().and_then(time::instant).ok_or_else(|| missing(field))?;
    }
    for text in [&revision.vi, &revision.en] {
        let text = text.as_ref().ok_or_else(|| missing("text in both languages"))?;
        for (text, most) in [(&text.title, TITLE_LIMIT), (&text.body, TEXT_LIMIT)] {
            if text.trim().is_empty() || text.chars().count() > most || text.contains('\0') {
                return Err(missing("text of the length that notices have"));
            }
        }
    }
    let audience = revision.audience.as_ref();
    let places = audience.map(|audience| audience.places.as_slice()).unwrap_or_default();
    if places.len() > FACTS || audience.is_some_and(|audience| audience.named_customers < 0) {
        return Err(missing("sound audience"));
    }
    for place in places {
        for (field, text) in [("province", &place.province), ("area_code", &place.area_code), ("feeder", &place.feeder)]
        {
            word(field, text)?;
        }
    }
    Ok(())
}

pub(super) fn progress_from_wire(node: &str, told: &wire::FederatedNoticeProgress) -> Result<NoticeProgress, String> {
    let missing = |what: &str| format!("a notice's progress has no {what}");
    if told.revisions.len() > REVISIONS || told.first.len() > FACTS {
        return Err(missing("bounded lists"));
    }
    for revision in &told.revisions {
        let counts = revision.counts.iter().all(|count| {
            DeliveryState::parse(&count.state).is_some()
                && code::notice_channel_from_wire(count.channel).is_some()
                && count.deliveries >= 0
        });
        let minutes = |minute: &notice::MinuteCount| minute.minute.is_some() && minute.accepted >= 0;
        if revision.counts.len() > FACTS || revision.accepted.len() > MINUTES || !counts {
            return Err(missing("counts of known channels and states"));
        }
        let predicted = revision.predicted_recipients >= 0 && revision.predicted_within_30_minutes >= 0;
        if !predicted || revision.revision < 1 || !revision.accepted.iter().all(minutes) {
            return Err(missing("sound numbers"));
        }
    }
    for first in &told.first {
        word("province", &first.province)?;
        code::notice_channel_from_wire(first.channel).ok_or_else(|| missing("known channel"))?;
        first.at.as_ref().and_then(time::instant).ok_or_else(|| missing("time of first reaching a province"))?;
    }
    Ok(NoticeProgress {
        notice_id: Uuid::parse_str(&told.notice_id).map_err(|_| missing("valid notice_id"))?,
        version: i64::try_from(told.version).map_err(|_| missing("version below 2^63"))?,
        entries: of_progress(node, told),
        state: told.encode_to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(number: i64) -> wire::FederatedRevision {
        let text = Some(notice::NoticeText { title: "Mất điện".into(), body: "22 tỉnh".into() });
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        wire::FederatedRevision {
            number,
            kind: 1,
            phase: 1,
            urgency: 1,
            channels: vec![1, 2],
            vi: text.clone(),
            en: text,
            published_at: at(number),
            expires_at: at(3_600 + number),
            ..Default::default()
        }
    }

    fn told() -> wire::FederatedNotice {
        wire::FederatedNotice {
            id: Uuid::from_u128(7).to_string(),
            version: 2,
            incident: "500kV".into(),
            outage_id: String::new(),
            revisions: vec![revision(1), revision(3)],
        }
    }

    #[test]
    fn what_a_member_tells_is_kept_with_its_times_and_its_proof() {
        let kept = notice_from_wire(&told(), Some(9)).unwrap();
        assert_eq!((kept.published_us, kept.expires_us), (1_000_000, 3_603_000_000));
        assert_eq!(kept.entries.len(), 2);
    }

    #[test]
    fn what_is_no_notice_is_not_kept() {
        let spoil: [fn(&mut wire::FederatedNotice); 8] = [
            |told| told.id.clear(),
            |told| told.incident = "a b".into(),
            |told| told.outage_id = "Lan".into(),
            |told| told.revisions.clear(),
            |told| told.revisions.reverse(),
            |told| told.revisions[0].kind = 99,
            |told| told.revisions[0].vi = None,
            |told| {
                let place = wire::FederatedNoticePlace { feeder: "of Mr Nam".into(), ..Default::default() };
                let audience = wire::FederatedAudience { places: vec![place], named_customers: 0 };
                told.revisions[0].audience = Some(audience);
            },
        ];
        for (i, spoil) in spoil.iter().enumerate() {
            let mut told = told();
            spoil(&mut told);
            assert!(notice_from_wire(&told, None).is_err(), "{i}");
        }
    }

    #[test]
    fn progress_is_codes_and_numbers() {
        let count = |state: &str| notice::DeliveryCount { channel: 2, state: state.into(), deliveries: 5 };
        let progress = |state: &str| wire::FederatedNoticeProgress {
            notice_id: Uuid::from_u128(7).to_string(),
            version: 1,
            revisions: vec![notice::RevisionProgress { revision: 1, counts: vec![count(state)], ..Default::default() }],
            first: vec![notice::FirstReached {
                province: "VN-57".into(),
                channel: 2,
                at: Some(prost_types::Timestamp { seconds: 5, nanos: 0 }),
            }],
        };
        let kept = progress_from_wire("n1", &progress("sent")).unwrap();
        assert_eq!(kept.entries[0].once, "first_sms/n1/VN-57");
        assert!(progress_from_wire("n1", &progress("to Mr Nam")).is_err());
    }
}
