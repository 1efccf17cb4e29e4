//! What is told to those whom it concerns: one notice, in revisions that are never changed once they are published.

mod asked;
/// Alerts by the Common Alerting Protocol.
pub mod cap;
mod code;
mod data;
mod lifecycle;
mod moved_work;
mod plan;
pub mod printed;
pub mod proof;
mod public;
mod quiet;
mod rules;
/// Lists of notices that others subscribe to.
pub mod syndication;
mod template;
mod work;

pub use asked::{Asked, Remark, Said, Subject, asked_of};
pub use code::{NoticeChannel, Phase, RevisionKind, RevisionState, Urgency};
pub use lifecycle::{Act, act, expired, may_follow, moved};
pub use moved_work::{WorkDraft, moved_work, places_in_short};
pub use plan::{Group, Plan, Route, plan};
pub use public::{PublicNotice, PublicRevision, Publisher};
pub use quiet::{QuietHours, may_go_from};
pub use rules::{TEXT_LIMIT, TITLE_LIMIT, check};
pub use template::{NoticeTemplate, PLACEHOLDERS, template};
pub use work::needs_notice;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{audience::Audience, customer::Language};

/// What is said in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeText {
    /// One line.
    pub title: String,
    /// All of it; what goes out by SMS.
    pub body: String,
}

/// What is said and to whom: all that its author decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// What the revision does to those before it.
    pub kind: RevisionKind,
    /// What it is about.
    pub phase: Phase,
    /// How pressing it is.
    pub urgency: Urgency,
    /// Whom it concerns.
    pub audience: Audience,
    /// By what it is told, each once, in the order of their numbers.
    pub channels: Vec<NoticeChannel>,
    /// In Vietnamese.
    pub vi: NoticeText,
    /// In English.
    pub en: NoticeText,
    /// After this nobody is told any more.
    pub expires_at: Timestamp,
    /// Send SMS with diacritics, in more parts.
    pub diacritics: bool,
}

impl Content {
    /// What is said in a language.
    #[must_use]
    pub const fn text(&self, language: Language) -> &NoticeText {
        match language {
            Language::Vi => &self.vi,
            Language::En => &self.en,
        }
    }
}

/// One revision of a notice, with who did what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// From 1, without gaps.
    pub number: i64,
    /// What is said.
    pub content: Content,
    /// Where it stands.
    pub state: RevisionState,
    /// Who wrote it last.
    pub author: String,
    /// When it came to be.
    pub created_at: Timestamp,
    /// Who agreed, if somebody did.
    pub approver: Option<String>,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// Who looked at it after an emergency, if somebody did.
    pub reviewer: Option<String>,
}

impl Revision {
    /// Whether somebody still has to look at what went out with one person's word.
    #[must_use]
    pub fn awaits_review(&self) -> bool {
        self.state == RevisionState::Published && self.approver.is_none() && self.reviewer.is_none()
    }
}

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `UUIDv7`.
    pub id: Uuid,
    /// Grows by one with every change.
    pub version: i64,
    /// The outage that it is about, if it is about one of this node.
    pub outage_id: Option<Uuid>,
    /// The incident that it is about: national and regional notices of one incident share it.
    pub incident: String,
    /// In the order of their numbers.
    pub revisions: Vec<Revision>,
}

impl Notice {
    /// The newest revision.
    #[must_use]
    pub fn newest(&self) -> Option<&Revision> {
        self.revisions.last()
    }

    /// The newest revision that is published.
    #[must_use]
    pub fn published(&self) -> Option<&Revision> {
        self.revisions.iter().rev().find(|revision| revision.state == RevisionState::Published)
    }
}
