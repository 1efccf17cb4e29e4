use std::fmt::Write as _;

use gridcare_domain::{
    audience::Audience,
    notice::{Notice, PublicNotice},
};
use gridcare_store::{StoreError, notice::StoredNotice};
use serde_json::{Value, json};

use crate::{
    Node,
    flows::schedule_is_told::escaped,
    http::{Asked, Page},
    texts::Texts,
};

/// Notices of one page at most.
const SHOWN: i64 = 500;

/// How a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    Html,
    Json,
}

/// A notice with what the public page tells of it.
struct Shown {
    notice: PublicNotice,
    national: bool,
}

/// What the page of this corporation tells of a notice; none where what holds of it is for others alone.
fn told(notice: &Notice, region: &str) -> Option<PublicNotice> {
    let ours = |public: &PublicNotice| {
        public.revisions.last().is_some_and(|newest| newest.regions.iter().any(|named| named == region))
    };
    // A newer one that is for others takes back what the page said, however it is told itself.
    let public = Some(PublicNotice::of(notice, Some(region), Vec::new())).filter(ours)?;
    public.told_by_web().filter(ours)
}

/// The provinces of an audience among those that this node serves: the places', or all of them where a place names none.
pub(super) fn provinces(audience: &Audience, served: &[String]) -> Vec<String> {
    let named: Option<Vec<_>> = audience.places.iter().map(|place| place.province.clone()).collect();
    match named.filter(|_| !audience.places.is_empty() && audience.customers.is_empty()) {
        Some(mut named) => {
            named.retain(|province| served.contains(province));
            named.sort_unstable();
            named.dedup();
            named
        }
        None => served.to_vec(),
    }
}

impl Node {
    /// A page of what is told to the public; none when there is no such notice.
    pub(crate) async fn notice_page(&self, asked: &Asked) -> Result<Option<Page>, StoreError> {
        let mut notices = match asked.id {
            Some(id) => self.store.notice(id).await?.into_iter().collect(),
            None => self.store.notices_shown(self.now_us(), SHOWN).await?,
        };
        // The latest news first.
        notices.sort_by_key(|stored| {
            std::cmp::Reverse((stored.notice.published().and_then(|revision| revision.published_at), stored.notice.id))
        });
        let served = self.store.provinces_served().await?;
        let mut shown = Vec::new();
        let mut tells = Vec::new();
        for StoredNotice { notice, national } in &notices {
            let Some(told) = told(notice, &self.region) else { continue };
            let newest = told.revisions.last().map(|newest| newest.number);
            let Some(newest) = notice.revisions.iter().find(|revision| Some(revision.number) == newest) else {
                continue;
            };
            let mut reached = provinces(&newest.content.audience, &served);
            if let Some(province) = asked.province {
                reached.retain(|reached| reached == province);
                if reached.is_empty() {
                    continue;
                }
            }
            tells.push((notice.id, reached));
            shown.push(Shown { notice: told, national: *national });
        }
        if asked.id.is_some() && shown.is_empty() {
            return Ok(None);
        }
        let body = match asked.form {
            Form::Json => data(&shown, &self.region).to_string(),
            Form::Html => self.written(&shown, asked),
        };
        Ok(Some(Page { body, tells }))
    }

    fn written(&self, shown: &[Shown], asked: &Asked) -> String {
        let texts = Texts::of(asked.language);
        let title = escaped(&texts.say("notices-title", &[("region", &self.region)]));
        let mut out = format!(
            "<!doctype html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n",
            asked.language
        );
        if shown.is_empty() {
            let _ = writeln!(out, "<p>{}</p>", escaped(&texts.say("notices-none", &[])));
        }
        for Shown { notice, .. } in shown {
            // A page of all tells the newest, a page of one all that was said.
            let most = if asked.id.is_some() { notice.revisions.len() } else { 1 };
            for revision in notice.revisions.iter().rev().take(most) {
                let text = revision.text(asked.language);
                let at = self.local(revision.published_at);
                let until = self.local(revision.expires_at);
                let standing = texts.say(&format!("notice-{}", revision.kind.code().replace('_', "-")), &[]);
                let times = texts.say("notice-times", &[("at", &at), ("until", &until)]);
                let _ = write!(
                    out,
                    "<article>\n<h2><a href=\"/notices/{}?lang={}\">{}</a></h2>\n<p>{}</p>\n<p><small>{}. {}</small></p>\n</article>\n",
                    notice.id,
                    asked.language,
                    escaped(&text.title),
                    escaped(&text.body),
                    escaped(&standing),
                    escaped(&times),
                );
            }
        }
        out.push_str("</body>\n</html>\n");
        out
    }
}

/// The same as data, in both languages. It names no customer.
fn data(shown: &[Shown], region: &str) -> Value {
    let notice = |shown: &Shown| shown.notice.data((!shown.national).then_some(region));
    json!({"notices": shown.iter().map(notice).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use gridcare_domain::{
        notice::{Content, NoticeChannel, NoticeText, Phase, Revision, RevisionKind, RevisionState, Urgency},
        outage::Area,
    };
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn the_provinces_of_an_audience_are_those_of_its_places_that_are_served_or_all() {
        let served = ["VN-57".to_owned(), "VN-SG".to_owned()];
        let of = |provinces_named: &[Option<&str>]| {
            let place = |province: Option<&str>| Area { province: province.map(str::to_owned), ..Area::default() };
            let places = provinces_named.iter().copied().map(place).collect();
            provinces(&Audience { places, ..Audience::default() }, &served)
        };
        assert_eq!(of(&[Some("VN-SG"), Some("VN-HN"), Some("VN-SG")]), ["VN-SG"]);
        assert_eq!(of(&[Some("VN-SG"), None]), served);
        assert_eq!(of(&[]), served);
    }

    #[test]
    fn what_is_for_others_now_is_told_no_more_however_the_others_are_told() {
        let said = |number, regions: &[&str], channel| Revision {
            number,
            content: Content {
                kind: RevisionKind::Update,
                phase: Phase::Progress,
                urgency: Urgency::Safety,
                audience: Audience {
                    regions: regions.iter().map(|region| (*region).to_owned()).collect(),
                    ..Audience::default()
                },
                channels: vec![channel],
                vi: NoticeText::default(),
                en: NoticeText::default(),
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
        let shown = |revisions: Vec<Revision>| {
            let (id, incident) = (uuid::Uuid::nil(), "storm-1".to_owned());
            told(&Notice { id, version: 1, outage_id: None, incident, revisions }, "SPC").is_some()
        };
        let first = || said(1, &["SPC", "HCMC"], NoticeChannel::Web);
        assert!(shown(vec![first()]));
        for channel in [NoticeChannel::Web, NoticeChannel::Sms] {
            assert!(!shown(vec![first(), said(2, &["HCMC"], channel)]), "{channel}");
        }
        let again = said(3, &["SPC"], NoticeChannel::Sms);
        assert!(
            !shown(vec![first(), said(2, &["HCMC"], NoticeChannel::Web), again]),
            "the page says what is for others"
        );
        assert!(shown(vec![first(), said(2, &[], NoticeChannel::Sms)]));
    }
}
