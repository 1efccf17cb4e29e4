//! Printed notices as others read them: what a foreign reader finds in a document is what its text form says.

use std::time::Duration;

use gridcare_chassis::paper;
use gridcare_domain::{
    audience::Audience,
    customer::Language,
    notice::{
        Content, NoticeChannel, NoticeText, Phase, Revision, RevisionKind, RevisionState, Urgency,
        printed::{Printed, Sender, printed, reading_seconds},
    },
};
use jiff::tz::TimeZone;

const OUTPUTS: [NoticeChannel; 4] =
    [NoticeChannel::Press, NoticeChannel::Radio, NoticeChannel::LetterToLocalities, NoticeChannel::LetterToGenerators];

fn text(title: &str, body: &str) -> NoticeText {
    NoticeText { title: title.into(), body: body.into() }
}

/// The notice of 22 May 2013.
fn revision(vi: NoticeText, en: NoticeText) -> Revision {
    Revision {
        number: 1,
        content: Content {
            kind: RevisionKind::Initial,
            phase: Phase::First,
            urgency: Urgency::Emergency,
            audience: Audience { regions: vec!["SPC".into(), "HCMC".into()], ..Audience::default() },
            channels: OUTPUTS.into(),
            vi,
            en,
            expires_at: "2013-05-22T22:40:00+07:00".parse().unwrap(),
            diacritics: false,
        },
        state: RevisionState::Published,
        author: "lan".into(),
        created_at: "2013-05-22T14:10:00+07:00".parse().unwrap(),
        approver: None,
        published_at: Some("2013-05-22T14:20:00+07:00".parse().unwrap()),
        reviewer: None,
    }
}

fn print(output: NoticeChannel, revision: &Revision, language: Language) -> Printed {
    let sender = Sender::of_code("EVN", Some("evn.com.vn".into()));
    let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    printed(output, "500KV-2013-05-22", revision, &sender, language, &zone).unwrap()
}

fn dense(text: &str) -> String {
    text.split_whitespace().collect()
}

/// What a foreign reader finds in these documents.
async fn read(documents: &[Vec<u8>]) -> Vec<serde_json::Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = |at: usize| folder.path().join(format!("{at}.pdf"));
    for (at, document) in documents.iter().enumerate() {
        std::fs::write(path(at), document).unwrap();
    }
    let python = gridcare_tests::variable("GRIDCARE_TEST_PYTHON");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/foreign_pages.py");
    let reading = tokio::process::Command::new(python).arg(script).args((0..documents.len()).map(path)).output();
    let done = tokio::time::timeout(Duration::from_mins(1), reading).await.unwrap().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_reader_finds_the_text_in_the_pages() {
    let told = revision(
        text(
            "Sự cố đường dây 500 kV Bắc - Nam, mất điện tại 22 tỉnh, thành phố phía Nam",
            "Lúc 13:52 22/05/2013, đường dây 500 kV Di Linh - Tân Định gặp sự cố do cẩu vướng vào đường dây.\nEVN thành thật xin lỗi quý khách. Dự kiến có điện lại từ 15:30 đến 17:00.",
        ),
        text(
            "Fault on the 500 kV North-South line, no supply in 22 provinces and cities",
            "At 13:52 on 22/05/2013 the 500 kV line Di Linh - Tân Định failed: a crane touched it.\nEVN apologises. Supply is expected back between 15:30 and 17:00.",
        ),
    );
    let mut prints = Vec::new();
    for output in OUTPUTS {
        prints.extend([Language::Vi, Language::En].map(|language| print(output, &told, language)));
    }
    // Decomposed letters, one that looks like another, two scripts, and what no font of the program has.
    let strange = "Đie\u{302}\u{323}n Ðặng Mười Đợi энергия 電 ⚡ 🙂 fi";
    let strange = revision(text(strange, &format!("{strange} ").repeat(30)), text("-", "-"));
    prints.push(print(NoticeChannel::LetterToLocalities, &strange, Language::Vi));
    let documents: Vec<_> = prints.iter().map(paper::pdf).collect();
    for (printed, found) in prints.iter().zip(read(&documents).await) {
        let pages: Vec<_> =
            found["pages"].as_array().unwrap().iter().map(|page| dense(page.as_str().unwrap())).collect();
        let (text, all) = (printed.text(), pages.concat());
        if pages.len() == 1 {
            assert_eq!(all, dense(&text));
        }
        let lost: Vec<_> = text.split_whitespace().filter(|word| !all.contains(word)).collect();
        assert!(lost.is_empty(), "{lost:?} not in {found}");
        assert!(pages.iter().all(|page| page.ends_with(&dense(&printed.footer))), "{found}");
        assert_eq!(found["title"], printed.title.as_str());
        assert_eq!(found["author"], printed.author.as_str());
        assert_eq!(found["language"], printed.language.code());
        assert_eq!(found["created"], "2013-05-22T07:20:00+00:00");
        assert_eq!(reading_seconds(printed) > 0, printed.output == NoticeChannel::Radio);
    }
}
