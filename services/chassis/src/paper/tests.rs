use gridcare_domain::{
    audience::Audience,
    customer::Language,
    notice::{
        Content, NoticeChannel, NoticeText, Phase, Revision, RevisionKind, RevisionState, Urgency,
        printed::{Bilingual, Face, Printed, Sender, printed},
    },
};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{
    font::Which,
    layout::{Line, PAPER, Page, WIDTH, pages},
    pdf,
};

const OUTPUTS: [NoticeChannel; 4] =
    [NoticeChannel::Press, NoticeChannel::Radio, NoticeChannel::LetterToLocalities, NoticeChannel::LetterToGenerators];

fn print(output: NoticeChannel, title: &str, body: &str, sender: &Sender) -> Printed {
    let text = NoticeText { title: title.into(), body: body.into() };
    let revision = Revision {
        number: 1,
        content: Content {
            kind: RevisionKind::Initial,
            phase: Phase::First,
            urgency: Urgency::Emergency,
            audience: Audience { regions: vec!["SPC".into(), "HCMC".into()], ..Audience::default() },
            channels: vec![output],
            vi: text.clone(),
            en: text,
            expires_at: "2013-05-23T00:00:00Z".parse().unwrap(),
            diacritics: false,
        },
        state: RevisionState::Published,
        author: "lan".into(),
        created_at: "2013-05-22T07:00:00Z".parse().unwrap(),
        approver: None,
        published_at: Some("2013-05-22T07:20:00Z".parse().unwrap()),
        reviewer: None,
    };
    printed(output, "500KV-2013-05-22", &revision, sender, Language::Vi, &TimeZone::UTC).unwrap()
}

fn corporation() -> Sender {
    Sender::of_code("SPC", Some("19001006".into()))
}

fn dense(text: &str) -> String {
    text.split_whitespace().collect()
}

/// What stands on the pages, in the order in which a reader finds it, without spaces and without what each page repeats.
fn shown(pages: &[Page]) -> String {
    pages.iter().flat_map(|page| &page.lines).map(|line| dense(&line.text)).collect()
}

/// The text form without its last line, which on paper each page repeats.
fn told(printed: &Printed) -> String {
    let dense = dense(&printed.text());
    dense.strip_suffix(&self::dense(&printed.footer)).unwrap().to_owned()
}

fn outside(line: &Line) -> bool {
    let end = line.x + super::font::width(line.face, &line.text) * line.size;
    line.x < 0.0 || end > PAPER.0 || line.y < 20.0 || line.y + line.size > PAPER.1
}

#[test]
fn every_vietnamese_letter_is_shown_in_each_face_of_the_text() {
    let letters = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵdđ";
    let marks = "–…“”‘’·°²/#";
    for face in [Face::Regular, Face::Bold, Face::Italic] {
        let all = format!("{letters}{}{marks}", letters.to_uppercase());
        let lacking: String = all.chars().filter(|c| Which::of(face, *c).0 == Which::Last).collect();
        assert_eq!(lacking, "", "{face:?}");
    }
}

#[test]
fn the_same_print_has_the_same_bytes_and_another_text_has_others() {
    for output in OUTPUTS {
        let bytes = |body| pdf(&print(output, "Mất điện", body, &corporation()));
        assert_eq!(bytes("Do sự cố."), bytes("Do sự cố."));
        assert_ne!(bytes("Do sự cố."), bytes("Do sự cố khác."));
        let size = bytes("Do sự cố.").len();
        assert!((5_000..100_000).contains(&size), "{size} octets");
    }
}

#[test]
fn a_letter_that_needs_more_pages_numbers_them_from_the_second_on() {
    let printed = print(NoticeChannel::LetterToLocalities, "Mất điện", &"Điện lực ".repeat(900), &corporation());
    let pages = pages(&printed);
    assert!(pages.len() >= 3, "{} pages", pages.len());
    for (at, page) in pages.iter().enumerate() {
        let margins: Vec<_> = page.margins.iter().map(|line| line.text.as_str()).collect();
        let number = (at + 1).to_string();
        let expected: Vec<_> =
            (at > 0).then_some(number.as_str()).into_iter().chain([printed.footer.as_str()]).collect();
        assert_eq!(margins, expected);
    }
    assert_eq!(shown(&pages), told(&printed));
}

#[test]
fn the_name_of_the_state_stands_on_one_line_beside_that_of_the_sender() {
    let pages = pages(&print(NoticeChannel::LetterToLocalities, "Mất điện", "Do sự cố.", &corporation()));
    let at = |text: &str| pages[0].lines.iter().find(|line| line.text == text).unwrap_or_else(|| panic!("no {text}"));
    let (state, above) = (at("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"), at("TẬP ĐOÀN ĐIỆN LỰC VIỆT NAM"));
    assert!((state.y - above.y).abs() < 0.1 && above.x < state.x && state.x > WIDTH / 2.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_is_written_is_shown_whole_and_within_the_paper(
        title in "\\PC{1,160}",
        body in prop_oneof!["(\\PC|\n){1,1000}", "[W]{200,1000}", "([a-zđếấ]{1,12}[ \n]){50,200}"],
        name in "\\PC{1,300}",
        output in prop::sample::select(OUTPUTS.to_vec()),
    ) {
        let sender = Sender { name: Bilingual { vi: name.clone(), en: name }, ..corporation() };
        let printed = print(output, &title, &body, &sender);
        let pages = pages(&printed);
        prop_assert_eq!(shown(&pages), told(&printed));
        let lines = pages.iter().flat_map(|page| page.lines.iter().chain(&page.margins));
        let outside: Vec<_> = lines.filter(|line| outside(line)).collect();
        prop_assert!(outside.is_empty(), "{outside:?}");
        prop_assert!(pdf(&printed).starts_with(b"%PDF-"));
    }
}
