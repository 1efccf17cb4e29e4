use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

use super::{Notice, NoticeText, Phase, RevisionKind, RevisionState, Urgency};
use crate::{audience::Audience, customer::Language, document::local, outage::Area, province};

/// Who tells the public.
#[derive(Debug, Clone)]
pub struct Publisher {
    /// As alerts name it: unique in the world, such as a domain. Without spaces, commas, `<` and `&`.
    pub sender: String,
    /// As people name it.
    pub name: String,
    /// Where the public reaches the documents, without a slash at the end.
    pub url: String,
    /// Whom to call; may be empty.
    pub contact: String,
    /// Nothing of it is real: a replay, or a drill.
    pub exercise: bool,
    /// Whose times are shown.
    pub zone: TimeZone,
}

/// A notice as everybody may read it, at a node and at a gateway alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicNotice {
    /// `UUIDv7`.
    pub id: Uuid,
    /// The incident that it is about.
    pub incident: String,
    /// Where supply was lost when it was published, if it is about an outage that is known here.
    pub outage_areas: Vec<Area>,
    /// Published revisions, in the order of their numbers.
    pub revisions: Vec<PublicRevision>,
}

/// A published revision, without the customers whom it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicRevision {
    /// From 1.
    pub number: i64,
    /// What it does to those before it.
    pub kind: RevisionKind,
    /// What it is about.
    pub phase: Phase,
    /// How pressing it is.
    pub urgency: Urgency,
    /// Codes of corporations; all of them when empty.
    pub regions: Vec<String>,
    /// Whoever is supplied in one of these.
    pub places: Vec<Area>,
    /// It is for every customer of its regions, and not for some who are named.
    pub everybody: bool,
    /// In Vietnamese.
    pub vi: NoticeText,
    /// In English.
    pub en: NoticeText,
    /// When it was published.
    pub published_at: Timestamp,
    /// After this nobody is told any more.
    pub expires_at: Timestamp,
}

impl PublicNotice {
    /// What everybody may read of a notice. `region` is the corporation's own, whose customers a regional notice is for.
    #[must_use]
    pub fn of(notice: &Notice, region: Option<&str>, outage_areas: Vec<Area>) -> Self {
        let published = notice.revisions.iter().filter(|revision| revision.state == RevisionState::Published);
        let revisions = published.filter_map(|revision| {
            let content = &revision.content;
            let Audience { regions, places, .. } = &content.audience;
            let own = || region.iter().map(|region| (*region).to_owned()).collect();
            Some(PublicRevision {
                number: revision.number,
                kind: content.kind,
                phase: content.phase,
                urgency: content.urgency,
                regions: if regions.is_empty() { own() } else { regions.clone() },
                places: places.clone(),
                everybody: content.audience.is_everybody(),
                vi: content.vi.clone(),
                en: content.en.clone(),
                published_at: revision.published_at?,
                expires_at: content.expires_at,
            })
        });
        Self { id: notice.id, incident: notice.incident.clone(), outage_areas, revisions: revisions.collect() }
    }

    /// The name of an alert: the same wherever it is read.
    #[must_use]
    pub fn identifier(&self, number: i64) -> String {
        format!("urn:x-gridcare:notice:{}:{number}", self.id)
    }

    /// Where an alert is.
    #[must_use]
    pub fn path(&self, number: i64) -> String {
        format!("/notices/cap/{}/{number}.xml", self.id)
    }
}

impl PublicRevision {
    /// What is said in a language.
    #[must_use]
    pub const fn text(&self, language: Language) -> &NoticeText {
        match language {
            Language::Vi => &self.vi,
            Language::En => &self.en,
        }
    }
}

impl Publisher {
    /// A time in the publisher's zone.
    #[must_use]
    pub fn time(&self, at: Timestamp) -> String {
        local(at, &self.zone)
    }
}

/// A place in words.
pub(super) fn named(area: &Area, language: Language) -> String {
    let say = |vi: &str, en: &str, code: &Option<String>| {
        let word = if language == Language::En { en } else { vi };
        code.as_ref().map(|code| format!("{word} {code}"))
    };
    let province = area.province.as_deref().and_then(province::find).map(|province| match language {
        Language::Vi => province.name_vi.to_owned(),
        Language::En => province.name_ascii.to_owned(),
    });
    let parts = [
        say("trạm biến áp", "transformer", &area.transformer),
        say("lộ ra", "feeder", &area.feeder),
        say("khu vực", "area", &area.area_code),
        area.district.clone(),
        province,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
