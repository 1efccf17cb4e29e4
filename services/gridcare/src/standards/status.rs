//! Which member has which standard, as a table and for programs.

use clap::Args;
use gridcare_chassis::clock::{Clock as _, SystemClock};
use gridcare_proto::{
    federation::v1::StandardStatus,
    standard::v1::{
        GetStandardStatusRequest, GetStandardStatusResponse, MemberStandard, MemberTarget, TargetState,
        national_standard_service_client::NationalStandardServiceClient,
    },
};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use crate::{
    connection::Connection,
    failure::Failure,
    output,
    status::{
        json as national, pad,
        reach::{lines, moment},
        table::View,
        texts::{Lang, Texts},
    },
    time,
};

/// Show which member has a published standard, which refused it and why, and what each of them applies.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  gridcare standards status evn-2013.2 --address http://127.0.0.1:7400 --lang vi")]
pub(crate) struct Status {
    /// Such as evn-2013.2; the newest published one when absent
    #[arg(value_name = "VERSION")]
    version: Option<String>,
    #[command(flatten)]
    connection: Connection,
    /// IANA zone of the times
    #[arg(long, value_name = "ZONE", default_value = "Asia/Ho_Chi_Minh")]
    time_zone: String,
    /// Language of the table
    #[arg(long, value_enum, default_value_t = Lang::En, env = "GRIDCARE_LANG")]
    lang: Lang,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let zone = time::zone(&self.time_zone)?;
        let mut gateway = NationalStandardServiceClient::new(self.connection.caller()?);
        let request = GetStandardStatusRequest { version: self.version.unwrap_or_default() };
        let status = gateway.get_standard_status(request).await.map_err(|status| {
            Failure::answered(format!("the gateway at {} did not answer", self.connection.address), &status)
        })?;
        let status = status.into_inner();
        if self.json {
            return Ok(output::line(object(&status))?);
        }
        let texts = Texts::new(self.lang);
        let view = View { texts: &texts, zone: &zone, now: SystemClock.now(), width: output::width() };
        Ok(output::raw(table(&status, &view))?)
    }
}

/// One line a member, and below how complete that is.
fn table(status: &GetStandardStatusResponse, view: &View<'_>) -> String {
    let texts = view.texts;
    let mut told = vec![title(status, view), String::new()];
    let heads = ["region", "standard-sent", "standard-in-force", "standard-since"].map(|id| texts.of(id)).to_vec();
    let row = |member: &MemberStandard| {
        let target = status.targets.iter().find(|target| target.node == member.node);
        let (version, since) = if member.version.is_empty() {
            (texts.of("standard-unknown"), String::new())
        } else {
            (member.version.clone(), moment(member.since.as_ref(), view))
        };
        let name = texts.with("of-region", &[("region", &member.region), ("node", &member.node)]);
        vec![name, target.map_or_else(|| texts.of("standard-not-sent"), |target| state(target, view)), version, since]
    };
    let rows: Vec<Vec<String>> = std::iter::once(heads).chain(status.in_force.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths: Vec<_> = (0..4).map(width).collect();
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| pad(cell, *width, false)).collect();
        told.push(cells.join("  ").trim_end().to_owned());
        if at == 0 {
            told.push("─".repeat(widths.iter().sum::<usize>() + 6));
        }
    }
    told.push(String::new());
    told.extend(lines(status.completeness.as_ref(), view));
    told.iter().map(String::as_str).flat_map(|line| [line, "\n"]).collect()
}

fn title(status: &GetStandardStatusResponse, view: &View<'_>) -> String {
    let Some(standard) = &status.standard else { return view.texts.of("standard-none") };
    let (published, effective) =
        (moment(standard.published_at.as_ref(), view), moment(standard.effective_at.as_ref(), view));
    let values = [
        ("version", standard.version.as_str()),
        ("published", &published),
        ("effective", &effective),
        ("key", &standard.key_id),
    ];
    view.texts.with("standard-title", &values)
}

/// Where the standard stands with a member, in words.
fn state(target: &MemberTarget, view: &View<'_>) -> String {
    let texts = view.texts;
    let said = match target.state() {
        TargetState::Waiting | TargetState::Unspecified => texts.of("standard-waiting"),
        TargetState::Sent => texts.of("standard-unanswered"),
        TargetState::Acknowledged => {
            // The feed is newer than the answer, once it has spoken.
            let answered = target.answer.as_ref().map(gridcare_proto::standard::v1::Standard::status);
            let status = target.told.as_ref().map(gridcare_proto::federation::v1::StandardAcknowledgement::status);
            texts.of(match status.or(answered) {
                Some(StandardStatus::Pending) => "standard-pending",
                Some(StandardStatus::Superseded) => "standard-superseded",
                _ => "standard-acknowledged",
            })
        }
        TargetState::Refused => texts.with("standard-refused", &[("reasons", &reasons(target).join(", "))]),
    };
    let mut remarks: Vec<_> =
        target.answer.iter().flat_map(|answer| &answer.findings).map(|f| f.code.as_str()).collect();
    remarks.dedup();
    // Of what is refused the reasons say enough.
    let said = if remarks.is_empty() || target.state() == TargetState::Refused {
        said
    } else {
        texts.with("standard-remarks", &[("state", said.as_str()), ("codes", &remarks.join(", "))])
    };
    match &target.unreachable_since {
        Some(since) => {
            let since = moment(Some(since), view);
            texts.with("standard-unreachable", &[("state", said.as_str()), ("since", since.as_str())])
        }
        None => said,
    }
}

fn reasons(target: &MemberTarget) -> Vec<&str> {
    target.answer.iter().flat_map(|answer| &answer.reasons).map(|reason| reason.reason.as_str()).collect()
}

fn object(status: &GetStandardStatusResponse) -> Value {
    let instant = |at: Option<&prost_types::Timestamp>| national::instant(at);
    let word = |name: &str, prefix: &str| name.trim_start_matches(prefix).to_owned();
    let told = |status: StandardStatus| word(status.as_str_name(), "STANDARD_STATUS_");
    let target = |target: &MemberTarget| {
        let reason =
            |r: &gridcare_proto::standard::v1::RefusalReason| json!({ "reason": r.reason, "message": r.message });
        let reasons: Vec<_> = target.answer.iter().flat_map(|answer| &answer.reasons).map(reason).collect();
        let finding = |f: &gridcare_proto::standard::v1::Finding| json!({ "code": f.code, "message": f.message });
        let findings: Vec<_> = target.answer.iter().flat_map(|answer| &answer.findings).map(finding).collect();
        json!({
            "region": target.region, "node": target.node, "state": word(target.state().as_str_name(), "TARGET_STATE_"),
            "since": instant(target.state_since.as_ref()), "attempts": target.attempts, "reasons": reasons,
            "findings": findings,
            "unreachable_since": instant(target.unreachable_since.as_ref()),
            "told": target.told.as_ref().map(|said| told(said.status())),
        })
    };
    let member = |member: &MemberStandard| {
        json!({
            "region": member.region, "node": member.node, "version": member.version, "digest": member.digest,
            "since": instant(member.since.as_ref()), "as_of": instant(member.as_of.as_ref()),
        })
    };
    let standard = status.standard.as_ref().map(|standard| {
        json!({
            "version": standard.version, "digest": standard.digest, "key": standard.key_id,
            "published_at": instant(standard.published_at.as_ref()), "effective_at": instant(standard.effective_at.as_ref()),
        })
    });
    json!({
        "standard": standard,
        "targets": status.targets.iter().map(target).collect::<Vec<_>>(),
        "in_force": status.in_force.iter().map(member).collect::<Vec<_>>(),
        "completeness": national::completeness(status.completeness.as_ref()),
    })
}

#[cfg(test)]
mod tests {
    use gridcare_proto::{
        federation::v1::{Completeness, StandardAcknowledgement},
        standard::v1::{Finding, PublishedStandard, RefusalReason, Standard},
    };
    use jiff::tz::TimeZone;

    use super::*;

    /// The north refused it, the centre is away, the south waits for its day.
    fn country() -> GetStandardStatusResponse {
        let at = |second: i64| Some(prost_types::Timestamp { seconds: 1_369_180_800 + second, nanos: 0 });
        let target = |region: &str, state: TargetState| MemberTarget {
            region: region.into(),
            node: format!("{}-1", region.to_lowercase()),
            state: state.into(),
            state_since: at(0),
            ..Default::default()
        };
        let reason = RefusalReason { reason: "WIDER_EXPORT".into(), message: "province would leave".into() };
        let remark =
            Finding { code: "OTHER_THRESHOLD".into(), message: "counted by 20 s".into(), ..Default::default() };
        let pending = StandardAcknowledgement { status: StandardStatus::Pending.into(), ..Default::default() };
        let targets = vec![
            MemberTarget {
                answer: Some(Standard { reasons: vec![reason], ..Default::default() }),
                ..target("NPC", TargetState::Refused)
            },
            MemberTarget { unreachable_since: at(60), attempts: 3, ..target("CPC", TargetState::Waiting) },
            MemberTarget {
                answer: Some(Standard { findings: vec![remark], ..Default::default() }),
                told: Some(pending),
                ..target("SPC", TargetState::Acknowledged)
            },
        ];
        let member = |region: &str, version: &str| MemberStandard {
            region: region.into(),
            node: format!("{}-1", region.to_lowercase()),
            version: version.into(),
            since: at(-3_600),
            as_of: at(90),
            ..Default::default()
        };
        GetStandardStatusResponse {
            standard: Some(PublishedStandard {
                version: "evn-2013.2".into(),
                key_id: "0123456789abcdef".into(),
                published_at: at(0),
                effective_at: at(86_400),
                ..Default::default()
            }),
            targets,
            in_force: vec![member("NPC", "evn-2013.1"), member("CPC", ""), member("SPC", "evn-2013.1")],
            completeness: Some(Completeness { expected: 3, covered: 2, regions: Vec::new() }),
        }
    }

    fn shown(lang: Lang) -> String {
        let (texts, zone) = (Texts::new(lang), TimeZone::fixed(jiff::tz::offset(7)));
        let now = jiff::Timestamp::from_second(1_369_180_900).unwrap();
        table(&country(), &View { texts: &texts, zone: &zone, now, width: 200 })
    }

    #[test]
    fn the_table_says_who_has_it_who_refused_it_and_who_is_away() {
        assert_eq!(
            shown(Lang::En),
            "\
Standard evn-2013.2, published 07:00:00, in force from 2013-05-23 07:00:00, signed by 0123456789abcdef

Region       This standard                                           In force    Since
─────────────────────────────────────────────────────────────────────────────────────────
NPC (npc-1)  refused: WIDER_EXPORT                                   evn-2013.1  06:00:00
CPC (cpc-1)  to be sent; unreachable since 07:01:00                  unknown
SPC (spc-1)  accepted, waits for its time; remarks: OTHER_THRESHOLD  evn-2013.1  06:00:00

Completeness: 2 of 3 regions covered
"
        );
        let vi = shown(Lang::Vi);
        for text in [
            "từ chối: WIDER_EXPORT",
            "mất liên lạc từ 07:01:00",
            "đã nhận, chờ đến ngày hiệu lực; lưu ý",
            "Đang áp dụng",
        ] {
            assert!(vi.contains(text), "{text} in\n{vi}");
        }
    }

    #[test]
    fn programs_get_the_same_as_one_object() {
        let object = object(&country());
        assert_eq!(object["targets"][0]["state"], "REFUSED");
        assert_eq!(object["targets"][0]["reasons"][0]["reason"], "WIDER_EXPORT");
        assert_eq!(object["targets"][1]["unreachable_since"], "2013-05-22T00:01:00Z");
        assert_eq!(object["targets"][2]["told"], "PENDING");
        assert_eq!(object["targets"][2]["findings"][0]["code"], "OTHER_THRESHOLD");
        assert_eq!(object["in_force"][1]["version"], "");
        assert_eq!(object["completeness"]["covered"], 2);
    }
}
