//! Who gets a ticket: agents on shift, with the skill and with room for one more.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    calendar::Span,
    contact::code::codes,
    refusal::{Refusal, RefusalKind},
};

codes! {
    /// By which order tickets are given out.
    Strategy {
        /// To whoever of the team waited longest.
        RoundRobin = 1 "round_robin",
        /// To whoever has the skill, and of those to the one with most room.
        BySkill = 2 "by_skill",
    }
}

/// Somebody who works on tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Opaque.
    pub id: String,
    /// Code of the team.
    pub team: String,
    /// Codes of the categories that this agent can handle.
    pub skills: Vec<String>,
    /// When this agent works, Monday first; a span over midnight belongs to the day it begins on.
    pub shifts: [Vec<Span>; 7],
    /// Where the wall clock of the shifts hangs.
    pub zone: TimeZone,
    /// Open tickets at most.
    pub capacity: u32,
    /// Whether this agent works here still.
    pub active: bool,
}

/// What an agent has to do already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Tickets that are assigned and not done.
    pub open: u32,
    /// When a ticket was last given to this agent; 0 for never.
    pub last_assigned_us: i64,
}

/// What a ticket asks of whoever gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs<'a> {
    /// Code of its category, which is the skill that [`Strategy::BySkill`] looks for.
    pub category: &'a str,
    /// The team that it belongs to; none is every team.
    pub team: Option<&'a str>,
}

impl Agent {
    /// Whether the wall clock of this agent stands in a shift.
    #[must_use]
    pub fn on_shift(&self, now_us: i64) -> bool {
        let Ok(now) = Timestamp::from_microsecond(now_us) else { return false };
        let wall = self.zone.to_datetime(now);
        let minute = i16::from(wall.hour()) * 60 + i16::from(wall.minute());
        let today = wall.date().weekday();
        // A shift that began yesterday may go on, up to the end of today.
        [(today, minute), (today.previous(), minute + 1440)].into_iter().any(|(day, minute)| {
            let spans = usize::try_from(day.to_monday_zero_offset()).map_or(&[][..], |day| &self.shifts[day]);
            let holds =
                |span: &Span| (i32::from(span.from_minute)..i32::from(span.until_minute)).contains(&minute.into());
            spans.iter().any(holds)
        })
    }

    fn has_skill(&self, category: &str) -> bool {
        self.skills.iter().any(|skill| skill == category)
    }

    fn has_room(&self, load: Load) -> bool {
        load.open < self.capacity
    }
}

/// Who gets the ticket.
///
/// Both strategies take only active members of the team who are on shift and below their capacity. Among them round robin
/// takes who was assigned least recently; by skill takes, of those who have it, the least loaded relative to capacity, then the
/// least recently assigned. What is still equal is decided by id, so that every replica chooses the same one.
pub fn choose<'a>(
    strategy: Strategy,
    needs: &Needs<'_>,
    agents: &'a [(Agent, Load)],
    now_us: i64,
) -> Result<&'a Agent, Refusal> {
    let member = |agent: &Agent| agent.active && needs.team.is_none_or(|team| agent.team == team);
    let able = |agent: &Agent| strategy != Strategy::BySkill || agent.has_skill(needs.category);
    let mut present: Vec<_> = agents.iter().filter(|(agent, _)| member(agent) && agent.on_shift(now_us)).collect();
    if present.is_empty() {
        return Err(refusal(
            needs,
            "NOBODY_ON_SHIFT",
            "nobody of the team is on shift: assign by hand, or wait for a shift",
        ));
    }
    present.retain(|(agent, _)| able(agent));
    if present.is_empty() {
        let message =
            format!("nobody on shift can handle {}: assign by hand, or give somebody the skill", needs.category);
        return Err(refusal(needs, "NOBODY_HAS_THE_SKILL", message));
    }
    present.retain(|(agent, load)| agent.has_room(*load));
    let chosen = present.into_iter().min_by(|(a, x), (b, y)| {
        // open / capacity of both, without a division; who is left has a capacity.
        let relative = (u64::from(x.open) * u64::from(b.capacity)).cmp(&(u64::from(y.open) * u64::from(a.capacity)));
        let by_load = if strategy == Strategy::BySkill { relative } else { std::cmp::Ordering::Equal };
        by_load.then(x.last_assigned_us.cmp(&y.last_assigned_us)).then_with(|| a.id.cmp(&b.id))
    });
    let full = "everybody who could take it has as many open tickets as they may: wait, or raise a capacity";
    chosen.map(|(agent, _)| agent).ok_or_else(|| refusal(needs, "ALL_AT_CAPACITY", full))
}

fn refusal(needs: &Needs<'_>, reason: &'static str, message: impl Into<String>) -> Refusal {
    let refusal = Refusal::new(RefusalKind::Precondition, reason, message).with("category", needs.category);
    match needs.team {
        Some(team) => refusal.with("team", team),
        None => refusal,
    }
}

#[cfg(test)]
mod tests {
    // One by one: the prelude has a Strategy of its own.
    use proptest::{
        prelude::{prop, prop_assert, prop_assert_eq, proptest},
        strategy::Strategy as Random,
    };

    use super::*;
    use crate::calendar::{
        CalendarSpec,
        wall_clock::{MINUTE, us, vn, works},
    };

    const MORNING: Span = Span { from_minute: 420, until_minute: 720 };

    fn agent(id: &str) -> Agent {
        Agent {
            id: id.into(),
            team: "hotline".into(),
            skills: vec!["outage".into()],
            shifts: std::array::from_fn(|_| vec![MORNING]),
            zone: TimeZone::get("Asia/Ho_Chi_Minh").unwrap(),
            capacity: 10,
            active: true,
        }
    }

    fn load(open: u32, last_assigned_us: i64) -> Load {
        Load { open, last_assigned_us }
    }

    fn chosen(strategy: Strategy, agents: &[(Agent, Load)]) -> Result<String, &'static str> {
        let needs = Needs { category: "outage", team: Some("hotline") };
        choose(strategy, &needs, agents, vn("2013-05-22 09:00")).map(|a| a.id.clone()).map_err(|refusal| refusal.reason)
    }

    #[test]
    fn round_robin_takes_who_waited_longest_however_much_they_have() {
        let agents = [(agent("an"), load(1, 30)), (agent("binh"), load(9, 10)), (agent("chi"), load(0, 20))];
        assert_eq!(chosen(Strategy::RoundRobin, &agents), Ok("binh".into()));
    }

    #[test]
    fn by_skill_takes_who_has_most_room_for_its_capacity() {
        let large = Agent { capacity: 100, ..agent("large") };
        let agents = [(agent("small"), load(2, 10)), (large, load(19, 30))];
        assert_eq!(chosen(Strategy::BySkill, &agents), Ok("large".into()));
        let unskilled = Agent { skills: vec!["meter".into()], ..agent("unskilled") };
        let agents = [(unskilled, load(0, 0)), (agent("an"), load(9, 10))];
        assert_eq!(chosen(Strategy::BySkill, &agents), Ok("an".into()));
    }

    #[test]
    fn what_is_equal_is_decided_by_the_last_assignment_and_then_by_id() {
        let agents = [(agent("chi"), load(1, 10)), (agent("binh"), load(1, 10)), (agent("an"), load(1, 11))];
        for strategy in Strategy::ALL {
            assert_eq!(chosen(*strategy, &agents), Ok("binh".into()));
        }
    }

    #[test]
    fn every_refusal_names_what_is_missing() {
        let away = Agent { shifts: Default::default(), ..agent("away") };
        let gone = Agent { active: false, ..agent("gone") };
        let elsewhere = Agent { team: "meters".into(), ..agent("elsewhere") };
        let absent = [(away, load(0, 0)), (gone, load(0, 0)), (elsewhere, load(0, 0))];
        let unskilled = [(Agent { skills: vec![], ..agent("unskilled") }, load(0, 0))];
        let full = [(agent("full"), load(10, 0)), (Agent { capacity: 0, ..agent("none") }, load(0, 0))];
        for strategy in Strategy::ALL {
            assert_eq!(chosen(*strategy, &absent), Err("NOBODY_ON_SHIFT"));
            assert_eq!(chosen(*strategy, &[]), Err("NOBODY_ON_SHIFT"));
            assert_eq!(chosen(*strategy, &full), Err("ALL_AT_CAPACITY"));
        }
        assert_eq!(chosen(Strategy::BySkill, &unskilled), Err("NOBODY_HAS_THE_SKILL"));
        assert_eq!(chosen(Strategy::RoundRobin, &unskilled), Ok("unskilled".into()));
    }

    #[test]
    fn a_night_shift_goes_on_after_midnight_of_the_agents_own_zone() {
        let mut night = Agent { shifts: Default::default(), ..agent("night") };
        // From ten on Wednesday evening until six.
        night.shifts[2] = vec![Span { from_minute: 1320, until_minute: 1800 }];
        for (at, on) in
            [("22 21:59", false), ("22 22:00", true), ("23 05:59", true), ("23 06:00", false), ("22 05:00", false)]
        {
            assert_eq!(night.on_shift(vn(&format!("2013-05-{at}"))), on, "{at}");
        }
        let berlin = Agent { zone: TimeZone::get("Europe/Berlin").unwrap(), ..agent("berlin") };
        assert!(berlin.on_shift(us("2013-05-22T05:00:00Z")) && !berlin.on_shift(us("2013-05-22T04:59:59Z")));
    }

    fn agents() -> impl Random<Value = Vec<(Agent, Load)>> {
        let span =
            (0_u16..1440, 1_u16..1440).prop_map(|(from, long)| Span { from_minute: from, until_minute: from + long });
        let shifts = prop::array::uniform7(prop::collection::vec(span, 0..2));
        let zone = prop::sample::select(vec!["Asia/Ho_Chi_Minh", "Europe/Berlin", "Australia/Lord_Howe"]);
        let skills = prop::sample::subsequence(vec!["outage".to_owned(), "meter".to_owned()], 0..=2);
        let team = prop::sample::select(vec!["hotline", "meters"]);
        let one = ("[a-z]{1,3}", team, skills, shifts, zone, 0_u32..4, prop::bool::weighted(0.9), 0_u32..4, 0_i64..4);
        let one = one.prop_map(|(id, team, skills, shifts, zone, capacity, active, open, last)| {
            let zone = TimeZone::get(zone).unwrap();
            (Agent { id, team: team.into(), skills, shifts, zone, capacity, active }, load(open, last))
        });
        prop::collection::vec(one, 0..8)
    }

    proptest! {
        #[test]
        fn nobody_off_shift_or_above_capacity_or_without_the_skill_gets_a_ticket(
            agents in agents(), minutes in 0_i64..40_000, strategy in prop::sample::select(Strategy::ALL), team: bool
        ) {
            let now_us = vn("2013-03-20 00:00") + minutes * MINUTE;
            let needs = Needs { category: "outage", team: team.then_some("hotline") };
            let fits = |(agent, load): &&(Agent, Load)| {
                // Told by the wall clock that the calendars' tests use.
                let spec = CalendarSpec {
                    id: String::new(), zone: agent.zone.clone(), week: agent.shifts.clone(),
                    holidays: [].into(), exceptions: [].into(),
                };
                let skilled = strategy == Strategy::RoundRobin || agent.skills.contains(&"outage".to_owned());
                let ours = !team || agent.team == "hotline";
                agent.active && ours && skilled && load.open < agent.capacity && works(&spec, now_us)
            };
            let fitting: Vec<_> = agents.iter().filter(fits).collect();
            match choose(strategy, &needs, &agents, now_us) {
                Ok(agent) => {
                    let (_, load) = fitting.iter().find(|(other, _)| std::ptr::eq(agent, other)).expect("a fitting one");
                    let load_of = |agent: &Agent, load: &Load| f64::from(load.open) / f64::from(agent.capacity);
                    for (other, theirs) in &fitting {
                        let later = load.last_assigned_us <= theirs.last_assigned_us;
                        let first = match strategy {
                            Strategy::RoundRobin => later,
                            Strategy::BySkill => load_of(agent, load) <= load_of(other, theirs),
                        };
                        prop_assert!(first);
                    }
                }
                Err(refusal) => {
                    prop_assert!(fitting.is_empty());
                    prop_assert!(["NOBODY_ON_SHIFT", "NOBODY_HAS_THE_SKILL", "ALL_AT_CAPACITY"].contains(&refusal.reason));
                }
            }
        }

        #[test]
        fn the_order_in_which_agents_come_makes_no_difference(agents in agents(), strategy in prop::sample::select(Strategy::ALL)) {
            let needs = Needs { category: "outage", team: None };
            let id = |agents: &[(Agent, Load)]| {
                choose(strategy, &needs, agents, vn("2013-05-22 09:00")).map(|a| a.id.clone()).map_err(|refusal| refusal.reason)
            };
            let mut reversed = agents.clone();
            reversed.reverse();
            prop_assert_eq!(id(&agents), id(&reversed));
        }
    }
}
