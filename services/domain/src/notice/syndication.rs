//! Lists of notices that others subscribe to: Atom (RFC 4287) of alerts, and RSS 2.0 for the press.

use jiff::{Timestamp, fmt::rfc2822};

use super::{PublicNotice, PublicRevision, Publisher};
use crate::{customer::Language, document::Xml};

/// Most entries of one list.
pub const MOST_ENTRIES: usize = 100;

/// What a list of these tells: revisions that have not expired nor were stopped by a letter, the newest first.
#[must_use]
pub fn newest(notices: &[PublicNotice], now: Timestamp) -> Vec<(&PublicNotice, &PublicRevision)> {
    let mut all: Vec<_> = notices
        .iter()
        .filter(|notice| !notice.stopped)
        .flat_map(|notice| notice.revisions.iter().map(move |revision| (notice, revision)))
        .filter(|(_, revision)| revision.expires_at > now)
        .collect();
    all.sort_by_key(|(notice, revision)| std::cmp::Reverse((revision.published_at, notice.id, revision.number)));
    all.truncate(MOST_ENTRIES);
    all
}

fn title(publisher: &Publisher, language: Language) -> String {
    match language {
        Language::Vi => format!("Thông báo về điện: {}", publisher.name),
        Language::En => format!("Notices about power: {}", publisher.name),
    }
}

/// The Atom feed of alerts: an entry is named as its alert, and links to it.
#[must_use]
pub fn atom(notices: &[PublicNotice], publisher: &Publisher, language: Language, now: Timestamp) -> String {
    let entries = newest(notices, now);
    let own = format!("{}/notices.atom", publisher.url);
    let mut xml = Xml::new();
    let root = [("xmlns", "http://www.w3.org/2005/Atom"), ("xml:lang", language.code())];
    xml.element("feed", &root, |xml| {
        xml.leaf("id", &format!("urn:x-gridcare:notices:{}:{language}", publisher.sender));
        xml.leaf("title", &title(publisher, language));
        // Nothing was ever said: no time is true, and one must be given.
        let updated = entries.first().map_or(Timestamp::UNIX_EPOCH, |(_, revision)| revision.published_at);
        xml.leaf("updated", &publisher.time(updated));
        xml.element("author", &[], |xml| xml.leaf("name", &publisher.name));
        xml.element("link", &[("rel", "self"), ("type", "application/atom+xml"), ("href", &own)], |_| {});
        for (notice, revision) in &entries {
            xml.element("entry", &[], |xml| {
                let text = revision.text(language);
                xml.leaf("id", &notice.identifier(revision.number));
                xml.leaf("title", &text.title);
                xml.leaf("updated", &publisher.time(revision.published_at));
                let href = format!("{}{}", publisher.url, notice.path(revision.number));
                let link = [("rel", "alternate"), ("type", "application/cap+xml"), ("href", href.as_str())];
                xml.element("link", &link, |_| {});
                xml.element("category", &[("term", revision.phase.code())], |_| {});
                xml.leaf("summary", &text.body);
            });
        }
    });
    xml.finish()
}

/// The RSS feed for newspapers and agencies.
#[must_use]
pub fn rss(notices: &[PublicNotice], publisher: &Publisher, language: Language, now: Timestamp) -> String {
    let date = |at: Timestamp| rfc2822::to_string(&at.to_zoned(publisher.zone.clone())).unwrap_or_default();
    let mut xml = Xml::new();
    xml.element("rss", &[("version", "2.0")], |xml| {
        xml.element("channel", &[], |xml| {
            let title = title(publisher, language);
            xml.leaf("title", &title);
            xml.leaf("link", &format!("{}/notices", publisher.url));
            xml.leaf("description", &title);
            xml.leaf("language", language.code());
            for (notice, revision) in newest(notices, now) {
                xml.element("item", &[], |xml| {
                    let text = revision.text(language);
                    xml.leaf("title", &text.title);
                    xml.leaf("link", &format!("{}{}", publisher.url, notice.path(revision.number)));
                    xml.leaf("description", &text.body);
                    xml.leaf("category", revision.phase.code());
                    let guid = notice.identifier(revision.number);
                    xml.element("guid", &[("isPermaLink", "false")], |xml| xml.text(&guid));
                    xml.leaf("pubDate", &date(revision.published_at));
                });
            }
        });
    });
    xml.finish()
}
