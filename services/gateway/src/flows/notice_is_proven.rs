//! A notice is proven: what is done with it, and what members tell of it, are entries of a chain that the gateway countersigns.

use std::collections::BTreeMap;

use gridcare_domain::{
    notice::{
        Act, Notice, NoticeChannel, NoticeText,
        proof::{Entry, Event, countersign, head, write},
    },
    standard::SecretKey,
};
use gridcare_proto::{
    convert::{code, time},
    federation::v1 as federation,
    notice::v1 as wire,
};
use gridcare_store::{
    StoreError,
    gateway::{GatewayStore, ProofEntry},
};
use jiff::Timestamp;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

fn entry(at_us: i64, event: Event, once: String, facts: &[(&str, String)]) -> ProofEntry {
    let facts: BTreeMap<_, _> = facts.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    ProofEntry { entry: Entry { at_us, event, facts }, once }
}

/// What stands for a text: the SHA-256 of its title, a line feed, and its body.
fn digest(title: &str, body: &str) -> String {
    format!("{:x}", Sha256::digest(format!("{title}\n{body}")))
}

/// What somebody has done to the revision of this number of a national notice, if it is proven.
pub(crate) fn of_act(notice: &Notice, act: Act, number: i64, now: Timestamp) -> Option<ProofEntry> {
    let revision = notice.revisions.iter().find(|revision| revision.number == number)?;
    let (number, once) = (("revision", revision.number.to_string()), format!("v{}", notice.version));
    let now_us = now.as_microsecond();
    Some(match act {
        Act::Submit => entry(now_us, Event::Submitted, once, &[number]),
        Act::Approve => entry(now_us, Event::Approved, once, &[number]),
        Act::Review => entry(now_us, Event::Reviewed, once, &[number]),
        Act::Publish => {
            let content = &revision.content;
            let text = |text: &NoticeText| digest(&text.title, &text.body);
            let regions = content.audience.regions.join("+");
            let facts = [
                number,
                ("kind", content.kind.code().to_owned()),
                ("phase", content.phase.code().to_owned()),
                ("urgency", content.urgency.code().to_owned()),
                ("regions", if regions.is_empty() { "all".to_owned() } else { regions }),
                ("vi", text(&content.vi)),
                ("en", text(&content.en)),
                ("expires", content.expires_at.to_string()),
                ("second_person", yes(revision.approver.is_some())),
            ];
            let at = revision.published_at.unwrap_or(now);
            entry(at.as_microsecond(), Event::Published, once, &facts)
        }
        Act::Edit | Act::Reject | Act::Withdraw => return None,
    })
}

fn yes(holds: bool) -> String {
    if holds { "yes" } else { "no" }.to_owned()
}

/// A member has taken a revision.
pub(crate) fn accepted(node: &str, revision: i64, at_us: i64) -> ProofEntry {
    let facts = [("node", node.to_owned()), ("revision", revision.to_string())];
    entry(at_us, Event::Accepted, format!("accepted/{node}/{revision}"), &facts)
}

/// What a member tells of its own notice. Its codes are known; `heard_us` is when the member wrote it down.
pub(crate) fn of_federated(notice: &federation::FederatedNotice, heard_us: i64) -> Vec<ProofEntry> {
    let mut found = Vec::new();
    for revision in &notice.revisions {
        let number = ("revision", revision.number.to_string());
        let text = |text: &Option<wire::NoticeText>| {
            text.as_ref().map_or_else(|| digest("", ""), |text| digest(&text.title, &text.body))
        };
        let (vi, en) = (text(&revision.vi), text(&revision.en));
        let at = |at: &Option<prost_types::Timestamp>| at.as_ref().and_then(time::instant);
        let word = |code: Option<&'static str>| code.unwrap_or("unknown").to_owned();
        // Another text under the same number is told by a rewritten history; both stay.
        let once = format!("published/{}/{vi}/{en}", revision.number);
        let facts = [
            number.clone(),
            (
                "kind",
                word(code::revision_kind_from_wire(revision.kind).map(gridcare_domain::notice::RevisionKind::code)),
            ),
            ("phase", word(code::phase_from_wire(revision.phase).map(gridcare_domain::notice::Phase::code))),
            ("urgency", word(code::urgency_from_wire(revision.urgency).map(gridcare_domain::notice::Urgency::code))),
            ("vi", vi),
            ("en", en),
            ("expires", at(&revision.expires_at).map_or_else(|| "-".to_owned(), |at| at.to_string())),
            ("second_person", yes(revision.approved)),
        ];
        let published_us = at(&revision.published_at).map_or(heard_us, Timestamp::as_microsecond);
        found.push(entry(published_us, Event::Published, once, &facts));
        if revision.reviewed {
            found.push(entry(heard_us, Event::Reviewed, format!("reviewed/{}", revision.number), &[number]));
        }
    }
    found
}

/// Where a notice has first come to, as a member tells it.
pub(crate) fn of_progress(node: &str, progress: &federation::FederatedNoticeProgress) -> Vec<ProofEntry> {
    let reached = |first: &wire::FirstReached| {
        let event = match code::notice_channel_from_wire(first.channel)? {
            NoticeChannel::Sms => Event::FirstSms,
            NoticeChannel::Web => Event::FirstFetch,
            _ => return None,
        };
        let at_us = first.at.as_ref().and_then(time::instant)?.as_microsecond();
        let facts = [("node", node.to_owned()), ("province", first.province.clone())];
        Some(entry(at_us, event, format!("{event}/{node}/{}", first.province), &facts))
    };
    progress.first.iter().filter_map(reached).collect()
}

/// How many deliveries stand how, as a member told it last.
fn counted(node: &str, progress: &federation::FederatedNoticeProgress, now_us: i64) -> Vec<ProofEntry> {
    let mut found = Vec::new();
    for revision in &progress.revisions {
        let mut channels: BTreeMap<i32, BTreeMap<&str, i64>> = BTreeMap::new();
        for count in revision.counts.iter().filter(|count| count.deliveries > 0) {
            *channels.entry(count.channel).or_default().entry(&count.state).or_default() += count.deliveries;
        }
        for (channel, states) in channels {
            let channel = code::notice_channel_from_wire(channel).map_or("unknown", |channel| channel.code());
            let mut facts = vec![
                ("node", node.to_owned()),
                ("revision", revision.revision.to_string()),
                ("channel", channel.to_owned()),
            ];
            facts.extend(states.iter().map(|(state, deliveries)| (*state, deliveries.to_string())));
            let once = format!("counted/{node}/{}/{channel}/{}", revision.revision, progress.version);
            found.push(entry(now_us, Event::Counted, once, &facts));
        }
    }
    found
}

/// The proof of a notice of the nation or of a member, countersigned now; none when there is no such notice. How deliveries
/// stand is counted when it is asked for, and is in the chain once.
pub(crate) async fn prove(
    store: &GatewayStore,
    key: &SecretKey,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let owner = match store.national_notice(id).await? {
        Some(_) => None,
        None => match store.regional_notice(id).await? {
            Some(notice) => Some(notice.node),
            None => return Ok(None),
        },
    };
    let mut entries = Vec::new();
    for told in store.notice_progress(id).await? {
        if owner.as_ref().is_none_or(|owner| *owner == told.node) {
            let corrupt = |what: String| StoreError::Corrupt { table: "notice_progress", what };
            let progress = federation::FederatedNoticeProgress::decode(told.told.state.as_slice());
            let progress = progress.map_err(|error| corrupt(error.to_string()))?;
            entries.extend(counted(&told.node, &progress, now.as_microsecond()));
        }
    }
    store.prove(owner.as_deref(), id, &entries).await?;
    let entries = store.proof(owner.as_deref(), id).await?;
    Ok(Some(write(id, &entries, &countersign(key, &head(id, &entries), now))))
}
