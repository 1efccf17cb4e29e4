use crate::customer::ContactPoint;

/// What an import says of consents, after what the customer has said: of each contact point and purpose the later word stands, and
/// of two at one moment the import's. An import that says nothing of a purpose takes nothing back, and a contact point that it
/// leaves out is gone with all that was said of it.
pub fn keep_later_consents(given: &mut [ContactPoint], stored: &[ContactPoint]) {
    for point in given {
        let same = stored.iter().find(|before| before.kind == point.kind && before.value == point.value);
        for before in same.into_iter().flat_map(|same| &same.consents) {
            match point.consents.iter_mut().find(|consent| consent.purpose == before.purpose) {
                Some(consent) if consent.given_at >= before.given_at => {}
                Some(consent) => consent.clone_from(before),
                None => point.consents.push(before.clone()),
            }
        }
        point.consents.sort_by_key(|consent| consent.purpose);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::customer::{Consent, PointKind, Purpose};

    fn consent(purpose: Purpose, granted: bool, second: i64, source: &str) -> Consent {
        Consent { purpose, granted, given_at: Timestamp::from_second(second).unwrap(), source: source.into() }
    }

    fn phone(value: &str, consents: Vec<Consent>) -> ContactPoint {
        ContactPoint { kind: PointKind::Phone, value: value.into(), consents }
    }

    fn kept(mut given: Vec<ContactPoint>, stored: &[ContactPoint]) -> Vec<ContactPoint> {
        keep_later_consents(&mut given, stored);
        given
    }

    #[test]
    fn a_stop_outlives_an_older_contract_and_ends_with_a_newer_one() {
        let stopped = [phone("+84901", vec![consent(Purpose::OutageNotice, false, 20, "sms")])];
        let contract = |second| vec![phone("+84901", vec![consent(Purpose::OutageNotice, true, second, "contract")])];
        assert_eq!(kept(contract(19), &stopped), stopped);
        assert_eq!(kept(contract(20), &stopped), contract(20), "of two at one moment the import's stands");
        assert_eq!(kept(contract(21), &stopped), contract(21));
    }

    #[test]
    fn what_an_import_leaves_out_is_not_taken_back_and_purposes_stay_in_order() {
        let said = [
            consent(Purpose::OutageNotice, false, 20, "sms"),
            consent(Purpose::Billing, true, 10, "contract"),
            consent(Purpose::Survey, true, 20, "web"),
        ];
        let stored = [phone("+84901", vec![said[0].clone(), said[2].clone()])];
        assert_eq!(kept(vec![phone("+84901", vec![said[1].clone()])], &stored), [phone("+84901", said.to_vec())]);
    }

    #[test]
    fn what_was_said_of_one_contact_point_says_nothing_of_another() {
        let stored = [phone("+84901", vec![consent(Purpose::OutageNotice, false, 20, "sms")])];
        let email = ContactPoint { kind: PointKind::Email, value: "+84901".into(), consents: vec![] };
        let given = vec![phone("+84902", vec![consent(Purpose::OutageNotice, true, 1, "contract")]), email];
        assert_eq!(kept(given.clone(), &stored), given);
        assert_eq!(kept(vec![], &stored), []);
    }

    proptest! {
        #[test]
        fn the_same_import_again_changes_nothing(
            given in prop::collection::btree_map(prop::sample::select(Purpose::ALL), (any::<bool>(), 0_i64..4), 0..4),
            stored in prop::collection::btree_map(prop::sample::select(Purpose::ALL), (any::<bool>(), 0_i64..4), 0..4),
        ) {
            let all = |said: BTreeMap<Purpose, (bool, i64)>, source: &str| {
                let one = |(purpose, (granted, second))| consent(purpose, granted, second, source);
                vec![phone("+84901", said.into_iter().map(one).collect())]
            };
            let (given, stored) = (all(given, "contract"), all(stored, "sms"));
            let once = kept(given.clone(), &stored);
            prop_assert_eq!(kept(given, &once), once);
        }
    }
}
