use proptest::prelude::*;

use super::*;

const PHONE: &str = "84901234567";

fn key(n: u128) -> PartKey {
    PartKey { delivery: Uuid::from_u128(n), number: 1, total: 1 }
}

fn matching(ids: IdForm) -> Matching<u32> {
    Matching::new(Keeping { ids, ..Keeping::default() })
}

#[tokio::test(start_paused = true)]
async fn ids_are_matched_in_every_form_by_the_phone() {
    for (answered, receipted) in [("7ff", "2047"), ("2047", "7FF"), ("0007FF", "7ff"), ("abc-1", "ABC-1")] {
        let mut matching = matching(IdForm::Auto);
        assert!(matching.accepted(answered, PHONE, key(1)).is_empty());
        assert_eq!(matching.arrived(receipted, "0901234567", true, true, 5), Found::Part(key(1), 5), "{answered}");
        assert_eq!(matching.waiting(), 0, "a final receipt is the end");
    }
}

#[tokio::test(start_paused = true)]
async fn two_ids_that_read_alike_are_told_apart_by_their_phones() {
    let mut matching = matching(IdForm::Auto);
    // Hexadecimal 10 is 16, and hexadecimal 16 is 22: the receipt for 16 is for the first, not for the second.
    matching.accepted("10", "84901000001", key(1));
    matching.accepted("16", "84901000002", key(2));
    assert_eq!(matching.arrived("16", "84901000001", true, false, 0), Found::Part(key(1), 0));
    assert_eq!(matching.arrived("22", "84901000002", true, false, 0), Found::Part(key(2), 0));
    // What was learnt serves a receipt that comes from nowhere.
    matching.accepted("a", PHONE, key(3));
    assert_eq!(matching.arrived("10", "", true, false, 0), Found::Part(key(3), 0));
}

#[tokio::test(start_paused = true)]
async fn without_a_phone_only_the_known_form_counts() {
    let mut auto = matching(IdForm::Auto);
    auto.accepted("16", PHONE, key(1));
    assert_eq!(auto.arrived("22", "", true, false, 0), Found::Unknown(0));
    assert_eq!(auto.arrived("16", "", true, false, 0), Found::Part(key(1), 0));
    let mut known = matching(IdForm::HexThenDecimal);
    known.accepted("16", PHONE, key(1));
    assert_eq!(known.arrived("16", PHONE, true, false, 0), Found::Unknown(0));
    assert_eq!(known.arrived("22", "", true, false, 0), Found::Part(key(1), 0));
}

#[tokio::test(start_paused = true)]
async fn an_early_receipt_waits_for_its_answer_but_not_for_ever() {
    let mut matching = matching(IdForm::Auto);
    assert_eq!(matching.arrived("2047", PHONE, true, true, 1), Found::Held);
    assert_eq!(matching.arrived("9", "84900000000", true, true, 2), Found::Held);
    assert_eq!(matching.accepted("7ff", PHONE, key(1)), [1]);
    assert_eq!(matching.waiting(), 0);
    assert!(matching.next_overdue().is_some() && matching.overdue(Instant::now()).is_empty());
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(matching.overdue(Instant::now()), [2]);
    assert_eq!(matching.arrived("9", PHONE, true, false, 3), Found::Unknown(3), "no answer is awaited");
}

#[tokio::test(start_paused = true)]
async fn an_intermediate_receipt_keeps_the_part() {
    let mut matching = matching(IdForm::Same);
    matching.accepted("1", PHONE, key(1));
    assert_eq!(matching.arrived("1", PHONE, false, true, 0), Found::Part(key(1), 0));
    assert_eq!(matching.arrived("1", PHONE, true, true, 0), Found::Part(key(1), 0));
    assert_eq!(matching.arrived("1", PHONE, true, false, 0), Found::Unknown(0));
}

#[tokio::test(start_paused = true)]
async fn both_memories_are_bounded() {
    let mut matching = Matching::new(Keeping { parts: 10, early: 5, ..Keeping::default() });
    for n in 0..100_u32 {
        matching.accepted(&format!("id-{n}"), PHONE, key(u128::from(n)));
    }
    assert_eq!((matching.waiting(), matching.order.len()), (10, 10));
    let held = (0..100).filter(|n| matching.arrived(&format!("x-{n}"), PHONE, true, true, ()) == Found::Held).count();
    assert_eq!(held, 5);
}

proptest! {
    #[test]
    fn any_interleaving_of_answers_and_receipts_finds_every_part(
        hex: bool, order in Just((0..20_usize).flat_map(|n| [(n, true), (n, false)]).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut matching = Matching::new(Keeping::default());
            let mut found = std::collections::BTreeMap::new();
            for (n, is_answer) in order {
                let (number, phone) = (n as u64 * 7 + 250, format!("849010{n:05}"));
                if is_answer {
                    let id = if hex { format!("{number:X}") } else { format!("{number:010}") };
                    for held in matching.accepted(&id, &phone, key(n as u128)) {
                        found.insert(held, key(n as u128));
                    }
                } else if let Found::Part(part, held) = matching.arrived(&number.to_string(), &phone, true, true, n) {
                    found.insert(held, part);
                }
            }
            assert_eq!(found.len(), 20);
            assert!(found.iter().all(|(n, part)| *part == key(*n as u128)));
        });
    }
}
