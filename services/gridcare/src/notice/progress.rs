use std::collections::BTreeMap;

use clap::Args;
use gridcare_domain::{delivery::DeliveryState, notice::NoticeChannel};
use gridcare_proto::{
    convert::code,
    federation::v1::{
        ListNoticeTargetsRequest, ListNoticeTargetsResponse, NoticeTarget,
        national_notice_service_client::NationalNoticeServiceClient,
    },
    notice::v1 as wire,
};
use serde_json::json;
use tonic::Code;

use super::{Shown, failed, object, plan::share, service, table::table};
use crate::{
    connection::Connection,
    failure::Failure,
    status::{
        json as national,
        reach::{lines, moment},
        table::View,
    },
};

/// Show how far a notice has come: which members have it, how its messages stand, and which provinces were reached when.
#[derive(Debug, Args)]
pub(crate) struct Progress {
    /// The notice's id
    id: String,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    shown: Shown,
}

impl Progress {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let request = wire::GetNoticeProgressRequest { id: self.id.clone() };
        let answer = service(&self.connection)?.get_notice_progress(request).await;
        let progress = answer.map_err(|status| failed(&self.connection, "does not follow it", &status))?;
        let progress = progress.into_inner().progress;
        let targets = self.targets().await?;
        let objects = || {
            let targets = targets.as_ref().map(|answer| {
                let completeness = national::completeness(answer.completeness.as_ref());
                let targets: Vec<_> = answer.targets.iter().map(target_object).collect();
                json!({ "targets": targets, "completeness": completeness })
            });
            json!({ "progress": object::progress(&progress), "members": targets })
        };
        self.shown.print(|view| text(&progress, targets.as_ref(), view), objects)
    }

    /// Where it stands with members, if a gateway is asked about a notice of the nation.
    async fn targets(&self) -> Result<Option<ListNoticeTargetsResponse>, Failure> {
        let mut gateway = NationalNoticeServiceClient::new(self.connection.caller()?);
        let answer = gateway.list_notice_targets(ListNoticeTargetsRequest { id: self.id.clone() }).await;
        match answer {
            Ok(answer) => Ok(Some(answer.into_inner())),
            Err(status) if matches!(status.code(), Code::Unimplemented | Code::NotFound) => Ok(None),
            Err(status) => Err(failed(&self.connection, "does not say who has it", &status)),
        }
    }
}

fn state(target: &NoticeTarget) -> String {
    target.state().as_str_name().trim_start_matches("LANDING_STATE_").to_lowercase()
}

fn target_object(target: &NoticeTarget) -> serde_json::Value {
    let instant = |at: Option<&prost_types::Timestamp>| national::instant(at);
    json!({
        "region": target.region, "node": target.node, "revision": target.revision, "state": state(target),
        "since": instant(target.state_since.as_ref()), "attempts": target.attempts, "reason": target.reason,
        "unreachable_since": instant(target.unreachable_since.as_ref()),
    })
}

fn text(progress: &[wire::NoticeProgress], targets: Option<&ListNoticeTargetsResponse>, view: &View<'_>) -> String {
    let mut out = String::new();
    if let Some(answer) = targets {
        out.push_str(&members(&answer.targets, view));
        for line in lines(answer.completeness.as_ref(), view) {
            out.push_str(&line);
            out.push('\n');
        }
        out.push('\n');
    }
    out.push_str(&deliveries(progress, view));
    out.push_str(&reached(progress, view));
    out
}

fn members(targets: &[NoticeTarget], view: &View<'_>) -> String {
    let texts = view.texts;
    let heads = ["region", "node", "revision", "landing", "since"];
    let heads = heads.map(|head| texts.of(&format!("notice-head-{head}"))).to_vec();
    let row = |target: &NoticeTarget| {
        let mut said = texts.of(&format!("notice-landing-{}", state(target)));
        if !target.reason.is_empty() {
            said = format!("{said}: {}", target.reason);
        }
        let since = target.unreachable_since.as_ref();
        let since = match since {
            Some(since) => texts.with("notice-unreachable", &[("since", &moment(Some(since), view))]),
            None => moment(target.state_since.as_ref(), view),
        };
        vec![target.region.clone(), target.node.clone(), target.revision.to_string(), said, since]
    };
    table(heads, targets.iter().map(row).collect(), &[2])
}

fn deliveries(progress: &[wire::NoticeProgress], view: &View<'_>) -> String {
    let texts = view.texts;
    if progress.iter().all(|node| node.revisions.iter().all(|revision| revision.counts.is_empty())) {
        return format!("{}\n", texts.of("notice-no-deliveries"));
    }
    let states = DeliveryState::ALL;
    let first = ["region", "node", "revision", "channel"].map(|head| texts.of(&format!("notice-head-{head}")));
    let named = states.iter().map(|state| texts.of(&format!("notice-delivery-{state}")));
    let heads: Vec<_> = first.into_iter().chain(named).chain([texts.of("notice-head-told")]).collect();
    let mut rows = Vec::new();
    for node in progress {
        for revision in &node.revisions {
            let mut channels: BTreeMap<i32, BTreeMap<&str, i64>> = BTreeMap::new();
            for count in &revision.counts {
                *channels.entry(count.channel).or_default().entry(&count.state).or_default() += count.deliveries;
            }
            for (channel, counts) in channels {
                let name = code::notice_channel_from_wire(channel).map_or("–", NoticeChannel::code);
                let of = |state: DeliveryState| counts.get(state.code()).copied().unwrap_or(0);
                let taken = of(DeliveryState::Sent) + of(DeliveryState::Delivered);
                let mut row =
                    vec![node.region.clone(), node.node.clone(), revision.revision.to_string(), name.to_owned()];
                row.extend(states.iter().map(|state| texts.number(u64::try_from(of(*state)).unwrap_or(0))));
                row.push(share(taken, counts.values().sum()));
                rows.push(row);
            }
        }
    }
    let numbers: Vec<_> = std::iter::once(2).chain(4..heads.len()).collect();
    table(heads, rows, &numbers)
}

/// When each province was first reached, by which channel.
fn reached(progress: &[wire::NoticeProgress], view: &View<'_>) -> String {
    let mut provinces: BTreeMap<&str, [Option<&prost_types::Timestamp>; 2]> = BTreeMap::new();
    for first in progress.iter().flat_map(|node| &node.first) {
        let slot = match first.channel() {
            wire::NoticeChannel::Web => 0,
            wire::NoticeChannel::Sms => 1,
            _ => continue,
        };
        let known = &mut provinces.entry(&first.province).or_default()[slot];
        let earlier = |at: &prost_types::Timestamp| {
            first.at.as_ref().is_some_and(|new| (new.seconds, new.nanos) < (at.seconds, at.nanos))
        };
        if known.is_none_or(earlier) {
            *known = first.at.as_ref();
        }
    }
    if provinces.is_empty() {
        return String::new();
    }
    let heads = ["province", "web", "sms"].map(|head| view.texts.of(&format!("notice-head-{head}"))).to_vec();
    let at = |at: Option<&prost_types::Timestamp>| at.map_or_else(|| "–".to_owned(), |at| moment(Some(at), view));
    let rows = provinces.into_iter().map(|(province, [web, sms])| vec![province.to_owned(), at(web), at(sms)]);
    format!("\n{}", table(heads, rows.collect(), &[]))
}
