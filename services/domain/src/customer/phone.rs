/// Why a text is no telephone number. The text itself is personal and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give a telephone number such as 0901234567 or +84901234567; a foreign one with + and its country code")]
pub struct PhoneError;

/// Country code of numbers that name none.
const HOME: &str = "84";

/// Vietnam's mobile prefixes of eleven digits, which became shorter in September 2018, and what they became.
///
/// Old files hold the old ones; whoever had 0162 3456789 is reached under 032 3456789.
const RENUMBERED: [(&str, &str); 21] = [
    ("120", "70"),
    ("121", "79"),
    ("122", "77"),
    ("126", "76"),
    ("128", "78"),
    ("123", "83"),
    ("124", "84"),
    ("125", "85"),
    ("127", "81"),
    ("129", "82"),
    ("162", "32"),
    ("163", "33"),
    ("164", "34"),
    ("165", "35"),
    ("166", "36"),
    ("167", "37"),
    ("168", "38"),
    ("169", "39"),
    ("186", "56"),
    ("188", "58"),
    ("199", "59"),
];

/// A telephone number in E.164 form, `+84901234567`, from any usual way of writing it.
///
/// A number without a country code is taken for one of Vietnam. Service numbers, such as 1900 and 113, are no customer's.
///
/// # Errors
/// [`PhoneError`] when it is none.
pub fn phone(text: &str) -> Result<String, PhoneError> {
    let mut digits = String::with_capacity(16);
    let mut plus = false;
    for c in text.trim().chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() && !plus => plus = true,
            // What people put between digits, the space that does not break among them.
            ' ' | '.' | '-' | '(' | ')' | '\u{a0}' | '\u{2010}'..='\u{2013}' => {}
            _ => return Err(PhoneError),
        }
        if digits.len() > 17 {
            return Err(PhoneError);
        }
    }
    let international = if plus { Some(digits.as_str()) } else { digits.strip_prefix("00") };
    match international {
        Some(number) => match number.strip_prefix(HOME) {
            // Some write the national zero after the country code.
            Some(national) => of_vietnam(national.strip_prefix('0').unwrap_or(national)),
            None if (8..=15).contains(&number.len()) && !number.starts_with('0') => Ok(format!("+{number}")),
            None => Err(PhoneError),
        },
        None => match (digits.strip_prefix('0'), digits.strip_prefix(HOME)) {
            (Some(national), _) => of_vietnam(national),
            (None, Some(national)) if (9..=10).contains(&national.len()) => of_vietnam(national),
            // A spreadsheet that took the number for one has dropped its zero.
            (None, _) if digits.len() == 9 => of_vietnam(&digits),
            _ => Err(PhoneError),
        },
    }
}

/// A number of Vietnam without its zero: nine digits of a mobile phone, ten of a landline, or an older form of either.
fn of_vietnam(national: &str) -> Result<String, PhoneError> {
    if !(8..=10).contains(&national.len()) || national.starts_with('0') {
        return Err(PhoneError);
    }
    let new = RENUMBERED
        .iter()
        .filter(|_| national.len() == 10)
        .find_map(|(old, new)| national.strip_prefix(old).map(|rest| format!("+{HOME}{new}{rest}")));
    Ok(new.unwrap_or_else(|| format!("+{HOME}{national}")))
}

/// The ways in which a number in E.164 form stands in files and texts, without what people put between digits.
#[must_use]
pub fn spellings(number: &str) -> Vec<String> {
    let digits = number.trim_start_matches('+');
    let mut all = vec![format!("+{digits}"), digits.to_owned(), format!("00{digits}")];
    let Some(national) = digits.strip_prefix(HOME) else { return all };
    let old = RENUMBERED.iter().filter(|_| national.len() == 9);
    let old = old.filter_map(|(old, new)| national.strip_prefix(new).map(|rest| format!("{old}{rest}")));
    for national in std::iter::once(national.to_owned()).chain(old) {
        all.extend([format!("0{national}"), format!("{HOME}{national}"), format!("+{HOME}{national}")]);
        if national.len() == 9 {
            all.push(national);
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// How people group the ten digits of a number that begins with its zero: `0901 234 567`, `090 123 4567` and so on. None for
/// others.
#[must_use]
pub fn groupings(number: &str) -> Vec<Vec<&str>> {
    const LENGTHS: [&[usize]; 5] = [&[4, 3, 3], &[3, 3, 4], &[3, 4, 3], &[4, 6], &[4, 2, 2, 2]];
    if number.len() != 10 || !number.starts_with('0') || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let cut = |lengths: &&[usize]| {
        let mut rest = number;
        let group = |length: &usize| {
            let (group, after) = rest.split_at(*length);
            rest = after;
            group
        };
        lengths.iter().map(group).collect()
    };
    LENGTHS.iter().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_usual_way_of_writing_a_number_gives_the_same() {
        for text in [
            "0901234567",
            "090 123 45 67",
            "090.123.4567",
            "(090) 123-4567",
            "84901234567",
            "+84 90 123 4567",
            "+84 (0)901234567",
            "0084901234567",
            " 0901\u{a0}234\u{2013}567 ",
            "901234567",
        ] {
            assert_eq!(phone(text).as_deref(), Ok("+84901234567"), "{text}");
        }
        assert_eq!(phone("024 3822 2000").as_deref(), Ok("+842438222000"), "a landline of Hà Nội");
        assert_eq!(phone("+1 (415) 555-0100").as_deref(), Ok("+14155550100"), "a foreign number");
    }

    #[test]
    fn a_mobile_number_of_eleven_digits_is_the_shorter_one_that_it_became() {
        assert_eq!(phone("0162 345 6789").as_deref(), Ok("+84323456789"));
        assert_eq!(phone("+841203456789").as_deref(), Ok("+84703456789"));
        assert_eq!(phone("0199 345 6789").as_deref(), Ok("+84593456789"));
    }

    #[test]
    fn what_is_no_number_of_a_customer_is_refused() {
        for text in
            ["", "+", "113", "19001909", "0901", "09012345678901", "0901234567x12", "++84901234567", "lan", "+0901"]
        {
            assert_eq!(phone(text), Err(PhoneError), "{text}");
        }
    }

    #[test]
    fn the_groups_of_a_number_are_the_number() {
        assert_eq!(groupings("0901234567")[0], ["0901", "234", "567"]);
        assert!(groupings("0901234567").iter().all(|groups| groups.concat() == "0901234567"));
        assert!(groupings("+84901234567").is_empty());
    }

    proptest! {
        #[test]
        fn a_normal_form_is_normal(text in "[0-9+ .()-]{0,20}") {
            if let Ok(number) = phone(&text) {
                prop_assert_eq!(phone(&number), Ok(number.clone()));
                prop_assert!(number.len() <= 16 && number.starts_with('+'));
            }
        }

        #[test]
        fn every_spelling_is_of_the_same_number(text in "0[1-9][0-9]{8,9}") {
            let number = phone(&text).unwrap();
            let all = spellings(&number);
            prop_assert!(all.contains(&text), "{all:?}");
            for spelling in all {
                prop_assert_eq!(phone(&spelling), Ok(number.clone()), "{}", spelling);
            }
        }

        #[test]
        fn anything_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = phone(&text);
        }
    }
}
