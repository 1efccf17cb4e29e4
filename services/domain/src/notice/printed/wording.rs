//! Sentences that follow from a revision's facts.

use jiff::{Timestamp, civil::Date};

use super::{Matter, NoticeChannel};
use crate::{
    customer::Language,
    notice::{Content, Phase, RevisionKind},
};

pub(super) const fn draft(language: Language) -> &'static str {
    match language {
        Language::Vi => "DỰ THẢO, CHƯA CÔNG BỐ",
        Language::En => "DRAFT, NOT PUBLISHED",
    }
}

/// Of which revision of which incident this is a print.
pub(super) fn footer(matter: &Matter<'_>) -> String {
    let (incident, number) = (matter.incident, matter.revision.number);
    match matter.language {
        Language::Vi => format!("Sự việc {incident}, thông báo lần {number}"),
        Language::En => format!("Incident {incident}, notice {number}"),
    }
}

/// The date as a letter has it: days below 10 and the first two months with a zero, so that no digit can be put before them.
pub(super) fn date(date: Date, language: Language) -> String {
    let (day, month, year) = (date.day(), date.month(), date.year());
    match language {
        Language::Vi if month < 3 => format!("ngày {day:02} tháng {month:02} năm {year}"),
        Language::Vi => format!("ngày {day:02} tháng {month} năm {year}"),
        Language::En => format!("{day} {} {year}", MONTHS[usize::from(month.unsigned_abs()) - 1]),
    }
}

/// The months in English.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A moment, as notices write it.
pub(super) fn moment(at: Timestamp, matter: &Matter<'_>) -> String {
    at.to_zoned(matter.zone.clone()).strftime("%H:%M %d/%m/%Y").to_string()
}

/// Until when it holds.
pub(super) fn holds_until(matter: &Matter<'_>) -> String {
    let until = moment(matter.revision.content.expires_at, matter);
    match matter.language {
        Language::Vi => format!("Thông báo này có giá trị đến {until}."),
        Language::En => format!("This notice holds until {until}."),
    }
}

/// What the revision does to those before it; none for the first.
pub(super) fn replaces(matter: &Matter<'_>) -> Option<String> {
    let vi = matter.language == Language::Vi;
    let text = match matter.revision.content.kind {
        RevisionKind::Initial => return None,
        RevisionKind::Update | RevisionKind::AllClear if vi => {
            "Thông báo này thay thế các thông báo trước về sự việc này."
        }
        RevisionKind::Update | RevisionKind::AllClear => "This notice replaces earlier ones about the incident.",
        RevisionKind::Correction if vi => "Thông báo này đính chính các thông báo trước về sự việc này.",
        RevisionKind::Correction => "This notice corrects earlier ones about the incident.",
        RevisionKind::Cancel if vi => "Các thông báo trước về sự việc này không còn giá trị.",
        RevisionKind::Cancel => "Earlier notices about the incident no longer hold.",
    };
    Some(text.to_owned())
}

/// Where those who ask may turn.
pub(super) fn contact(matter: &Matter<'_>) -> Option<String> {
    let contact = matter.sender.contact.as_deref().filter(|contact| !contact.trim().is_empty())?;
    Some(match matter.language {
        Language::Vi => format!("Mọi chi tiết xin liên hệ: {contact}."),
        Language::En => format!("For further information, please contact: {contact}."),
    })
}

/// What a letter asks of those whom it is addressed to, or thanks them for when it is over.
pub(super) const fn request(output: NoticeChannel, content: &Content, language: Language) -> &'static str {
    let over = content.kind.ends() || matches!(content.phase, Phase::AllClear | Phase::Cancelled);
    match (output, over, language) {
        (NoticeChannel::LetterToGenerators, false, Language::Vi) => {
            "Kính đề nghị Quý đơn vị duy trì sẵn sàng các tổ máy, thực hiện đúng mệnh lệnh điều độ và phối hợp chặt chẽ với các cấp điều độ cho đến khi hệ thống điện trở lại vận hành bình thường."
        }
        (NoticeChannel::LetterToGenerators, false, Language::En) => {
            "We ask you to keep your units ready, to follow the dispatchers' orders, and to stay in close contact with the dispatch centres until the system is back in normal operation."
        }
        (NoticeChannel::LetterToGenerators, true, Language::Vi) => {
            "Xin trân trọng cảm ơn Quý đơn vị đã phối hợp vận hành trong thời gian qua."
        }
        (NoticeChannel::LetterToGenerators, true, Language::En) => "We thank you for operating together with us.",
        (_, false, Language::Vi) => {
            "Kính đề nghị Quý Ủy ban thông tin đến nhân dân trên địa bàn và chỉ đạo các cơ quan liên quan phối hợp với đơn vị điện lực địa phương, ưu tiên bệnh viện, cấp nước, thông tin liên lạc và an ninh trật tự."
        }
        (_, false, Language::En) => {
            "We ask you to inform the people of your area and to have the authorities concerned work together with the local power company, hospitals, water supply, communications and public order first."
        }
        (_, true, Language::Vi) => {
            "Xin trân trọng cảm ơn Quý Ủy ban và nhân dân trên địa bàn đã chia sẻ và phối hợp trong thời gian qua."
        }
        (_, true, Language::En) => "We thank you and the people of your area for your patience and your help.",
    }
}
