use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Area;
use crate::{
    clock::Limit,
    refusal::{Refusal, RefusalKind},
    standard::{Standard, limit},
};

/// The target of a standard that says how long before planned work its customers are told.
pub const NOTICE_TARGET: &str = "planned_outage_notice";

/// When work takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// From.
    pub starts_at: Timestamp,
    /// Until.
    pub ends_at: Timestamp,
}

/// What is planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// When it takes place.
    pub window: Window,
    /// When it takes place if it cannot then.
    pub alternative: Option<Window>,
    /// When customers were told; none: when it was recorded.
    pub announced_at: Option<Timestamp>,
    /// Why the notice cannot be kept; may be personal.
    pub emergency_reason: Option<String>,
}

impl Plan {
    /// When it may start.
    fn starts(&self) -> impl Iterator<Item = Timestamp> {
        std::iter::once(&self.window).chain(&self.alternative).map(|window| window.starts_at)
    }
}

/// One revision of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// From 1; grows with every change, so that whoever has told of one knows whether to tell again.
    pub number: i64,
    /// What is planned.
    pub plan: Plan,
    /// Where supply is lost by it.
    pub areas: Vec<Area>,
    /// Whether it does not take place.
    pub cancelled: bool,
    /// When it was recorded.
    pub at: Timestamp,
}

impl Revision {
    /// What differs from the revision before, by stable words.
    #[must_use]
    pub fn changed(&self, before: Option<&Self>) -> Vec<&'static str> {
        let Some(before) = before else { return Vec::new() };
        let (new, old) = (&self.plan, &before.plan);
        [
            ("starts_at", new.window.starts_at != old.window.starts_at),
            ("ends_at", new.window.ends_at != old.window.ends_at),
            ("alternative", new.alternative != old.alternative),
            ("areas", self.areas != before.areas),
            ("cancelled", self.cancelled != before.cancelled),
        ]
        .into_iter()
        .filter_map(|(what, differs)| differs.then_some(what))
        .collect()
    }
}

/// How long before planned work its customers must be told by the rules that hold on this day: the longest, when several do.
/// Zero when the standard has none.
#[must_use]
pub fn notice_us(standard: &Standard, at: Timestamp) -> i64 {
    let day = at.to_zoned(standard.zone().clone()).date();
    let rules = standard.bundle().target(NOTICE_TARGET).map_or(&[][..], |target| &target.rules);
    let holds = rules.iter().filter(|rule| rule.holds(day));
    let before = |limit| if let Limit::BeforeEvent { us } = limit { Some(us) } else { None };
    holds.filter_map(|rule| limit::read(&rule.limit).ok().and_then(before)).max().unwrap_or(0)
}

/// Refuses work of which customers cannot be told in time, whichever of its windows it takes place in. `before` is the plan
/// that it replaces: what only ends later, or moves to its alternative, was told in time if that one was.
pub(super) fn in_time(plan: &Plan, before: Option<&Plan>, now: Timestamp, notice_us: i64) -> Result<(), Refusal> {
    if plan.emergency_reason.is_some() {
        return Ok(());
    }
    let earliest = |starts_at: Timestamp| {
        // What has begun is recorded as it was announced; of what is still to come, recording is announcing.
        let announced = if starts_at <= now { plan.announced_at.unwrap_or(now) } else { now };
        announced.saturating_add(SignedDuration::from_micros(notice_us)).unwrap_or(Timestamp::MAX)
    };
    let told = |starts_at: Timestamp| before.is_some_and(|before| before.starts().any(|known| known == starts_at));
    let too_early = plan.starts().find(|starts_at| !told(*starts_at) && *starts_at < earliest(*starts_at));
    let Some(earliest) = too_early.map(earliest) else { return Ok(()) };
    let required = limit::write(&Limit::BeforeEvent { us: notice_us });
    let message = format!(
        "customers are told of planned work {required}; let it start at {earliest} or later, or say why it is an emergency"
    );
    Err(Refusal::new(RefusalKind::Precondition, "NOTICE_TOO_SHORT", message)
        .with("required", required)
        .with("earliest_start", earliest.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_784_000_000 + hours * HOUR).unwrap()
    }

    fn plan(starts: i64) -> Plan {
        let window = Window { starts_at: at(starts), ends_at: at(starts + 4) };
        Plan { window, alternative: None, announced_at: None, emergency_reason: None }
    }

    #[test]
    fn the_shipped_standard_asks_for_five_days() {
        let standard = Standard::compile(crate::standard::read(crate::standard::builtin()).unwrap()).unwrap();
        let day = Timestamp::from_second(1_784_000_000).unwrap();
        assert_eq!(notice_us(&standard, day), 5 * 24 * HOUR * 1_000_000);
        assert_eq!(notice_us(&standard, Timestamp::UNIX_EPOCH), 0, "no rule holds in 1970");
    }

    #[test]
    fn work_is_told_five_days_before_unless_it_is_an_emergency() {
        let notice = 120 * HOUR * 1_000_000;
        assert_eq!(in_time(&plan(120), None, at(0), notice), Ok(()));
        let refused = in_time(&plan(119), None, at(0), notice).unwrap_err();
        assert_eq!((refused.reason, refused.metadata[0].1.as_str()), ("NOTICE_TOO_SHORT", "5 d before"));
        let emergency = Plan { emergency_reason: Some("a pole leans over a road".into()), ..plan(1) };
        assert_eq!(in_time(&emergency, None, at(0), notice), Ok(()));
        let claimed = Plan { announced_at: Some(at(-200)), ..plan(20) };
        assert!(in_time(&claimed, None, at(0), notice).is_err(), "of what is to come, recording is announcing");
        assert_eq!(in_time(&Plan { announced_at: Some(at(-200)), ..plan(-10) }, None, at(0), notice), Ok(()));
        assert!(in_time(&plan(-10), None, at(0), notice).is_err());
        let longer = Plan { window: Window { ends_at: at(30), ..plan(20).window }, ..plan(20) };
        assert_eq!(in_time(&longer, Some(&plan(20)), at(0), notice), Ok(()), "it starts when it was to start");
        assert!(in_time(&plan(21), Some(&plan(20)), at(0), notice).is_err());
    }

    #[test]
    fn of_an_alternative_customers_are_told_as_early() {
        let notice = 120 * HOUR * 1_000_000;
        let either = |starts, other| Plan { alternative: Some(plan(other).window), ..plan(starts) };
        assert_eq!(in_time(&either(200, 120), None, at(0), notice), Ok(()));
        assert_eq!(in_time(&either(200, 119), None, at(0), notice).unwrap_err().reason, "NOTICE_TOO_SHORT");
        let begun = Plan { announced_at: Some(at(-200)), ..either(-10, 20) };
        assert!(in_time(&begun, None, at(0), notice).is_err(), "the alternative is still to come");
        assert!(in_time(&either(200, 230), Some(&plan(200)), at(190), notice).is_err());
        assert_eq!(in_time(&plan(230), Some(&either(200, 230)), at(190), notice), Ok(()), "this was told in time");
    }
}
