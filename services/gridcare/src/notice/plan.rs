use std::fmt::Write as _;

use clap::Args;
use gridcare_chassis::clock::{Clock as _, SystemClock};
use gridcare_proto::{notice::v1 as wire, ticket::v1::Language};

use super::{Shown, content::Content, failed, get, newest, object, service, table::table};
use crate::{
    connection::Connection,
    failure::Failure,
    status::{reach::moment, table::View},
};

/// Show what sending a notice by SMS will take: parts, waves, how long, and whom 30 minutes reach; and what it lacks by the
/// standard.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is written or sent. At a gateway the members of the audience are asked, and those that do not answer are named. Of a notice
that is written, whom other notices about its incident reach in the same phase is left out: nobody is told twice.

A standard says by what a notice is told, when it says that supply is lost and back, and how soon the first about an outage is out.
A notice that is written knows its outage; with a content of its own, give it. Whether place and reason are said, people judge.

Examples:
  gridcare notice plan 018f…
  gridcare notice plan --file notice.yaml --diacritics
  gridcare notice plan --file notice.yaml --outage 018e…")]
pub(crate) struct Plan {
    /// The notice whose newest revision is planned; absent with a content of its own
    #[arg(conflicts_with_all = ["file", "template"], required_unless_present_any = ["file", "template"])]
    id: Option<String>,
    /// The outage of this node that a content of its own is about
    #[arg(long, value_name = "ID", conflicts_with = "id")]
    outage: Option<String>,
    #[command(flatten)]
    content: Content,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    shown: Shown,
}

impl Plan {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let request = if let Some(id) = &self.id {
            asked(&get(&self.connection, id).await?)?
        } else {
            let content = Some(self.content.read(&self.connection, SystemClock.now()).await?);
            wire::PlanNoticeRequest { content, outage_id: self.outage.unwrap_or_default(), ..Default::default() }
        };
        let plan = ask(&self.connection, request).await?;
        self.shown.print(|view| text(&plan, view), || object::plan(&plan))
    }
}

/// What is asked about the newest revision of a notice.
pub(super) fn asked(notice: &wire::Notice) -> Result<wire::PlanNoticeRequest, Failure> {
    Ok(wire::PlanNoticeRequest {
        content: newest(notice)?.content.clone(),
        incident: notice.incident.clone(),
        notice_id: notice.id.clone(),
        // The notice's own is taken.
        outage_id: String::new(),
    })
}

/// The plan that is asked for.
pub(super) async fn ask(
    connection: &Connection,
    request: wire::PlanNoticeRequest,
) -> Result<wire::PlanNoticeResponse, Failure> {
    let answer = service(connection)?.plan_notice(request).await;
    Ok(answer.map_err(|status| failed(connection, "does not plan it", &status))?.into_inner())
}

/// The language of a group, as a code.
pub(super) fn language(group: &wire::PlannedGroup) -> &'static str {
    match group.language() {
        Language::En => "en",
        Language::Vi | Language::Unspecified => "vi",
    }
}

/// One line for each group of recipients, and below what all of it comes to, and what the standard asks.
pub(super) fn text(plan: &wire::PlanNoticeResponse, view: &View<'_>) -> String {
    let texts = view.texts;
    let number = |number: i64| texts.number(u64::try_from(number).unwrap_or(0));
    let heads = ["region", "wave", "language", "recipients", "parts", "encoding", "done"];
    let heads = heads.map(|head| texts.of(&format!("notice-head-{head}"))).to_vec();
    let mut rows = Vec::new();
    for region in &plan.regions {
        for group in &region.groups {
            let done = group.done_after_s.map_or_else(|| "–".to_owned(), |s| format!("{}:{:02}", s / 60, s % 60));
            rows.push(vec![
                region.region.clone(),
                texts.of(&format!("notice-wave-{}", group.wave)),
                language(group).to_owned(),
                number(group.recipients),
                number(group.parts),
                if group.ucs2 { "UCS-2" } else { "GSM-7" }.to_owned(),
                done,
            ]);
        }
    }
    let mut out = table(heads, rows, &[3, 4, 6]);
    out.push('\n');
    for region in &plan.regions {
        let values = [
            ("region", region.region.clone()),
            ("recipients", number(region.recipients)),
            ("parts", number(region.parts)),
            ("rate", number(region.parts_per_second)),
            ("share", share(region.within_30_minutes, region.recipients)),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        let _ = writeln!(out, "{}", texts.with("notice-plan-region", &values));
    }
    for region in &plan.regions {
        for remark in &region.remarks {
            let _ = writeln!(out, "{}", asked_for(&region.region, remark, view));
        }
    }
    if !plan.missing_regions.is_empty() {
        let _ =
            writeln!(out, "{}", texts.with("notice-plan-missing", &[("regions", &plan.missing_regions.join(", "))]));
    }
    out
}

/// What the standard asks, and which rule of it; what this program has no words for, in those of the server.
fn asked_for(region: &str, remark: &wire::NoticeRemark, view: &View<'_>) -> String {
    let texts = view.texts;
    let word = |code: &str| code.to_lowercase().replace('_', "-");
    let id = format!("notice-remark-{}", word(&remark.code));
    let content = texts.of(&format!("notice-content-{}", word(&remark.content)));
    let due = moment(remark.due_at.as_ref(), view);
    let said = texts.with(&id, &[("channel", remark.channel.as_str()), ("content", &content), ("due", &due)]);
    let said = if said == id { remark.message.as_str() } else { said.as_str() };
    let rule = [("rule", remark.rule.as_str()), ("standard", &remark.standard), ("source", &remark.source)];
    let rule = texts.with("notice-remark-rule", &rule);
    texts.with("notice-remark", &[("region", region), ("said", said), ("rule", &rule)])
}

/// `93.1 %`, or a dash where there is nobody.
pub(super) fn share(some: i64, all: i64) -> String {
    if all <= 0 {
        return "–".to_owned();
    }
    // Tenths of a percent, cut: what is not reached is not said to be.
    let tenths = i128::from(some) * 1_000 / i128::from(all);
    format!("{}.{} %", tenths / 10, tenths % 10)
}
