//! Clocks as compact JSON: short keys, times as distances from the opening.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Clock, ClockKind, Clocks, Mode, RuleKey, Ruling};

/// Marks the layout; another one gets another number.
const LAYOUT: u8 = 1;

/// Why stored clocks cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It is not the JSON that clocks are.
    #[error("stored clocks are malformed: {0}")]
    Json(#[from] serde_json::Error),
    /// Another version wrote it.
    #[error("stored clocks have layout {0}, and this version reads {LAYOUT}: run the newer version")]
    Layout(u8),
    /// It contradicts itself.
    #[error("stored clocks are damaged: {0}")]
    Damaged(&'static str),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// Layout.
    v: u8,
    /// Opening.
    o: i64,
    /// Modes after the opening: when, which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    m: Vec<(i64, i64)>,
    /// First answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    a: Option<i64>,
    /// What events wait for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    h: Option<i64>,
    /// Void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x: Option<i64>,
    /// Clocks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    c: Vec<StoredClock>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredClock {
    /// Target.
    t: String,
    /// Kind.
    k: i64,
    /// Start.
    #[serde(default, skip_serializing_if = "is_zero")]
    s: i64,
    /// Rulings.
    r: Vec<StoredRuling>,
    /// End.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    e: Option<i64>,
    /// Void, 0 or 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    x: i64,
    /// Last warning noticed: thousandths, when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    w: Option<(u16, i64)>,
    /// Breach noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    b: Option<i64>,
}

/// A ruling with an event, or without.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredRuling {
    Plain(i64, String),
    Event(i64, String, i64),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(value: &i64) -> bool {
    *value == 0
}

impl Clocks {
    /// The clocks as they are stored; the same clocks are always the same text.
    #[must_use]
    pub fn encode(&self) -> String {
        let opened_us = self.opened_us();
        let since = |at_us: i64| at_us.saturating_sub(opened_us);
        let ruling = |ruling: &Ruling| match ruling.event_us {
            None => StoredRuling::Plain(since(ruling.at_us), ruling.rule.0.clone()),
            Some(event_us) => StoredRuling::Event(since(ruling.at_us), ruling.rule.0.clone(), since(event_us)),
        };
        let clock = |clock: &Clock| StoredClock {
            t: clock.target.clone(),
            k: clock.kind.number(),
            s: since(clock.started_us),
            r: clock.rulings.iter().map(ruling).collect(),
            e: clock.stopped_us.map(since),
            x: i64::from(clock.voided),
            w: clock.warned_us.map(|at_us| (clock.warned, since(at_us))),
            b: clock.breached_us.map(since),
        };
        let stored = Stored {
            v: LAYOUT,
            o: opened_us,
            m: self.modes.iter().skip(1).map(|(at_us, mode)| (since(*at_us), mode.number())).collect(),
            a: self.replied_us.map(since),
            h: self.happened_us.map(since),
            x: self.void_us.map(since),
            c: self.all.iter().map(clock).collect(),
        };
        // Strings and numbers always have a JSON form.
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// The clocks of a stored text.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Marked {
            v: u8,
        }
        let Marked { v } = serde_json::from_str(text)?;
        if v != LAYOUT {
            return Err(DecodeError::Layout(v));
        }
        let stored: Stored = serde_json::from_str(text)?;
        let at = |since: i64| instant(stored.o.checked_add(since));
        let optional = |since: Option<i64>| since.map(at).transpose();
        let opened_us = at(0)?;
        let mut modes = vec![(opened_us, Mode::Active)];
        for (since, number) in &stored.m {
            let mode = Mode::from_number(*number).ok_or(DecodeError::Damaged("unknown mode"))?;
            modes.push((at(*since)?, mode));
        }
        if !modes.is_sorted_by_key(|(at_us, _)| *at_us) {
            return Err(DecodeError::Damaged("modes out of order"));
        }
        Ok(Self {
            modes,
            replied_us: optional(stored.a)?,
            happened_us: optional(stored.h)?,
            void_us: optional(stored.x)?,
            all: stored.c.into_iter().map(|clock| read(clock, stored.o)).collect::<Result<_, _>>()?,
        })
    }
}

fn read(stored: StoredClock, opened_us: i64) -> Result<Clock, DecodeError> {
    let at = |since: i64| instant(opened_us.checked_add(since));
    let optional = |since: Option<i64>| since.map(at).transpose();
    let ruling = |stored: StoredRuling| {
        let (since, rule, event) = match stored {
            StoredRuling::Plain(since, rule) => (since, rule, None),
            StoredRuling::Event(since, rule, event) => (since, rule, Some(event)),
        };
        Ok::<_, DecodeError>(Ruling { at_us: at(since)?, rule: RuleKey(rule), event_us: optional(event)? })
    };
    let clock = Clock {
        target: stored.t,
        kind: ClockKind::from_number(stored.k).ok_or(DecodeError::Damaged("unknown kind of clock"))?,
        started_us: at(stored.s)?,
        rulings: stored.r.into_iter().map(ruling).collect::<Result<_, _>>()?,
        stopped_us: optional(stored.e)?,
        voided: match stored.x {
            0 => false,
            1 => true,
            _ => return Err(DecodeError::Damaged("void is 0 or 1")),
        },
        warned: stored.w.map_or(0, |(permille, _)| permille),
        warned_us: optional(stored.w.map(|(_, since)| since))?,
        breached_us: optional(stored.b)?,
    };
    let damage = match () {
        () if clock.rulings.is_empty() => "a clock without a rule",
        () if !clock.rulings.is_sorted_by_key(|ruling| ruling.at_us) => "rulings out of order",
        () if clock.stopped_us.is_some_and(|stopped_us| stopped_us < clock.started_us) => {
            "a clock ends before its start"
        }
        () if clock.voided && clock.stopped_us.is_none() => "a void clock goes on",
        () => return Ok(clock),
    };
    Err(DecodeError::Damaged(damage))
}

/// An instant that the calendar can express, so that no sum of what is read overflows.
fn instant(at_us: Option<i64>) -> Result<i64, DecodeError> {
    let at_us = at_us.filter(|at_us| Timestamp::from_microsecond(*at_us).is_ok());
    at_us.ok_or(DecodeError::Damaged("a time beyond the calendar"))
}
