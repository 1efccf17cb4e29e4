use clap::Args;
use gridcare_chassis::clock::{Clock as _, SystemClock};
use gridcare_proto::outage::v1::{
    ListOutagesRequest, Outage, OutageArea, OutageFilter, OutageKind, PlanRevision,
    outage_service_client::OutageServiceClient,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::failed;
use crate::{
    connection::Connection,
    failure::Failure,
    output,
    status::{
        reach::moment,
        table::View,
        texts::{Lang, Texts},
    },
    time,
};

/// Work that was cancelled after its first time had begun is looked for this far back: until its alternative is over, customers
/// expect it.
const LOOKS_BACK: SignedDuration = SignedDuration::from_hours(40 * 24);

/// List planned work of which customers are still to be told: new, moved, or cancelled since its last published notice.
#[derive(Debug, Args)]
#[command(after_help = "\
Work is on the list until a notice about it (gridcare notice write --outage ID) is published and all that have not ended say what
was written after the plan last changed, or until its time has passed. Of work that is moved or cancelled the node drafts what its
notices say next, unless somebody is writing already; a draft that waits for somebody to agree to it and to publish it is named.")]
pub(crate) struct Untold {
    #[command(flatten)]
    connection: Connection,
    /// IANA zone of the times
    #[arg(long, value_name = "ZONE", default_value = "Asia/Ho_Chi_Minh")]
    time_zone: String,
    /// Language of the list
    #[arg(long, value_enum, default_value_t = Lang::En, env = "GRIDCARE_LANG")]
    lang: Lang,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Untold {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut client = OutageServiceClient::new(self.connection.caller()?).max_decoding_message_size(64 << 20);
        let now = SystemClock.now();
        let from = Some(time::to_wire(now.saturating_sub(LOOKS_BACK).unwrap_or(now)));
        let filter = OutageFilter { kind: OutageKind::Planned.into(), from, ..OutageFilter::default() };
        let mut request = ListOutagesRequest { filter: Some(filter), page_size: 100, page_token: String::new() };
        let mut untold = Vec::new();
        loop {
            let answer = client.list_outages(request.clone()).await;
            let page = answer.map_err(|status| failed(&self.connection, &status))?.into_inner();
            untold.extend(page.outages.into_iter().filter(|outage| outage.needs_notice));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        if self.json {
            return Ok(output::line(json!({ "outages": untold.iter().map(object).collect::<Vec<_>>() }))?);
        }
        let (texts, zone) = (Texts::new(self.lang), time::zone(&self.time_zone)?);
        let view = View { texts: &texts, zone: &zone, now, width: output::width() };
        Ok(output::raw(text(&untold, &view))?)
    }
}

/// The plan as it is now, and when it takes place or was to.
fn planned(outage: &Outage) -> (PlanRevision, Option<prost_types::Timestamp>, Option<prost_types::Timestamp>) {
    let last = outage.plan.last().cloned().unwrap_or_default();
    let window = last.plan.as_ref().and_then(|plan| plan.window.as_ref());
    let (starts_at, ends_at) = (window.and_then(|window| window.starts_at), window.and_then(|window| window.ends_at));
    (last, starts_at, ends_at)
}

fn object(outage: &Outage) -> Value {
    let (last, starts_at, ends_at) = planned(outage);
    let at = |at: Option<prost_types::Timestamp>| at.as_ref().and_then(time::from_wire).map(|at| at.to_string());
    json!({
        "id": outage.id,
        "revision": last.revision,
        "cancelled": last.cancelled,
        "changed": last.changed,
        "starts_at": at(starts_at),
        "ends_at": at(ends_at),
        "notice_draft_id": draft(outage),
    })
}

/// The notice whose draft says how it is planned now.
fn draft(outage: &Outage) -> Option<&str> {
    Some(outage.notice_draft_id.as_str()).filter(|id| !id.is_empty())
}

/// One line for each.
fn text(untold: &[Outage], view: &View<'_>) -> String {
    if untold.is_empty() {
        return view.texts.of("outages-untold-none") + "\n";
    }
    let line = |outage: &Outage| {
        let (last, starts_at, ends_at) = planned(outage);
        let (from, until) = (moment(starts_at.as_ref(), view), moment(ends_at.as_ref(), view));
        let place = outage.areas.iter().map(place).find(|place| !place.is_empty()).unwrap_or_default();
        let revision = last.revision.to_string();
        let said = if last.cancelled { "outages-untold-cancelled" } else { "outages-untold-planned" };
        let values = [
            ("id", outage.id.as_str()),
            ("place", &place),
            ("from", &from),
            ("until", &until),
            ("revision", &revision),
        ];
        let waits = draft(outage).map(|notice| view.texts.with("outages-untold-draft", &[("notice", notice)]));
        view.texts.with(said, &values) + &waits.unwrap_or_default() + "\n"
    };
    untold.iter().map(line).collect()
}

fn place(area: &OutageArea) -> String {
    let parts = [&area.transformer, &area.feeder, &area.area_code, &area.district, &area.province];
    parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use gridcare_proto::outage::v1::{WorkPlan, WorkWindow};
    use jiff::{Timestamp, tz::TimeZone};

    use super::*;

    #[test]
    fn work_is_listed_with_its_place_its_time_and_whether_it_takes_place() {
        let zone = TimeZone::UTC;
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let window = WorkWindow { starts_at: at(3_600), ends_at: at(7_200) };
        let plan = Some(WorkPlan { window: Some(window), ..WorkPlan::default() });
        let area = OutageArea { feeder: "471-E5".into(), province: "VN-SG".into(), ..OutageArea::default() };
        let work = |cancelled| Outage {
            id: "018f".into(),
            areas: vec![OutageArea::default(), area.clone()],
            plan: vec![PlanRevision { revision: 2, plan: plan.clone(), cancelled, ..PlanRevision::default() }],
            ..Outage::default()
        };
        for (lang, words) in [(Lang::En, ["takes place", "does not"]), (Lang::Vi, ["ngừng cấp điện", "hủy"])] {
            let texts = Texts::new(lang);
            let view = View { texts: &texts, zone: &zone, now: Timestamp::UNIX_EPOCH, width: 80 };
            let shown = text(&[work(false), work(true)], &view);
            let lines: Vec<_> = shown.lines().collect();
            assert_eq!(lines.len(), 2, "{shown}");
            for (line, word) in lines.iter().zip(words) {
                assert!(line.contains(word) && line.contains("471-E5, VN-SG") && line.contains("018f"), "{line}");
            }
            assert!(!text(&[], &view).contains("outages-untold"));
        }
    }

    #[test]
    fn work_is_listed_with_the_draft_that_waits_to_be_published() {
        let zone = TimeZone::UTC;
        let drafted = Outage { id: "018f".into(), notice_draft_id: "0190".into(), ..Outage::default() };
        let without = Outage { notice_draft_id: String::new(), ..drafted.clone() };
        assert_eq!(object(&drafted)["notice_draft_id"], "0190");
        assert_eq!(object(&without)["notice_draft_id"], Value::Null);
        for (lang, words) in [(Lang::En, "draft 0190 waits to be published"), (Lang::Vi, "bản nháp 0190 chờ công bố")]
        {
            let texts = Texts::new(lang);
            let view = View { texts: &texts, zone: &zone, now: Timestamp::UNIX_EPOCH, width: 80 };
            let shown = text(&[drafted.clone(), without.clone()], &view);
            let named: Vec<_> = shown.lines().map(|line| line.contains(words)).collect();
            assert_eq!(named, [true, false], "{shown}");
        }
    }
}
