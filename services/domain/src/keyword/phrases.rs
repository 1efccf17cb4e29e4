//! What customers write in free words, folded. Not part of a standard's keywords: nobody has to learn it.

use super::Answer;

/// Words that are a whole message, by which no more notices are wanted. Networks ask that `STOP` works everywhere.
const STOP: [&str; 14] = [
    "stop",
    "stop all",
    "stopall",
    "unsubscribe",
    "cancel",
    "end",
    "quit",
    "huy",
    "huy dk",
    "huy dang ky",
    "huy tin",
    "tu choi",
    "dung",
    "ngung nhan tin",
];

/// Words that are a whole message, by which notices are wanted again.
const START: [&str; 5] = ["start", "unstop", "dk", "dang ky", "dk lai"];

/// Words that are a whole message, by which somebody asks how to ask.
const HELP: [&str; 9] = ["help", "info", "menu", "tro giup", "huong dan", "hd", "cu phap", "hotline", "tg"];

/// What says that there is no reason to report, though words of a report stand in it.
const DENIED: [&str; 12] = [
    "khong mat dien",
    "khong bi mat dien",
    "khong cup dien",
    "khong bi cup dien",
    "het mat dien",
    "khong con mat dien",
    "da co dien",
    "co dien roi",
    "co dien lai roi",
    "power is back",
    "no outage",
    "not out",
];

/// Phrases, the first that stands in a text decides. Questions go before reports, whose words they contain.
const PHRASES: [(&str, Answer); 44] = [
    ("lich cup dien", Answer::PlannedOutages),
    ("lich cat dien", Answer::PlannedOutages),
    ("lich mat dien", Answer::PlannedOutages),
    ("lich ngung", Answer::PlannedOutages),
    ("lich tam ngung", Answer::PlannedOutages),
    ("lich sua chua", Answer::PlannedOutages),
    ("planned outage", Answer::PlannedOutages),
    ("planned outages", Answer::PlannedOutages),
    ("outage schedule", Answer::PlannedOutages),
    ("mat dien", Answer::ReportOutage),
    ("bi mat dien", Answer::ReportOutage),
    ("cup dien", Answer::ReportOutage),
    ("cat dien", Answer::ReportOutage),
    ("khong co dien", Answer::ReportOutage),
    ("ko co dien", Answer::ReportOutage),
    ("k co dien", Answer::ReportOutage),
    ("kg co dien", Answer::ReportOutage),
    ("hong co dien", Answer::ReportOutage),
    ("khong dien", Answer::ReportOutage),
    ("chua co dien", Answer::ReportOutage),
    ("mat nguon dien", Answer::ReportOutage),
    ("tat dien", Answer::ReportOutage),
    ("dien tat", Answer::ReportOutage),
    ("dien bi cup", Answer::ReportOutage),
    ("dien bi mat", Answer::ReportOutage),
    ("dien bi cat", Answer::ReportOutage),
    ("dien cup", Answer::ReportOutage),
    ("su co dien", Answer::ReportOutage),
    ("cup cau dao", Answer::ReportOutage),
    ("no power", Answer::ReportOutage),
    ("no electricity", Answer::ReportOutage),
    ("power cut", Answer::ReportOutage),
    ("power failure", Answer::ReportOutage),
    ("power outage", Answer::ReportOutage),
    ("power is out", Answer::ReportOutage),
    ("power out", Answer::ReportOutage),
    ("blackout", Answer::ReportOutage),
    ("electricity is off", Answer::ReportOutage),
    ("khi nao co dien", Answer::PresentOutage),
    ("bao gio co dien", Answer::PresentOutage),
    ("may gio co dien", Answer::PresentOutage),
    ("chung nao co dien", Answer::PresentOutage),
    ("when will power", Answer::PresentOutage),
    ("power return", Answer::PresentOutage),
];

/// What a whole message says about notices, or about asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reserved {
    Stop,
    Start,
    Help,
}

/// The reserved word that a text is. `spaced` has one space between and around its words.
pub(super) fn reserved(spaced: &str) -> Option<Reserved> {
    let text = spaced.trim();
    let one_of = |words: &[&str]| words.contains(&text);
    if one_of(&STOP) {
        Some(Reserved::Stop)
    } else if one_of(&START) {
        Some(Reserved::Start)
    } else {
        one_of(&HELP).then_some(Reserved::Help)
    }
}

/// What a text in free words asks for or reports.
pub(super) fn meaning(spaced: &str) -> Option<Answer> {
    // `matdien` in one word is as common.
    let stands = |phrase: &str| {
        spaced.contains(&format!(" {phrase} ")) || spaced.contains(&format!(" {} ", phrase.replace(' ', "")))
    };
    if DENIED.iter().any(|phrase| stands(phrase)) {
        return None;
    }
    PHRASES.iter().find(|(phrase, _)| stands(phrase)).map(|(_, answer)| *answer)
}
