use std::fmt::Write as _;

use clap::Args;
use gridcare_domain::notice::{Phase, RevisionKind, RevisionState, Urgency};
use gridcare_proto::{convert::code, notice::v1 as wire};

use super::{Shown, get, object};
use crate::{
    connection::Connection,
    failure::Failure,
    status::{reach::moment, table::View},
};

/// Show a notice with all of its revisions: what each says, and who did what.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The notice's id
    id: String,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    shown: Shown,
}

impl Show {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let notice = get(&self.connection, &self.id).await?;
        self.shown.print(|view| whole(&notice, view), || object::notice(&notice))
    }
}

/// One line: which notice, and where its newest revision stands.
pub(super) fn head(notice: &wire::Notice, view: &View<'_>) -> String {
    let stands = notice.revisions.last().map(|revision| line(revision, view)).unwrap_or_default();
    format!("{}  {}  {}  {stands}\n", notice.id, notice.etag, notice.incident)
}

/// Where a revision stands, in words.
pub(super) fn state(revision: &wire::NoticeRevision, view: &View<'_>) -> String {
    let state = code::revision_state_from_wire(revision.state).map_or("unknown", RevisionState::code);
    view.texts.of(&format!("notice-state-{state}"))
}

/// What a revision does and is about, and where it stands.
fn line(revision: &wire::NoticeRevision, view: &View<'_>) -> String {
    let content = revision.content.clone().unwrap_or_default();
    let kind = code::revision_kind_from_wire(content.kind).map_or("–", RevisionKind::code);
    let phase = code::phase_from_wire(content.phase).map_or("–", Phase::code);
    let urgency = code::urgency_from_wire(content.urgency).map_or("–", Urgency::code);
    let number = revision.number.to_string();
    let values = [("number", number.as_str()), ("state", &state(revision, view))];
    format!("{} ({kind}, {phase}, {urgency})", view.texts.with("notice-revision", &values))
}

fn whole(notice: &wire::Notice, view: &View<'_>) -> String {
    let texts = view.texts;
    let whose = texts.of(if notice.national { "notice-national" } else { "notice-regional" });
    let mut out = format!("{}  {}  {}  {whose}\n", notice.id, notice.etag, notice.incident);
    for revision in &notice.revisions {
        let content = revision.content.clone().unwrap_or_default();
        let _ = writeln!(out, "\n{}", line(revision, view));
        let who = [("who", revision.author.as_str()), ("at", &moment(revision.created_at.as_ref(), view))];
        let _ = writeln!(out, "  {}", texts.with("notice-written", &who));
        for (id, who) in [("notice-approved", &revision.approver), ("notice-reviewed", &revision.reviewer)] {
            if !who.is_empty() {
                let _ = writeln!(out, "  {}", texts.with(id, &[("who", who)]));
            }
        }
        if revision.published_at.is_some() {
            let at = moment(revision.published_at.as_ref(), view);
            let _ = writeln!(out, "  {}", texts.with("notice-published", &[("at", &at)]));
        }
        if revision.awaits_review {
            let _ = writeln!(out, "  {}", texts.of("notice-awaits-review"));
        }
        let until = moment(content.expires_at.as_ref(), view);
        let _ = writeln!(out, "  {}", texts.with("notice-expires", &[("at", &until)]));
        let _ = writeln!(out, "  {}", audience(&content, view));
        for (language, text) in [("vi", &content.vi), ("en", &content.en)] {
            let text = text.clone().unwrap_or_default();
            let _ = writeln!(out, "  {language}  {}\n      {}", text.title, text.body);
        }
    }
    out
}

fn audience(content: &wire::NoticeContent, view: &View<'_>) -> String {
    let audience = content.audience.clone().unwrap_or_default();
    let place = |place: &wire::NoticePlace| {
        let parts = [&place.province, &place.district, &place.area_code, &place.feeder];
        parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("/")
    };
    let mut whom = audience.regions.clone();
    whom.extend(audience.places.iter().map(place));
    if !audience.customer_codes.is_empty() {
        let count = u64::try_from(audience.customer_codes.len()).unwrap_or(0);
        whom.push(view.texts.count("notice-customers", &[("count", count)]));
    }
    let channel = |number: &i32| code::notice_channel_from_wire(*number).map_or("–", |channel| channel.code());
    let channels: Vec<_> = content.channels.iter().map(channel).collect();
    let values = [("whom", whom.join(", ")), ("channels", channels.join(", "))];
    view.texts.with("notice-audience", &values.each_ref().map(|(name, value)| (*name, value.as_str())))
}
