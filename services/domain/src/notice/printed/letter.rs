//! Letters in the form of Decree 30/2020/NĐ-CP, appendix I: state and motto at the right, the sender at the left, number and
//! subject beneath it, place and date beneath the motto, then the addressee, what is said, the signature, and who has copies.

use super::{
    Block, Face, Matter, NoticeChannel, Paragraph, addressee, bold, indented, middle, plain,
    wording::{self, contact, holds_until, replaces, request},
};
use crate::customer::Language;

pub(super) fn blocks(output: NoticeChannel, matter: &Matter<'_>) -> Vec<Block> {
    let vi = matter.language == Language::Vi;
    let mut blocks = head(matter);
    let to = match (output, vi) {
        (NoticeChannel::LetterToGenerators, true) => "Các đơn vị phát điện".to_owned(),
        (NoticeChannel::LetterToGenerators, false) => "The generating companies".to_owned(),
        _ => addressee::committees(matter),
    };
    let to = if vi { format!("Kính gửi: {to}") } else { format!("To: {to}") };
    blocks.push(Block::Whole(indented(&to)));
    let name = matter.sender.name.of(matter.language);
    let opening = if vi {
        format!("{name} trân trọng thông báo:")
    } else {
        format!("{name} respectfully informs you of the following:")
    };
    let mut say = |text: &str| blocks.push(Block::Whole(indented(text)));
    say(&opening);
    matter.body().iter().for_each(|paragraph| say(paragraph));
    say(request(output, &matter.revision.content, matter.language));
    let facts = [replaces(matter), Some(holds_until(matter)), contact(matter)];
    facts.into_iter().flatten().for_each(|fact| say(&fact));
    // The mark that ends a letter, after which nothing can be added.
    say(if vi { "Trân trọng./." } else { "Yours faithfully," });
    blocks.push(foot(vi));
    blocks
}

fn head(matter: &Matter<'_>) -> Vec<Block> {
    let (language, sender) = (matter.language, matter.sender);
    let vi = language == Language::Vi;
    let upper = |name: &str| name.to_uppercase();
    let mut office = Vec::new();
    if let Some(above) = &sender.above {
        office.push(middle(plain(&upper(above.of(language)))));
    }
    office.push(Paragraph { ruled: true, ..middle(bold(&upper(sender.name.of(language)))) });
    let (state, motto) = if vi {
        ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc")
    } else {
        ("SOCIALIST REPUBLIC OF VIET NAM", "Independence - Freedom - Happiness")
    };
    let state = vec![middle(bold(state)), Paragraph { ruled: true, ..middle(bold(motto)) }];
    // The register of letters gives the number, and a clerk writes it.
    let number =
        if vi { format!("Số: ........../{}", sender.code) } else { format!("No.: ........../{}", sender.code) };
    let about = if vi { format!("V/v {}", matter.title()) } else { format!("Subject: {}", matter.title()) };
    let date = wording::date(matter.at().to_zoned(matter.zone.clone()).date(), language);
    let seat = sender.seat.of(language);
    let dated = if seat.is_empty() { date } else { format!("{seat}, {date}") };
    vec![
        Block::Columns { left: office, right: state, room: 0 },
        Block::Columns {
            left: vec![middle(plain(&number)), middle(plain(&about))],
            right: vec![Paragraph { face: Face::Italic, ..middle(plain(&dated)) }],
            room: 0,
        },
    ]
}

/// Who signs is not for a program to say: there is room for it.
fn foot(vi: bool) -> Block {
    let italic = |text: &str| Paragraph { face: Face::Italic, ..plain(text) };
    let (signer, how) = if vi {
        ("NGƯỜI CÓ THẨM QUYỀN KÝ", "(Ký, ghi rõ họ tên, đóng dấu)")
    } else {
        ("AUTHORISED SIGNATORY", "(Signature, full name, seal)")
    };
    let copies = if vi {
        [Paragraph { face: Face::Bold, ..plain("Nơi nhận:") }, plain("- Như trên;"), plain("- Lưu: VT.")]
    } else {
        [Paragraph { face: Face::Bold, ..plain("Copies:") }, plain("- As above;"), plain("- File.")]
    };
    Block::Columns { left: copies.into(), right: vec![middle(bold(signer)), middle(italic(how))], room: 5 }
}
