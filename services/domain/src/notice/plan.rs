//! What sending a notice will take, before it is sent.

use crate::{
    delivery::Wave,
    sms_text::{Encoding, SmsText},
};

/// How fast messages go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Parts that message centres take in a second, all together: networks count parts, not messages.
    pub parts_per_second: u32,
    /// Seconds before the first part goes out.
    pub delay_s: u32,
}

impl Route {
    /// The same for messages that may not go out for so many microseconds after publishing, such as over quiet hours.
    #[must_use]
    pub fn held(self, us: i64) -> Self {
        // Whole seconds, rounded up: nobody has it earlier than was said.
        let seconds = u64::try_from(us).unwrap_or(0).div_ceil(1_000_000);
        Self { delay_s: self.delay_s.saturating_add(u32::try_from(seconds).unwrap_or(u32::MAX)), ..self }
    }
}

/// Recipients who get the same message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group<'a> {
    /// When they are told.
    pub wave: Wave,
    /// How many they are.
    pub recipients: u64,
    /// What they get.
    pub text: &'a str,
    /// With diacritics, where the text has any.
    pub diacritics: bool,
}

/// What a group will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// When they are told.
    pub wave: Wave,
    /// How many they are.
    pub recipients: u64,
    /// How the text travels: the shorter way where it needs no diacritics.
    pub encoding: Encoding,
    /// Parts of one message.
    pub parts: u64,
    /// Whole seconds after the start within which all of them have it.
    pub done_after_s: u64,
}

/// What sending will take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they go out.
    pub groups: Vec<Planned>,
    /// All recipients.
    pub recipients: u64,
    /// All parts: what is paid for.
    pub parts: u64,
    /// Recipients whose message was taken within 30 minutes.
    pub within_30_minutes: u64,
    /// Recipients whose message was taken by the end of minute 1, 2, …, until all are or six hours have passed.
    pub curve: Vec<u64>,
    route: Route,
}

const LONGEST_CURVE_MINUTES: u64 = 360;

/// Plans sending to these groups over a route, in the order of their waves.
#[must_use]
pub fn plan(groups: &[Group<'_>], route: Route) -> Plan {
    let mut ordered: Vec<&Group<'_>> = groups.iter().collect();
    ordered.sort_by_key(|group| group.wave);
    let (mut planned, mut before) = (Vec::with_capacity(groups.len()), 0_u64);
    for group in ordered {
        let narrow = SmsText::new(group.text, Encoding::Gsm7);
        let wide = group.diacritics && narrow.text != group.text;
        let sms = if wide { SmsText::new(group.text, Encoding::Ucs2) } else { narrow };
        let parts = u64::try_from(sms.parts.len()).unwrap_or(u64::MAX);
        before = before.saturating_add(group.recipients.saturating_mul(parts));
        planned.push(Planned {
            wave: group.wave,
            recipients: group.recipients,
            encoding: sms.encoding,
            parts,
            done_after_s: before.checked_div(u64::from(route.parts_per_second)).map_or(u64::MAX, |_| {
                before.div_ceil(u64::from(route.parts_per_second)).saturating_add(u64::from(route.delay_s))
            }),
        });
    }
    let recipients = planned.iter().map(|group| group.recipients).fold(0, u64::saturating_add);
    let mut plan = Plan { groups: planned, recipients, parts: before, within_30_minutes: 0, curve: Vec::new(), route };
    plan.within_30_minutes = plan.reached_by(30 * 60);
    for minute in 1..=LONGEST_CURVE_MINUTES {
        let reached = plan.reached_by(minute * 60);
        plan.curve.push(reached);
        if reached == recipients {
            break;
        }
    }
    plan
}

impl Plan {
    /// Recipients all of whose parts were taken within so many seconds.
    #[must_use]
    pub fn reached_by(&self, seconds: u64) -> u64 {
        let rate = u64::from(self.route.parts_per_second);
        let mut budget = seconds.saturating_sub(u64::from(self.route.delay_s)).saturating_mul(rate);
        let mut reached = 0;
        for group in &self.groups {
            let whole = group.recipients.min(budget.checked_div(group.parts).unwrap_or(group.recipients));
            reached += whole;
            if whole < group.recipients {
                break;
            }
            budget -= whole * group.parts;
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ACCENTED: &str = "Mất điện tại quận 1 từ 14:05. Dự kiến có điện lại từ 15:30 đến 16:30 ngày 22/05/2013. Nguyên nhân: sự cố đường dây 500 kV. Gọi 1900 1006.";

    #[test]
    fn accents_cost_three_parts_where_plain_letters_take_one() {
        let group = |diacritics| Group { wave: Wave::Others, recipients: 8_000_000, text: ACCENTED, diacritics };
        let route = Route { parts_per_second: 4_445, delay_s: 0 };
        let narrow = plan(&[group(false)], route);
        assert_eq!((narrow.groups[0].encoding, narrow.groups[0].parts, narrow.parts), (Encoding::Gsm7, 1, 8_000_000));
        assert_eq!(narrow.within_30_minutes, 8_000_000);
        let wide = plan(&[group(true)], route);
        assert_eq!((wide.groups[0].encoding, wide.groups[0].parts), (Encoding::Ucs2, 3));
        assert_eq!(wide.within_30_minutes, 30 * 60 * 4_445 / 3);
        let ascii = plan(&[Group { text: "Power is back", ..group(true) }], route);
        assert_eq!(ascii.groups[0].encoding, Encoding::Gsm7, "what needs no diacritics goes the shorter way");
    }

    #[test]
    fn medical_customers_are_done_first_and_no_route_reaches_nobody() {
        let group = |wave, recipients| Group { wave, recipients, text: "x", diacritics: false };
        let groups = [group(Wave::Others, 100), group(Wave::Medical, 10)];
        let sent = plan(&groups, Route { parts_per_second: 10, delay_s: 5 });
        assert_eq!(
            sent.groups.iter().map(|g| (g.wave, g.done_after_s)).collect::<Vec<_>>(),
            [(Wave::Medical, 6), (Wave::Others, 16)]
        );
        assert_eq!((sent.reached_by(5), sent.reached_by(6), sent.reached_by(7)), (0, 10, 20));
        assert_eq!(plan(&groups, Route { parts_per_second: 0, delay_s: 0 }).curve.last(), Some(&0));
    }

    #[test]
    fn what_waits_for_the_morning_reaches_nobody_within_30_minutes() {
        let groups = [Group { wave: Wave::Others, recipients: 100, text: "x", diacritics: false }];
        let route = Route { parts_per_second: 10, delay_s: 5 };
        let night = 7 * 3_600 + 1_800;
        let held = plan(&groups, route.held(night * 1_000_000 - 999_999));
        assert_eq!((held.within_30_minutes, held.curve.last()), (0, Some(&0)));
        assert_eq!(held.groups[0].done_after_s, u64::try_from(night).unwrap() + 5 + 10);
        assert_eq!((route.held(0), route.held(-1)), (route, route), "what is due goes out at once");
        assert_eq!(route.held(i64::MAX).delay_s, u32::MAX);
    }

    /// The same, second by second and part by part.
    fn simulated(groups: &[(Wave, u64, u64)], route: Route, seconds: u64) -> u64 {
        let mut queue: Vec<(Wave, u64)> = groups
            .iter()
            .flat_map(|(wave, n, parts)| std::iter::repeat_n((*wave, *parts), usize::try_from(*n).unwrap()))
            .collect();
        queue.sort_by_key(|(wave, _)| *wave);
        let (mut at, mut reached) = (0, 0);
        for second in 0..seconds {
            if second < u64::from(route.delay_s) {
                continue;
            }
            for _ in 0..route.parts_per_second {
                let Some((_, left)) = queue.get_mut(at) else { return reached };
                *left -= 1;
                if *left == 0 {
                    at += 1;
                    reached += 1;
                }
            }
        }
        reached
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_curve_is_what_a_simulation_of_every_second_finds(
            groups in prop::collection::vec((prop::sample::select(Wave::ALL), 0_u64..400, any::<bool>(), 1_usize..260), 0..5),
            rate in 0_u32..7,
            delay in 0_u32..100,
        ) {
            let texts: Vec<String> = groups.iter().map(|(_, _, _, length)| "ệ".repeat(*length)).collect();
            let asked: Vec<_> = groups.iter().zip(&texts)
                .map(|((wave, recipients, diacritics, _), text)| Group { wave: *wave, recipients: *recipients, text, diacritics: *diacritics })
                .collect();
            let route = Route { parts_per_second: rate, delay_s: delay };
            let planned = plan(&asked, route);
            let flat: Vec<_> = planned.groups.iter().map(|g| (g.wave, g.recipients, g.parts)).collect();
            for (minute, reached) in (1_u64..).zip(&planned.curve).take(40) {
                prop_assert_eq!(*reached, simulated(&flat, route, minute * 60), "minute {}", minute);
            }
            prop_assert_eq!(planned.within_30_minutes, simulated(&flat, route, 30 * 60));
        }
    }
}
