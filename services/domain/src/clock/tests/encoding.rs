use proptest::prelude::*;

use super::stories::stories;
use crate::clock::{Clocks, DecodeError};

/// Stored by the first version; every later one reads it, and writes it again like this.
const STORED: &str = concat!(
    r#"{"v":1,"o":1369180800000000,"m":[[3600000000,2],[7200000000,1]],"a":5400000000,"h":1,"x":9000000000,"c":["#,
    r#"{"t":"answer","k":1,"r":[[0,"evn-2013.1/answer/0"]],"e":5400000000},"#,
    r#"{"t":"restore","k":3,"r":[[0,"evn-2013.1/restore/0"],[60000000,"evn-2013.2/restore/0"]],"e":9000000000,"x":1,"w":[800,5760000000],"b":7200000000},"#,
    r#"{"t":"next_answer","k":2,"s":6000000000,"r":[[6000000000,"evn-2013.2/next_answer/0"]],"e":9000000000,"x":1},"#,
    r#"{"t":"notice","k":4,"r":[[0,"evn-2013.1/notice/0",-86400000000]],"e":1}]}"#,
);

#[test]
fn what_was_stored_once_is_read_for_ever() {
    let clocks = Clocks::decode(STORED).unwrap();
    assert_eq!(clocks.encode(), STORED);
    assert_eq!(clocks.all()[1].warned, 800);
    assert_eq!(clocks.all()[3].rulings[0].event_us, Some(1_369_094_400_000_000));
}

#[test]
fn another_layout_and_what_contradicts_itself_are_refused() {
    assert!(matches!(Clocks::decode(&STORED.replacen(":1", ":2", 1)), Err(DecodeError::Layout(2))));
    assert!(matches!(Clocks::decode("[]"), Err(DecodeError::Json(_))));
    assert!(matches!(Clocks::decode(""), Err(DecodeError::Json(_))));
    for (from, to) in [
        (r#""k":1"#, r#""k":9"#),
        ("[3600000000,2]", "[3600000000,7]"),
        ("[3600000000,2]", "[8600000000,2]"),
        (r#"[[0,"evn-2013.1/answer/0"]]"#, "[]"),
        (r#"[[0,"evn-2013.1/restore/0"]"#, r#"[[70000000,"evn-2013.1/restore/0"]"#),
        (r#""x":1,"w""#, r#""x":2,"w""#),
        (r#""s":6000000000"#, r#""s":9600000000"#),
        (r#""e":9000000000,"x":1}"#, r#""x":1}"#),
        (r#""o":1369180800000000"#, r#""o":9223372036854775807"#),
        (r#""a":5400000000"#, r#""a":9223372036854775807"#),
        (r#""h":1"#, r#""z":1"#),
    ] {
        assert!(STORED.contains(from), "{from}");
        assert!(Clocks::decode(&STORED.replacen(from, to, 1)).is_err(), "{from} as {to}");
    }
}

proptest! {
    #[test]
    fn garbage_is_refused_without_panicking(text in "\\PC{0,80}", keys in "[{}\\[\\]\",:0-9votkrcmx-]{0,60}") {
        let _ = (Clocks::decode(&text), Clocks::decode(&keys));
    }

    #[test]
    fn a_damaged_text_is_refused_or_read_as_something_whole(at in 0..STORED.len(), with in "[0-9,\"\\[\\]{}:a-z-]", cut: bool) {
        let damaged = format!("{}{}{}", &STORED[..at], with, if cut { "" } else { &STORED[at + 1..] });
        if let Ok(clocks) = Clocks::decode(&damaged) {
            prop_assert_eq!(Clocks::decode(&clocks.encode()).unwrap(), clocks.clone());
            // Whatever was read can be asked anything.
            let book = super::stories::Book::new();
            let _ = (clocks.next_due(&book), clocks.explain(&book, i64::MAX), clocks.explain(&book, i64::MIN));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn absurd_times_do_not_panic(story in stories(0, true), at: i64, event: i64, now: i64) {
        let book = story.book();
        let mut clocks = Clocks::open(&story.rules[0], at, Some(event));
        clocks.ruled(&story.rules[1], event, Some(at));
        clocks.notice(&book, now);
        let _ = (clocks.next_due(&book), clocks.deadline(&book), clocks.states(&book), clocks.explain(&book, now));
        let _ = Clocks::decode(&clocks.encode());
    }
}
