use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::{
    audience::Audience,
    notice::{Content, NoticeText, Phase, RevisionKind, Urgency},
    outage::Area,
};

const OUTPUTS: [NoticeChannel; 4] =
    [NoticeChannel::Press, NoticeChannel::Radio, NoticeChannel::LetterToLocalities, NoticeChannel::LetterToGenerators];

fn revision(title: &str, body: &str) -> Revision {
    let text = NoticeText { title: title.into(), body: body.into() };
    Revision {
        number: 2,
        content: Content {
            kind: RevisionKind::Update,
            phase: Phase::First,
            urgency: Urgency::Emergency,
            audience: Audience { regions: vec!["SPC".into(), "HCMC".into()], ..Audience::default() },
            channels: OUTPUTS.into(),
            vi: text.clone(),
            en: text,
            expires_at: "2013-05-22T16:00:00Z".parse().unwrap(),
            diacritics: false,
        },
        state: RevisionState::Published,
        author: "lan".into(),
        created_at: "2013-05-22T07:00:00Z".parse().unwrap(),
        approver: None,
        published_at: Some("2013-05-22T07:20:00Z".parse().unwrap()),
        reviewer: None,
    }
}

fn print(output: NoticeChannel, revision: &Revision, language: Language) -> Printed {
    let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    let sender = Sender::of_code("SPC", Some("19001006".into()));
    printed(output, "500KV-2013-05-22", revision, &sender, language, &zone).unwrap()
}

#[test]
fn letters_have_the_form_that_the_decree_prescribes() {
    let text = print(NoticeChannel::LetterToLocalities, &revision("Mất điện", "Do sự cố."), Language::Vi).text();
    for fact in [
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\nĐộc lập - Tự do - Hạnh phúc\n",
        "TẬP ĐOÀN ĐIỆN LỰC VIỆT NAM\nTỔNG CÔNG TY ĐIỆN LỰC MIỀN NAM\n",
        "/SPC\nV/v Mất điện\n",
        "Thành phố Hồ Chí Minh, ngày 22 tháng 5 năm 2013\n",
        "Kính gửi: Ủy ban nhân dân các tỉnh, thành phố: An Giang, ",
        "Thành phố Hồ Chí Minh, Tiền Giang",
        "Do sự cố.",
        "thay thế các thông báo trước",
        "có giá trị đến 23:00 22/05/2013.",
        "xin liên hệ: 19001006.",
        "Trân trọng./.\n",
        "Nơi nhận:\n- Như trên;\n- Lưu: VT.\n",
        "Sự việc 500KV-2013-05-22, thông báo lần 2\n",
    ] {
        assert!(text.contains(fact), "no {fact:?} in\n{text}");
    }
    let english = print(NoticeChannel::LetterToGenerators, &revision("Power cut", "A fault."), Language::En).text();
    for fact in
        ["SOCIALIST REPUBLIC OF VIET NAM", "To: The generating companies", "Ho Chi Minh City, 22 May 2013", "A fault."]
    {
        assert!(english.contains(fact), "no {fact:?} in\n{english}");
    }
    let early = wording::date("2014-02-05".parse().unwrap(), Language::Vi);
    assert_eq!(early, "ngày 05 tháng 02 năm 2014");
}

#[test]
fn a_letter_goes_to_the_provinces_that_are_named_and_thanks_when_it_is_over() {
    let mut over = revision("Đã có điện", "Đã có điện lại.");
    over.content.audience.places = vec![Area { province: Some("VN-57".into()), ..Area::default() }];
    over.content.phase = Phase::AllClear;
    let text = print(NoticeChannel::LetterToLocalities, &over, Language::Vi).text();
    assert!(text.contains("thành phố: Bình Dương\n"), "{text}");
    assert!(text.contains("cảm ơn Quý Ủy ban") && !text.contains("Kính đề nghị"), "{text}");
}

#[test]
fn a_press_release_has_headline_dateline_contact_and_an_end() {
    let text = print(NoticeChannel::Press, &revision("Power cut", "A fault.\n\nMore."), Language::En).text();
    for fact in [
        "PRESS RELEASE\n\nPower cut\n\nHo Chi Minh City, 14:20 22/05/2013 – A fault.\n\nMore.\n",
        "Areas concerned: An Giang, ",
        "please contact: 19001006.",
        "\n###\n",
    ] {
        assert!(text.contains(fact), "no {fact:?} in\n{text}");
    }
}

#[test]
fn a_radio_script_is_spoken_in_short_sentences_and_says_how_long_it_takes() {
    let body = "EVN SPC: mất điện tại 22 tỉnh từ 14:00 22/05/2013. Liên hệ 19001006.";
    let script = print(NoticeChannel::Radio, &revision("Mất điện tại 22 tỉnh", body), Language::Vi);
    let text = script.text();
    let seconds = reading_seconds(&script);
    assert!((20..60).contains(&seconds), "{seconds} s for\n{text}");
    for fact in [
        "Tổng công ty Điện lực miền Nam:\n\nmất điện tại hai mươi hai tỉnh từ",
        "\nMất điện tại hai mươi hai tỉnh.\n",
        "mười bốn giờ ngày hai mươi hai tháng năm năm hai nghìn không trăm mười ba.\n",
        "một chín không không một không không sáu.\n",
        &format!("khoảng {seconds} giây"),
    ] {
        assert!(text.contains(fact), "no {fact:?} in\n{text}");
    }
    let list: String = (0..60).fold(String::new(), |mut list, at| {
        let _ = write!(list, "xã Tân An {at}, ");
        list
    });
    let long = print(NoticeChannel::Radio, &revision("Mất điện", &list), Language::Vi);
    let words = |paragraph: &Paragraph| paragraph.text.split(' ').count();
    assert!(long.blocks.iter().flat_map(Block::paragraphs).all(|paragraph| words(paragraph) <= 40));
}

#[test]
fn what_is_not_published_says_so_and_no_other_channel_is_printed() {
    let mut draft = revision("Mất điện", "Do sự cố.");
    draft.state = RevisionState::Draft;
    draft.published_at = None;
    assert!(print(NoticeChannel::Press, &draft, Language::Vi).text().starts_with("DỰ THẢO"));
    let zone = TimeZone::UTC;
    for channel in NoticeChannel::ALL.iter().filter(|channel| !OUTPUTS.contains(channel)) {
        assert_eq!(printed(*channel, "x", &draft, &Sender::default(), Language::Vi, &zone), None);
    }
    let unknown = Sender::of_code("XPC", None);
    let text = printed(NoticeChannel::Press, "x", &draft, &unknown, Language::En, &zone).unwrap().text();
    assert!(text.contains("XPC") && !text.contains("contact"), "{text}");
}

#[test]
fn syllables_are_counted() {
    assert_eq!(syllables("đường dây năm trăm ki-lô-vôn.", Language::Vi), 7);
    for (word, count) in
        [("the", 1), ("power", 2), ("people", 2), ("megawatts", 3), ("E-V-N", 3), ("since", 1), ("W", 3)]
    {
        assert_eq!(syllables(word, Language::En), count, "{word}");
    }
}

proptest! {
    #[test]
    fn every_word_of_a_notice_is_printed(title in "\\PC{1,60}", body in "(\\PC|\n){1,200}") {
        let revision = revision(&title, &body);
        for language in [Language::Vi, Language::En] {
            for output in OUTPUTS.into_iter().filter(|output| *output != NoticeChannel::Radio) {
                let print = print(output, &revision, language);
                let text = print.text();
                for word in clean(&title).split(' ').chain(clean(&body).split(' ')) {
                    prop_assert!(text.contains(word), "no {word:?} in\n{text}");
                }
                prop_assert_eq!(reading_seconds(&print), 0);
            }
        }
    }

    #[test]
    fn more_words_take_longer_to_read(body in "([a-zđếấ0-9]{1,8}[ .,]{1,2}){1,30}", more in "([a-zđế]{2,8} ){8,20}") {
        for language in [Language::Vi, Language::En] {
            let seconds = |body: &str| reading_seconds(&print(NoticeChannel::Radio, &revision("Mất điện", body), language));
            let (short, long) = (seconds(&body), seconds(&format!("{body}. {more}")));
            prop_assert!(short < long, "{short} s, then {long} s");
        }
    }
}
