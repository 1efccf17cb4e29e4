use gridcare_domain::report::{ClockFact, ClockPhase, Facts, Repetition, clock_detail};

use crate::{
    convert::{code, time},
    federation::v1::FederatedTicket,
    ticket::v1 as ticket,
};

fn us(at: Option<&prost_types::Timestamp>) -> Option<i64> {
    at.and_then(time::instant).map(jiff::Timestamp::as_microsecond)
}

/// What reports know of a ticket of a feed.
pub fn facts_from_wire(ticket: &FederatedTicket) -> Result<Facts, String> {
    let missing = |what: &str| format!("a ticket has no {what}");
    let opened_us = us(ticket.opened_at.as_ref()).ok_or_else(|| missing("opened_at"))?;
    let rated = match ticket.satisfaction {
        0 => None,
        score @ 1..=5 => us(ticket.rated_at.as_ref()).map(|at| (i64::from(score), at)),
        _ => return Err(missing("satisfaction between 1 and 5")),
    };
    Ok(Facts {
        state: code::state_from_wire(ticket.state).ok_or_else(|| missing("known state"))?,
        merged: !ticket.merged_into_id.is_empty(),
        category: ticket.category.clone(),
        topic: ticket.topic.clone(),
        channel: ticket.channel.clone(),
        team: ticket.team.clone(),
        opened_us,
        updated_us: us(ticket.updated_at.as_ref()).unwrap_or(opened_us),
        first_response_us: us(ticket.first_response_at.as_ref()),
        resolved_us: us(ticket.resolved_at.as_ref()),
        closed_us: us(ticket.closed_at.as_ref()),
        rated,
        repetition: Repetition::from_number(i64::from(ticket.repetition)),
        clocks: ticket.clocks.iter().map(clock_from_wire).collect::<Result<_, _>>()?,
    })
}

/// A clock of a ticket. Its codes must have no blank, since reports put them beside each other.
pub fn clock_from_wire(clock: &ticket::Clock) -> Result<ClockFact, String> {
    let missing = |what: &str| format!("a clock has no {what}");
    let read = ClockFact {
        target: clock.target.clone(),
        kind: i64::from(clock.kind),
        rule: clock.rule.clone(),
        started_us: us(clock.started_at.as_ref()).ok_or_else(|| missing("started_at"))?,
        deadline_us: us(clock.deadline.as_ref()),
        stopped_us: us(clock.stopped_at.as_ref()),
        breached_us: us(clock.breached_at.as_ref()),
        phase: ClockPhase::from_number(i64::from(clock.phase)).ok_or_else(|| missing("known phase"))?,
    };
    if clock_detail(&read).split_whitespace().count() == 4 {
        Ok(read)
    } else {
        Err(missing("target or rule that is a code"))
    }
}

/// The same on the wire.
#[must_use]
pub fn clock_to_wire(clock: &ClockFact) -> ticket::Clock {
    ticket::Clock {
        target: clock.target.clone(),
        kind: i32::try_from(clock.kind).unwrap_or(0),
        rule: clock.rule.clone(),
        started_at: Some(time::micros(clock.started_us)),
        deadline: clock.deadline_us.map(time::micros),
        stopped_at: clock.stopped_us.map(time::micros),
        breached_at: clock.breached_us.map(time::micros),
        phase: i32::try_from(clock.phase.number()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::v1 as wire;
    use gridcare_domain::report::{ClockOutcome, Measure, day::Step};

    #[test]
    fn every_code_of_a_report_has_its_name_on_the_wire() {
        for phase in ClockPhase::ALL {
            let name = ticket::ClockPhase::try_from(i32::try_from(phase.number()).unwrap()).unwrap().as_str_name();
            assert_eq!(name, format!("CLOCK_PHASE_{}", phase.code().to_uppercase()));
        }
        for repetition in Repetition::ALL {
            let name = ticket::Repetition::try_from(i32::try_from(repetition.number()).unwrap()).unwrap().as_str_name();
            assert_eq!(name, format!("REPETITION_{}", repetition.code().to_uppercase()));
        }
        for outcome in ClockOutcome::ALL {
            let name = wire::ClockOutcome::try_from(i32::try_from(outcome.number()).unwrap()).unwrap().as_str_name();
            assert_eq!(name, format!("CLOCK_OUTCOME_{}", outcome.code().to_uppercase()));
        }
        for measure in Measure::ALL {
            let name = wire::ReportMeasure::try_from(i32::try_from(measure.number()).unwrap()).unwrap().as_str_name();
            assert_eq!(name, format!("REPORT_MEASURE_{}", measure.code().to_uppercase()));
        }
        for step in Step::ALL {
            let name = wire::ReportStep::try_from(i32::try_from(step.number()).unwrap()).unwrap().as_str_name();
            assert_eq!(name, format!("REPORT_STEP_{}", step.code().to_uppercase()));
        }
    }

    #[test]
    fn a_clock_with_a_blank_in_its_codes_is_refused() {
        let sound = ticket::Clock {
            target: "connect".into(),
            kind: 3,
            rule: "evn-2013.1/connect/0".into(),
            started_at: Some(time::micros(5)),
            phase: 1,
            ..Default::default()
        };
        assert_eq!(clock_to_wire(&clock_from_wire(&sound).unwrap()), sound);
        for broken in [
            ticket::Clock { target: "con nect".into(), ..sound.clone() },
            ticket::Clock { target: String::new(), ..sound.clone() },
            ticket::Clock { rule: "a\tb".into(), ..sound.clone() },
            ticket::Clock { phase: 77, ..sound.clone() },
            ticket::Clock { started_at: None, ..sound },
        ] {
            assert!(clock_from_wire(&broken).is_err(), "{broken:?}");
        }
    }
}
