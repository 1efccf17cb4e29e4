use std::fmt;

use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};

use super::{Content, NoticeChannel, NoticeText, Phase, RevisionKind};
use crate::{
    contact::code::codes,
    customer::Language,
    outage::{Claim, Fact, Outage, OutageKind, Window},
    standard::{NoticeDuty, Standard},
};

codes! {
    /// What a standard asks a notice to say, where a text shows that it does not.
    Said {
        /// When supply is lost.
        Start = 1 "start",
        /// When it is expected back.
        ExpectedReturn = 2 "expected_return",
    }
}

/// The outage that a notice is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// As it is known.
    pub outage: &'a Outage,
    /// Whether a notice about it has been published.
    pub told: bool,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To be told by this channel as well.
    Channel(NoticeChannel),
    /// To say this in figures, in both languages.
    Content(Said),
    /// The first to be out by then.
    FirstBy(Timestamp),
    /// The first to be out at once: this has passed.
    FirstSince(Timestamp),
}

impl Asked {
    /// The stable code, upper snake case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Channel(_) => "MISSING_CHANNEL",
            Self::Content(_) => "MISSING_CONTENT",
            Self::FirstBy(_) => "FIRST_DUE",
            Self::FirstSince(_) => "FIRST_LATE",
        }
    }
}

/// What to do, lowercase, without a full stop.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(channel) => write!(f, "tell it by {channel} as well"),
            Self::Content(Said::Start) => write!(f, "say in figures, in both languages, when supply is lost"),
            Self::Content(Said::ExpectedReturn) => write!(f, "say in figures, in both languages, when supply is back"),
            Self::FirstBy(due) => write!(f, "publish the first notice about the outage by {due}"),
            Self::FirstSince(due) => write!(f, "publish the first notice about the outage now; it was due at {due}"),
        }
    }
}

/// What a rule of the standard asks of a notice that does not do it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Id of the rule.
    pub rule: String,
    /// Who says so.
    pub source: String,
    /// What is asked.
    pub asked: Asked,
}

/// What the standard asks of this notice that it does not do yet; for whoever writes it to know before it is published.
#[must_use]
pub fn asked_of(standard: &Standard, content: &Content, subject: Option<Subject<'_>>, now: Timestamp) -> Vec<Remark> {
    let outage = subject.map(|subject| subject.outage);
    let Some(duty) = standard.notice_duty(rule_of(content.phase, outage)) else { return Vec::new() };
    let lacking = duty.channels.iter().filter(|channel| !content.channels.contains(channel));
    let mut asked: Vec<_> = lacking.map(|channel| Asked::Channel(*channel)).collect();
    if let Some(outage) = outage {
        asked.extend(unsaid(duty, content, outage, standard.zone()).into_iter().map(Asked::Content));
    }
    if let Some(due) = subject.and_then(|subject| first_due(duty, content, subject)) {
        asked.push(if now > due { Asked::FirstSince(due) } else { Asked::FirstBy(due) });
    }
    let remark = |asked| Remark { rule: duty.id.clone(), source: duty.source.clone(), asked };
    asked.into_iter().map(remark).collect()
}

/// The rule that a notice falls under. What its outage is says more than its phase: planned work has progress, too.
fn rule_of(phase: Phase, outage: Option<&Outage>) -> &'static str {
    let work = outage.filter(|outage| outage.kind == OutageKind::Planned);
    let last = work.and_then(|work| work.plan.last());
    if last.is_some_and(|last| last.plan.emergency_reason.is_some()) {
        "emergency_outage"
    } else if work.is_some() || matches!(phase, Phase::Planned | Phase::Cancelled) {
        "planned_outage"
    } else {
        "incident"
    }
}

/// What the announcement of planned work says neither of its window nor of the other one, if it has one.
fn unsaid(duty: &NoticeDuty, content: &Content, work: &Outage, zone: &TimeZone) -> Vec<Said> {
    let last = work.plan.last().filter(|last| content.phase == Phase::Planned && !last.cancelled);
    let Some(plan) = last.map(|last| &last.plan) else { return Vec::new() };
    let texts: Vec<_> = Language::ALL.iter().map(|language| figures(content.text(*language))).collect();
    let moment = |said: Said, window: &Window| match said {
        Said::Start => window.starts_at.to_zoned(zone.clone()),
        Said::ExpectedReturn => window.ends_at.to_zoned(zone.clone()),
    };
    let is_told = |said: Said, figures: &[i8]| {
        let mut windows = std::iter::once(&plan.window).chain(&plan.alternative);
        windows.any(|window| tells(figures, &moment(said, window)))
    };
    let is_asked = |said: &&Said| duty.content.iter().any(|word| word == said.code());
    let asked = Said::ALL.iter().filter(is_asked).copied();
    asked.filter(|said| !texts.iter().all(|figures| is_told(*said, figures))).collect()
}

/// The numbers of a text that may be an hour or a day: `08:00 22/05/2013` has 8, 0, 22 and 5.
fn figures(text: &NoticeText) -> Vec<i8> {
    let runs = [&text.title, &text.body].into_iter().flat_map(|part| part.split(|c: char| !c.is_ascii_digit()));
    runs.filter_map(|run| run.parse::<i8>().ok()).collect()
}

/// Whether one of the numbers may be the hour, by a clock of 12 or of 24 hours, or the day. People write times in many ways;
/// without either number there is none but words.
fn tells(figures: &[i8], at: &Zoned) -> bool {
    figures.iter().any(|figure| *figure == at.day() || (*figure <= 24 && (figure - at.hour()) % 12 == 0))
}

/// By when the first notice must be out. The earliest claim counts, whichever is believed: in time by it is in time by all.
fn first_due(duty: &NoticeDuty, content: &Content, subject: Subject<'_>) -> Option<Timestamp> {
    let outage = subject.outage;
    if content.kind != RevisionKind::Initial || outage.kind != OutageKind::Unplanned || subject.told {
        return None;
    }
    let within = SignedDuration::from_micros(duty.first_within_us?);
    let onset = |claim: &Claim| if let Fact::Onset(at) = claim.fact { Some(at) } else { None };
    let earliest = outage.claims.iter().filter_map(onset).min()?;
    Some(earliest.saturating_add(within).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
#[path = "asked_tests.rs"]
mod tests;
