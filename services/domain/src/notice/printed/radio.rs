//! Radio scripts: a greeting, the notice in short sentences as they are spoken, once more its title, and how long it takes.

use super::{Block, Matter, Paragraph, bold, middle, plain, reading, spoken, wording::contact};
use crate::customer::Language;

/// Words after which an announcer wants to breathe: a longer sentence is broken at its commas.
const BREATH: usize = 20;

pub(super) fn blocks(matter: &Matter<'_>) -> Vec<Block> {
    let (language, vi) = (matter.language, matter.language == Language::Vi);
    let name = matter.sender.name.of(language);
    let title = matter.title();
    let (kind, greeting, again, thanks) = if vi {
        (
            "LỜI ĐỌC PHÁT THANH",
            format!("Kính thưa quý thính giả, sau đây là thông báo của {name}."),
            "Xin nhắc lại:",
            "Xin cảm ơn quý thính giả đã theo dõi.",
        )
    } else {
        ("RADIO SCRIPT", format!("Here is a notice from {name}."), "Once more:", "Thank you for listening.")
    };
    let mut script = vec![greeting];
    script.extend(sentences(&title));
    for paragraph in matter.body() {
        script.extend(sentences(&paragraph));
    }
    script.extend(contact(matter).iter().flat_map(|contact| sentences(contact)));
    script.push(again.to_owned());
    script.extend(sentences(&title));
    script.push(thanks.to_owned());
    let aloud: Vec<_> = script
        .iter()
        .map(|sentence| spoken(sentence, language))
        .filter(|sentence| !sentence.is_empty())
        .scan(true, |begins, sentence| {
            let sentence = if *begins { capital(&sentence) } else { sentence };
            *begins = sentence.ends_with(['.', '!', '?']);
            Some(sentence)
        })
        .map(|sentence| Paragraph { aloud: true, large: true, ..plain(&sentence) })
        .collect();
    let seconds = reading::seconds_of(aloud.iter(), language);
    let length = if vi {
        format!("Thời lượng đọc: khoảng {seconds} giây")
    } else {
        format!("Reading time: about {seconds} seconds")
    };
    let mut blocks = vec![
        Block::Whole(middle(bold(&name.to_uppercase()))),
        Block::Whole(Paragraph { ruled: true, ..middle(bold(kind)) }),
        Block::Whole(middle(plain(&length))),
    ];
    blocks.extend(aloud.into_iter().map(Block::Whole));
    blocks
}

/// A text's sentences, short ones: what follows a colon or a semicolon is one of its own, and long ones end at a comma.
fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for sentence in split(text, |word| word.ends_with(['.', '!', '?', ';', ':', '…'])) {
        if sentence.len() <= BREATH {
            found.push(ended(&sentence));
        } else {
            let whole = sentence.join(" ");
            let mut breath: Vec<&str> = Vec::new();
            for part in split(&whole, |word| word.ends_with(',')) {
                if !breath.is_empty() && breath.len() + part.len() > BREATH {
                    found.push(ended(&breath));
                    breath.clear();
                }
                breath.extend(part);
            }
            found.push(ended(&breath));
        }
    }
    found
}

/// The words of a text in groups that end where it says.
fn split(text: &str, ends: impl Fn(&str) -> bool) -> Vec<Vec<&str>> {
    let mut groups = vec![Vec::new()];
    for word in text.split_whitespace() {
        if let Some(group) = groups.last_mut() {
            group.push(word);
        }
        // `TP.` and `Q.` end no sentence: a sentence's last word has small letters or digits.
        let shortened = word.ends_with('.') && word.trim_end_matches('.').chars().all(char::is_uppercase);
        if ends(word) && !shortened {
            groups.push(Vec::new());
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// A group of words as a line of its own, which ends where an announcer pauses.
fn ended(words: &[&str]) -> String {
    let text = words.join(" ");
    if text.ends_with(['.', '!', '?', ':', ';', ',', '…']) { text } else { format!("{text}.") }
}

fn capital(sentence: &str) -> String {
    let mut rest = sentence.chars();
    rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect()
}
