use jiff::Timestamp;

use crate::outage::Outage;

/// Whether customers are still to be told of planned work as it is planned now: that it takes place, at another time than was
/// said, or not at all. `told` is when what is told of it was written, if something is: of several notices about it, each of which
/// has readers of its own, the newest published revision of the one that lags behind.
#[must_use]
pub fn needs_notice(work: &Outage, told: Option<Timestamp>, now: Timestamp) -> bool {
    let Some(plan) = work.plan.last() else { return false };
    let windows = std::iter::once(&plan.plan.window).chain(&plan.plan.alternative);
    let over = work.ended_at.is_some() || windows.map(|window| window.ends_at).all(|ends| ends <= now);
    // What was written before the plan changed says what was planned then, whenever it was published.
    !over && told.map_or(!plan.cancelled, |told| told < plan.at)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::outage::{Area, By, Cause, Change, Draft, OutageKind, Plan, Window};

    const BY: By<'static> = By { author: "lan", reason: "thời tiết" };

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_784_000_000 + hours * 3_600).unwrap()
    }

    fn plan(starts: i64) -> Plan {
        let window = Window { starts_at: at(starts), ends_at: at(starts + 4) };
        Plan { window, alternative: None, announced_at: None, emergency_reason: None }
    }

    fn work() -> Outage {
        let draft = Draft {
            kind: OutageKind::Planned,
            cause: Cause::Maintenance,
            areas: vec![Area { feeder: Some("471-E5".into()), ..Area::default() }],
            begins_at: None,
            ended_at: None,
            estimate: None,
            customers: None,
            parent: None,
            plan: Some(plan(200)),
            source: String::new(),
        };
        Outage::record(Uuid::nil(), draft, BY, at(0), 0).unwrap()
    }

    #[test]
    fn work_is_told_until_nobody_has_to_be_told_any_more() {
        let work = work();
        assert!(needs_notice(&work, None, at(1)));
        assert!(!needs_notice(&work, Some(at(1)), at(2)));
        assert!(!needs_notice(&work, None, at(204)), "what is over is told to nobody");
    }

    #[test]
    fn what_was_written_before_the_plan_changed_does_not_tell_the_change() {
        let moved = work().change(&[Change::Rescheduled(plan(300))], BY, at(10), 0).unwrap();
        assert!(needs_notice(&moved, Some(at(1)), at(11)));
        assert!(!needs_notice(&moved, Some(at(10)), at(11)));
        let cancelled = moved.change(&[Change::Cancelled], BY, at(20), 0).unwrap();
        assert!(needs_notice(&cancelled, Some(at(10)), at(21)));
        assert!(!needs_notice(&cancelled, Some(at(20)), at(21)));
        assert!(!needs_notice(&cancelled, None, at(21)), "of which nobody was told, nobody expects");
    }
}
