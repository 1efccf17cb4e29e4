use std::fmt::Write as _;

use gridcare_domain::{
    audience::Audience,
    notice::{Notice, NoticeChannel, PublicNotice, Revision, RevisionState},
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
struct Shown<'a> {
    notice: &'a Notice,
    national: bool,
    revisions: Vec<&'a Revision>,
}

/// Published revisions that the public page tells, the newest first.
fn told(notice: &Notice) -> Vec<&Revision> {
    let public = |revision: &&Revision| {
        revision.state == RevisionState::Published && revision.content.channels.contains(&NoticeChannel::Web)
    };
    notice.revisions.iter().rev().filter(public).collect()
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
            let revisions = told(notice);
            let Some(newest) = revisions.first() else { continue };
            let audience = &newest.content.audience;
            if !audience.concerns_region(&self.region) {
                continue;
            }
            let mut reached = provinces(audience, &served);
            if let Some(province) = asked.province {
                reached.retain(|reached| reached == province);
                if reached.is_empty() {
                    continue;
                }
            }
            tells.push((notice.id, reached));
            shown.push(Shown { notice, national: *national, revisions });
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

    fn written(&self, shown: &[Shown<'_>], asked: &Asked) -> String {
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
        for Shown { notice, revisions, .. } in shown {
            // A page of all tells the newest, a page of one all that was said.
            let most = if asked.id.is_some() { revisions.len() } else { 1 };
            for revision in &revisions[..most] {
                let text = revision.content.text(asked.language);
                let at = revision.published_at.map(|at| self.local(at)).unwrap_or_default();
                let until = self.local(revision.content.expires_at);
                let standing = texts.say(&format!("notice-{}", revision.content.kind.code().replace('_', "-")), &[]);
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
fn data(shown: &[Shown<'_>], region: &str) -> Value {
    let notice = |shown: &Shown<'_>| {
        let mut public = PublicNotice::of(shown.notice, Some(region), Vec::new());
        public.revisions.retain(|one| shown.revisions.iter().any(|revision| revision.number == one.number));
        public.data((!shown.national).then_some(region))
    };
    json!({"notices": shown.iter().map(notice).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use gridcare_domain::outage::Area;

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
}
