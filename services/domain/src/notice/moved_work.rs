use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{
    Content, Notice, NoticeText, Phase, Revision, RevisionKind, RevisionState, Urgency, needs_notice, template,
};
use crate::{
    customer::Language,
    outage::{Change, Outage},
};

/// A notice is told for at most this long.
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Room for places in a title, and in a text of two parts, in characters.
const ROOM: usize = 80;

/// A draft that tells how work is planned now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkDraft {
    /// What it says, and to whom.
    pub content: Content,
    /// Whoever changed the plan: somebody else has to agree.
    pub author: String,
    /// Just after the plan changed, whenever it comes to be written: of two changes at once, what tells the first is never taken
    /// for what tells the second.
    pub written_at: Timestamp,
}

/// The draft by which a notice about planned work tells that it was moved or cancelled since. None when it says so already, when
/// somebody has a revision of it in hand or has begun to write one, when it has ended, and when nobody was or is to be told. `value`
/// is what a template can have filled in.
#[must_use]
pub fn moved_work(
    work: &Outage,
    notice: &Notice,
    value: impl Fn(Language, &str) -> Option<String>,
    now: Timestamp,
) -> Option<WorkDraft> {
    let (plan, newest, told) = (work.plan.last()?, notice.newest()?, notice.published()?);
    let in_hand = match newest.state {
        RevisionState::Submitted | RevisionState::Approved => true,
        RevisionState::Draft => !is_of_this_rule(work, newest),
        RevisionState::Published | RevisionState::Withdrawn => false,
    };
    if in_hand
        || told.content.kind.ends()
        || newest.created_at >= plan.at
        || !needs_notice(work, Some(told.created_at), now)
    {
        return None;
    }
    if !plan.cancelled && !has_moved_alone(work, told.created_at) {
        return None;
    }
    let (kind, phase) =
        if plan.cancelled { (RevisionKind::Cancel, Phase::Cancelled) } else { (RevisionKind::Update, Phase::Planned) };
    let text = |language: Language| {
        let text = template(phase).fill(language, |name| value(language, name)).ok()?;
        Some(if kind == RevisionKind::Update { retimed(language, &text) } else { text })
    };
    let windows = std::iter::once(&plan.plan.window).chain(&plan.plan.alternative);
    let over = windows.map(|window| window.ends_at).max()?;
    let content = Content {
        kind,
        phase,
        // A plan is no emergency: what nobody has written goes out with two people's word.
        urgency: told.content.urgency.min(Urgency::Safety),
        vi: text(Language::Vi)?,
        en: text(Language::En)?,
        expires_at: over.min(now.saturating_add(LONGEST).unwrap_or(Timestamp::MAX)),
        ..told.content.clone()
    };
    let moves = |change: &Change| matches!(change, Change::Rescheduled(_) | Change::Cancelled);
    let author = work.history.iter().rev().find(|entry| moves(&entry.change))?.author.trim().to_owned();
    Some(WorkDraft { content, author, written_at: written_at(plan.at) })
}

/// When the draft about a plan that changed then counts as written.
fn written_at(changed: Timestamp) -> Timestamp {
    changed.saturating_add(SignedDuration::from_micros(1)).unwrap_or(Timestamp::MAX)
}

/// Whether this rule wrote the draft, about the plan or an earlier one, and nobody has written it anew since.
fn is_of_this_rule(work: &Outage, draft: &Revision) -> bool {
    // Notices keep microseconds, histories all that the clock told.
    let written = draft.created_at.as_microsecond();
    work.plan.iter().any(|plan| written_at(plan.at).as_microsecond() == written)
}

/// Whether the time changed, and whom it concerns did not. Where work reaches further than was told, to whom that is said is for
/// somebody to decide.
fn has_moved_alone(work: &Outage, since: Timestamp) -> bool {
    let later = work.plan.windows(2).filter(|pair| pair[1].at > since);
    let changes: Vec<_> = later.map(|pair| pair[1].changed(Some(&pair[0]))).collect();
    let further = changes.iter().any(|words| *words == ["areas"]);
    !further && changes.iter().flatten().any(|word| ["starts_at", "ends_at"].contains(word))
}

/// A text that says first that the time is another one than was told.
fn retimed(language: Language, text: &NoticeText) -> NoticeText {
    let (title, body) = match language {
        Language::Vi => ("Thay đổi: ", "Thay đổi lịch: "),
        Language::En => ("New time: ", "New time: "),
    };
    NoticeText { title: format!("{title}{}", text.title), body: format!("{body}{}", text.body) }
}

/// Places in one line of a title and of a text message: each once, as many as there is room for. `more` says how many others
/// there are.
#[must_use]
pub fn places_in_short(places: &[String], more: impl Fn(usize) -> String) -> String {
    let mut seen = BTreeSet::new();
    let each: Vec<&str> = places.iter().map(String::as_str).filter(|place| seen.insert(*place)).collect();
    let mut line: String = each.first().copied().unwrap_or_default().chars().take(ROOM).collect();
    for (told, place) in each.iter().enumerate().skip(1) {
        if line.chars().count() + 2 + place.chars().count() > ROOM {
            return format!("{line} {}", more(each.len() - told));
        }
        line.push_str("; ");
        line.push_str(place);
    }
    line
}

#[cfg(test)]
#[path = "moved_work_tests.rs"]
mod tests;
