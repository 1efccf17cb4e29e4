use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

use super::{Notice, NoticeChannel, NoticeText, Phase, Revision, RevisionKind, RevisionState, Urgency};
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
    /// What they say was stopped since, by a letter to some customers that nobody else may read.
    pub stopped: bool,
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
    /// By what it is told.
    pub channels: Vec<NoticeChannel>,
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
        let published = || notice.revisions.iter().filter(|revision| revision.state == RevisionState::Published);
        let is_letter = |revision: &Revision| {
            let Audience { places, customers, .. } = &revision.content.audience;
            !PublicRevision::is_public(&revision.content.channels, places.is_empty() && !customers.is_empty())
        };
        let stopped = published().rev().take_while(|last| is_letter(last)).any(|letter| letter.content.kind.stops());
        let revisions = published().filter(|revision| !is_letter(revision)).filter_map(|revision| {
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
                channels: content.channels.clone(),
                vi: content.vi.clone(),
                en: content.en.clone(),
                published_at: revision.published_at?,
                expires_at: content.expires_at,
            })
        });
        let (id, incident) = (notice.id, notice.incident.clone());
        Self { id, incident, outage_areas, revisions: revisions.collect(), stopped }
    }

    /// What the public page tells: the revisions that are told by web. None where nothing is; nor where what was told by web was
    /// wrong, or is over, and what says so is told otherwise.
    #[must_use]
    pub fn told_by_web(mut self) -> Option<Self> {
        let by_web = |revision: &PublicRevision| revision.channels.contains(&NoticeChannel::Web);
        let stopped = self.revisions.iter().rev().take_while(|later| !by_web(later)).any(|later| later.kind.stops());
        self.revisions.retain(by_web);
        (!self.stopped && !stopped && !self.revisions.is_empty()).then_some(self)
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
    /// Whether everybody may read a revision at all. What is for some customers whom it names and for nobody else is a letter to
    /// them, unless it is told by web.
    #[must_use]
    pub fn is_public(channels: &[NoticeChannel], named_alone: bool) -> bool {
        !named_alone || channels.contains(&NoticeChannel::Web)
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{customer_code::CustomerCode, notice::Content};

    fn notice(revisions: &[(RevisionKind, &[NoticeChannel])]) -> Notice {
        let text = NoticeText { title: "Mất điện".into(), body: "22 tỉnh phía Nam".into() };
        let revision = |(number, (kind, channels)): (i64, &(RevisionKind, &[NoticeChannel]))| Revision {
            number,
            content: Content {
                kind: *kind,
                phase: Phase::First,
                urgency: Urgency::Safety,
                audience: Audience { regions: vec!["SPC".into()], ..Audience::default() },
                channels: channels.to_vec(),
                vi: text.clone(),
                en: text.clone(),
                expires_at: Timestamp::from_second(3_600).unwrap(),
                diacritics: false,
            },
            state: RevisionState::Published,
            author: "lan".into(),
            created_at: Timestamp::UNIX_EPOCH,
            approver: None,
            published_at: Some(Timestamp::UNIX_EPOCH),
            reviewer: None,
        };
        let revisions = (1..).zip(revisions).map(revision).collect();
        Notice { id: Uuid::nil(), version: 1, outage_id: None, incident: "i".into(), revisions }
    }

    #[test]
    fn the_page_tells_what_is_told_by_web_until_it_is_taken_back() {
        use NoticeChannel::{Sms, Web};
        use RevisionKind::{Cancel, Correction, Initial, Update};
        let shown = |revisions: &[(RevisionKind, &[NoticeChannel])]| -> Vec<i64> {
            let told = PublicNotice::of(&notice(revisions), None, Vec::new()).told_by_web();
            told.iter().flat_map(|told| &told.revisions).map(|revision| revision.number).collect()
        };
        assert_eq!(shown(&[(Initial, &[Sms]), (Update, &[Web, Sms]), (Update, &[Sms])]), [2]);
        assert!(shown(&[(Initial, &[Sms])]).is_empty());
        assert_eq!(shown(&[(Initial, &[Web]), (Cancel, &[Web])]), [1, 2], "people look for both");
        assert!(shown(&[(Initial, &[Web]), (Cancel, &[])]).is_empty());
        assert!(shown(&[(Initial, &[Web]), (Correction, &[Sms]), (Update, &[Sms])]).is_empty());
        assert_eq!(shown(&[(Initial, &[Web]), (Correction, &[Sms]), (Update, &[Web])]), [1, 3]);
    }

    #[test]
    fn a_letter_that_takes_back_what_was_told_takes_it_off_the_page() {
        use NoticeChannel::{Sms, Web};
        let mut told = notice(&[(RevisionKind::Initial, &[Web, Sms]), (RevisionKind::Cancel, &[Sms])]);
        told.revisions[1].content.audience.customers = vec![CustomerCode::parse("PE01000000001").unwrap()];
        let public = PublicNotice::of(&told, None, Vec::new());
        assert!(public.stopped && public.revisions.len() == 1, "nobody reads the letter");
        assert_eq!(public.told_by_web(), None);
        told.revisions[1].content.kind = RevisionKind::Update;
        assert!(PublicNotice::of(&told, None, Vec::new()).told_by_web().is_some());
    }

    #[test]
    fn a_letter_to_named_customers_is_public_where_it_is_told_by_web_alone() {
        use NoticeChannel::{Sms, Web};
        let mut notice = notice(&[(RevisionKind::Initial, &[Sms]), (RevisionKind::Update, &[Web])]);
        for revision in &mut notice.revisions {
            revision.content.audience.customers = vec![CustomerCode::parse("PE01000000001").unwrap()];
        }
        let public = |notice: &Notice| -> Vec<i64> {
            PublicNotice::of(notice, None, Vec::new()).revisions.iter().map(|revision| revision.number).collect()
        };
        assert_eq!(public(&notice), [2]);
        let place = Area { province: Some("VN-57".into()), ..Area::default() };
        notice.revisions[0].content.audience.places = vec![place];
        assert_eq!(public(&notice), [1, 2], "it is for whoever is there");
    }
}
