use crate::{contact::code::codes, customer::phone};

codes! {
    /// Why a message gets no answer.
    Silence {
        /// The sender is a name, to which nobody can write.
        NamedSender = 1 "named_sender",
        /// The sender is a short code: another machine.
        ShortCodeSender = 2 "short_code_sender",
        /// The sender is one of our own numbers.
        OwnNumber = 3 "own_number",
        /// The text is one of our own answers, sent back.
        OwnText = 4 "own_text",
        /// This number has had as many answers as it gets within an hour.
        TooMany = 5 "too_many",
        /// This number has sent the same text again and again.
        Repeated = 6 "repeated",
    }
}

/// How much one number is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Answers within an hour.
    pub per_hour: u32,
    /// Answers to one text within ten minutes.
    pub same_text: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_hour: 20, same_text: 3 }
    }
}

/// What was exchanged with a number before this message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exchanged {
    /// Answers within the last hour.
    pub answered: i64,
    /// Answers to this very text within the last ten minutes.
    pub same_text: i64,
    /// Whether this very text was one of our own answers.
    pub own_text: bool,
}

/// Whether a message stays without an answer, because answering could go on for ever. `own` are our own numbers.
#[must_use]
pub fn silence(sender: &str, own: &[String], exchanged: &Exchanged, limits: &Limits) -> Option<Silence> {
    let plain: String = sender.chars().filter(|c| !c.is_whitespace()).collect();
    let ours = |known: &String| known.trim() == plain || (phone(known).is_ok() && phone(known) == phone(sender));
    if own.iter().any(ours) {
        return Some(Silence::OwnNumber);
    }
    if phone(sender).is_err() {
        let numeric = !plain.is_empty() && plain.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit());
        return Some(if numeric { Silence::ShortCodeSender } else { Silence::NamedSender });
    }
    if exchanged.own_text {
        return Some(Silence::OwnText);
    }
    if exchanged.same_text >= i64::from(limits.same_text) {
        return Some(Silence::Repeated);
    }
    (exchanged.answered >= i64::from(limits.per_hour)).then_some(Silence::TooMany)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn machines_and_ourselves_are_not_answered_and_people_are_up_to_a_limit() {
        let own = ["8055".to_owned(), "+84281234567".to_owned()];
        let of = |sender, exchanged: Exchanged| silence(sender, &own, &exchanged, &Limits::default());
        let none = Exchanged::default();
        assert_eq!(of("0903123456", none), None);
        assert_eq!(of("8055", none), Some(Silence::OwnNumber));
        assert_eq!(of("0281234567", none), Some(Silence::OwnNumber));
        assert_eq!(of("9029", none), Some(Silence::ShortCodeSender));
        assert_eq!(of("Viettel", none), Some(Silence::NamedSender));
        assert_eq!(of("", none), Some(Silence::NamedSender));
        assert_eq!(of("0903123456", Exchanged { own_text: true, ..none }), Some(Silence::OwnText));
        assert_eq!(of("0903123456", Exchanged { answered: 19, same_text: 2, ..none }), None);
        assert_eq!(of("0903123456", Exchanged { answered: 20, ..none }), Some(Silence::TooMany));
        assert_eq!(of("0903123456", Exchanged { same_text: 3, ..none }), Some(Silence::Repeated));
    }

    proptest! {
        #[test]
        fn only_numbers_to_which_one_can_write_are_answered(sender in "\\PC{0,30}") {
            let silent = silence(&sender, &[], &Exchanged::default(), &Limits::default()).is_some();
            prop_assert_eq!(silent, phone(&sender).is_err());
        }
    }
}
