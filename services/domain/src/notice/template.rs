use std::collections::BTreeSet;

use super::{NoticeText, Phase};
use crate::customer::Language;

/// What a template of notices can have filled in.
pub const PLACEHOLDERS: [&str; 9] =
    ["place", "since", "return_from", "return_until", "cause", "hotline", "region_name", "work_from", "work_until"];

/// Texts of one phase, with places to fill in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeTemplate {
    /// What it is about.
    pub phase: Phase,
    vi: (&'static str, &'static str),
    en: (&'static str, &'static str),
}

/// The template of a phase.
#[must_use]
pub const fn template(phase: Phase) -> NoticeTemplate {
    let (vi, en) = match phase {
        Phase::First => (
            (
                "Mất điện tại {place}",
                "{region_name}: mất điện tại {place} từ {since}. Dự kiến có điện lại từ {return_from} đến {return_until}. Nguyên nhân: {cause}. Liên hệ {hotline}.",
            ),
            (
                "Power cut in {place}",
                "{region_name}: no supply in {place} since {since}. Expected back between {return_from} and {return_until}. Cause: {cause}. Call {hotline}.",
            ),
        ),
        Phase::Apology => (
            (
                "Xin lỗi vì mất điện tại {place}",
                "{region_name} thành thật xin lỗi quý khách vì mất điện tại {place} từ {since} do {cause}. Liên hệ {hotline}.",
            ),
            (
                "Apology for the power cut in {place}",
                "{region_name} apologises for the loss of supply in {place} since {since}, caused by: {cause}. Call {hotline}.",
            ),
        ),
        Phase::Progress => (
            (
                "Đang khắc phục tại {place}",
                "{region_name}: đang khắc phục sự cố tại {place}. Dự kiến có điện lại từ {return_from} đến {return_until}. Liên hệ {hotline}.",
            ),
            (
                "Repair under way in {place}",
                "{region_name}: crews are at work in {place}. Supply expected back between {return_from} and {return_until}. Call {hotline}.",
            ),
        ),
        Phase::EstimateChanged => (
            (
                "Thay đổi thời gian có điện lại tại {place}",
                "{region_name}: thời gian dự kiến có điện lại tại {place} thay đổi: từ {return_from} đến {return_until}. Mong quý khách thông cảm. Liên hệ {hotline}.",
            ),
            (
                "New time of return in {place}",
                "{region_name}: supply in {place} is now expected back between {return_from} and {return_until}. We are sorry. Call {hotline}.",
            ),
        ),
        Phase::PartialRestoration => (
            (
                "Đã có điện lại một phần tại {place}",
                "{region_name}: một phần {place} đã có điện lại. Phần còn lại dự kiến từ {return_from} đến {return_until}. Liên hệ {hotline}.",
            ),
            (
                "Supply partly back in {place}",
                "{region_name}: part of {place} has supply again. The rest is expected between {return_from} and {return_until}. Call {hotline}.",
            ),
        ),
        Phase::AllClear => (
            (
                "Đã có điện lại tại {place}",
                "{region_name}: {place} đã có điện lại. Cảm ơn quý khách. Nếu vẫn mất điện xin gọi {hotline}.",
            ),
            (
                "Supply is back in {place}",
                "{region_name}: {place} has supply again. Thank you. If you are still without, call {hotline}.",
            ),
        ),
        Phase::Planned => (
            (
                "Lịch ngừng cấp điện tại {place}",
                "{region_name}: ngừng cấp điện tại {place} từ {work_from} đến {work_until}. Lý do: {cause}. Liên hệ {hotline}.",
            ),
            (
                "Planned work in {place}",
                "{region_name}: no supply in {place} from {work_from} to {work_until}. Reason: {cause}. Call {hotline}.",
            ),
        ),
        Phase::Cancelled => (
            (
                "Hủy lịch ngừng cấp điện tại {place}",
                "{region_name}: lịch ngừng cấp điện tại {place} từ {work_from} đến {work_until} đã hủy. Liên hệ {hotline}.",
            ),
            (
                "Planned work in {place} is cancelled",
                "{region_name}: the work in {place} from {work_from} to {work_until} does not take place. Call {hotline}.",
            ),
        ),
    };
    NoticeTemplate { phase, vi, en }
}

impl NoticeTemplate {
    /// The text with everything filled in, or the names for which there was nothing, in alphabetical order.
    pub fn fill(
        &self,
        language: Language,
        value: impl Fn(&str) -> Option<String>,
    ) -> Result<NoticeText, Vec<&'static str>> {
        let (title, body) = match language {
            Language::Vi => self.vi,
            Language::En => self.en,
        };
        let mut missing = BTreeSet::new();
        let text = NoticeText { title: filled(title, &value, &mut missing), body: filled(body, &value, &mut missing) };
        if missing.is_empty() { Ok(text) } else { Err(missing.into_iter().collect()) }
    }
}

fn filled(
    mut rest: &'static str,
    value: &impl Fn(&str) -> Option<String>,
    missing: &mut BTreeSet<&'static str>,
) -> String {
    let mut text = String::new();
    while let Some((before, (name, after))) = rest.split_once('{').and_then(|(b, a)| Some((b, a.split_once('}')?))) {
        text.push_str(before);
        // What is filled in is never read again: a place with braces stays a place.
        match value(name) {
            Some(value) => text.push_str(&value),
            None => drop(missing.insert(name)),
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sms_text::{Encoding, SmsText};

    #[test]
    fn every_template_asks_for_known_things_alone_and_for_the_same_in_both_languages() {
        for phase in Phase::ALL {
            let asked = |language| template(*phase).fill(language, |_| None).unwrap_err();
            assert_eq!(asked(Language::Vi), asked(Language::En), "{phase}");
            assert!(asked(Language::Vi).iter().all(|name| PLACEHOLDERS.contains(name)), "{phase}");
        }
    }

    #[test]
    fn what_is_filled_in_is_not_read_again() {
        let text = template(Phase::AllClear).fill(Language::En, |_| Some("{cause}".into())).unwrap();
        assert_eq!(text.title, "Supply is back in {cause}");
    }

    #[test]
    fn a_filled_template_takes_two_parts_at_most_without_diacritics() {
        let value = |name: &str| {
            Some(match name {
                "place" => "Quận Bình Thạnh, TP.HCM".to_owned(),
                "region_name" => "EVN HCMC".to_owned(),
                "hotline" => "1900545454".to_owned(),
                "cause" => "sự cố lưới điện".to_owned(),
                _ => "15:30 22/05/2013".to_owned(),
            })
        };
        for phase in Phase::ALL {
            let text = template(*phase).fill(Language::Vi, value).unwrap();
            let parts = SmsText::new(&text.body, Encoding::Gsm7).parts.len();
            assert!(parts <= 2, "{phase}: {parts}");
        }
    }
}
