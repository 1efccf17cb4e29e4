use std::fmt::Write as _;

use gridcare_domain::customer::Language;
use jiff::{Timestamp, tz::TimeZone};

use super::Told;

/// What the page says around the notices.
struct Words {
    lang: &'static str,
    other: (&'static str, &'static str, &'static str),
    title: &'static str,
    none: &'static str,
    nation: &'static str,
    published: &'static str,
    holds: &'static str,
}

const VI: Words = Words {
    lang: "vi",
    other: ("?lang=en", "en", "English"),
    title: "Thông báo",
    none: "Hiện không có thông báo nào.",
    nation: "Toàn quốc",
    published: "Công bố lúc",
    holds: "có hiệu lực đến",
};

const EN: Words = Words {
    lang: "en",
    other: ("?lang=vi", "vi", "Tiếng Việt"),
    title: "Notices",
    none: "There are no notices now.",
    nation: "Nationwide",
    published: "Published",
    holds: "holds until",
};

/// The notices as a page that needs nothing else: no script, no other file.
pub(super) fn html(told: &[Told], language: Language, zone: &TimeZone) -> String {
    let words = match language {
        Language::Vi => VI,
        Language::En => EN,
    };
    let Words { lang, other: (href, other, name), title, none, nation, published, holds } = words;
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n</head>\n<body>\n\
         <nav><a href=\"{href}\" hreflang=\"{other}\" lang=\"{other}\">{name}</a></nav>\n<main>\n<h1>{title}</h1>\n"
    );
    if told.is_empty() {
        let _ = writeln!(page, "<p>{none}</p>");
    }
    for told in told {
        let Some(newest) = told.notice.revisions.last() else { continue };
        let text = newest.text(language);
        let whose = told.region.as_deref().unwrap_or(nation);
        let _ = writeln!(
            page,
            "<article id=\"{}\">\n<h2>{}</h2>\n<p>{}</p>\n<p><small>{} · {published} {}, {holds} {}</small></p>\n</article>",
            told.notice.id,
            escaped(&text.title),
            escaped(&text.body),
            escaped(whose),
            moment(newest.published_at, zone),
            moment(newest.expires_at, zone),
        );
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned(zone.clone());
    let spoken = local.strftime("%H:%M %d/%m/%Y");
    format!("<time datetime=\"{at}\">{spoken}</time>")
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use gridcare_domain::notice::{
        NoticeChannel, NoticeText, Phase, PublicNotice, PublicRevision, RevisionKind, Urgency,
    };
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_page_says_what_is_told_in_its_language_and_nothing_that_a_text_smuggles_in() {
        let text = |title: &str| NoticeText { title: title.into(), body: "<script>".into() };
        let revision = PublicRevision {
            number: 1,
            kind: RevisionKind::Initial,
            phase: Phase::First,
            urgency: Urgency::Safety,
            regions: vec![],
            places: vec![],
            everybody: true,
            channels: vec![NoticeChannel::Web],
            vi: text("Mất điện"),
            en: text("Power cut"),
            published_at: "2013-05-22T08:00:00Z".parse().unwrap(),
            expires_at: "2013-05-22T16:00:00Z".parse().unwrap(),
        };
        let notice = PublicNotice {
            id: Uuid::nil(),
            incident: "i".into(),
            stopped: false,
            outage_areas: vec![],
            revisions: vec![revision],
        };
        let told = Told { notice, region: None };
        let zone = TimeZone::fixed(jiff::tz::offset(7));
        let page = html(std::slice::from_ref(&told), Language::Vi, &zone);
        for said in ["<h2>Mất điện</h2>", "Toàn quốc", "15:00 22/05/2013", "&lt;script&gt;"] {
            assert!(page.contains(said), "{said} in {page}");
        }
        assert!(!page.contains("<script>"));
        assert!(html(&[told], Language::En, &zone).contains("Nationwide"));
        assert!(html(&[], Language::En, &zone).contains("There are no notices now."));
    }
}
