//! Facts as few bytes, for the row that remembers what of a ticket is in the tallies.

use super::{ClockFact, ClockPhase, Facts, Repetition};
use crate::{
    metric::ddsketch::{read_varint, write_varint},
    ticket::State,
};

/// First byte, so that a later layout can be told apart.
const LAYOUT: u8 = 1;

/// Bytes that are no facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed facts: {0}")]
pub struct MalformedFacts(&'static str);

impl Facts {
    /// A compact encoding; equal facts have equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        number(&mut out, self.state.number());
        number(&mut out, i64::from(self.merged));
        for word in [&self.category, &self.topic, &self.channel, &self.team] {
            text(&mut out, word);
        }
        number(&mut out, self.opened_us);
        // Times are near the opening, and so are short as distances from it.
        number(&mut out, self.updated_us.wrapping_sub(self.opened_us));
        for at in [self.first_response_us, self.resolved_us, self.closed_us] {
            distance(&mut out, at, self.opened_us);
        }
        distance(&mut out, self.rated.map(|(_, at)| at), self.opened_us);
        if let Some((score, _)) = self.rated {
            number(&mut out, score);
        }
        number(&mut out, self.repetition.map_or(0, Repetition::number));
        clocks(&mut out, &self.clocks, self.opened_us);
        out
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`MalformedFacts`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedFacts> {
        let Some((&LAYOUT, rest)) = bytes.split_first() else { return Err(MalformedFacts("unknown layout")) };
        let mut read = Reader(rest);
        let state = State::from_number(read.number()?).ok_or(MalformedFacts("unknown state"))?;
        let merged = read.number()? != 0;
        let (category, topic, channel, team) = (read.text()?, read.text()?, read.text()?, read.text()?);
        let opened_us = read.number()?;
        let updated_us = opened_us.wrapping_add(read.number()?);
        let (first_response_us, resolved_us, closed_us) =
            (read.distance(opened_us)?, read.distance(opened_us)?, read.distance(opened_us)?);
        let rated = match read.distance(opened_us)? {
            Some(at) => Some((read.number()?, at)),
            None => None,
        };
        let repetition = Repetition::from_number(read.number()?);
        let clocks = read.clocks(opened_us)?;
        read.end()?;
        Ok(Self {
            state,
            merged,
            category,
            topic,
            channel,
            team,
            opened_us,
            updated_us,
            first_response_us,
            resolved_us,
            closed_us,
            rated,
            repetition,
            clocks,
        })
    }
}

/// Clocks alone in the same encoding.
#[must_use]
pub fn clocks_to_bytes(list: &[ClockFact]) -> Vec<u8> {
    let mut out = vec![LAYOUT];
    clocks(&mut out, list, 0);
    out
}

/// Reads what [`clocks_to_bytes`] wrote; nothing at all is no clocks.
///
/// # Errors
/// [`MalformedFacts`] for anything else.
pub fn clocks_from_bytes(bytes: &[u8]) -> Result<Vec<ClockFact>, MalformedFacts> {
    let Some((layout, rest)) = bytes.split_first() else { return Ok(Vec::new()) };
    if *layout != LAYOUT {
        return Err(MalformedFacts("unknown layout"));
    }
    let mut read = Reader(rest);
    let clocks = read.clocks(0)?;
    read.end()?;
    Ok(clocks)
}

fn clocks(out: &mut Vec<u8>, clocks: &[ClockFact], origin: i64) {
    write_varint(out, clocks.len() as u64);
    for clock in clocks {
        text(out, &clock.target);
        number(out, clock.kind);
        text(out, &clock.rule);
        number(out, clock.started_us.wrapping_sub(origin));
        for at in [clock.deadline_us, clock.stopped_us, clock.breached_us] {
            distance(out, at, clock.started_us);
        }
        number(out, clock.phase.number());
    }
}

/// A signed number, small ones short whatever their sign.
fn number(out: &mut Vec<u8>, value: i64) {
    write_varint(out, (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
}

fn text(out: &mut Vec<u8>, text: &str) {
    write_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn distance(out: &mut Vec<u8>, at: Option<i64>, origin: i64) {
    number(out, i64::from(at.is_some()));
    if let Some(at) = at {
        number(out, at.wrapping_sub(origin));
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self) -> Result<i64, MalformedFacts> {
        let raw = read_varint(&mut self.0).map_err(|e| MalformedFacts(e.0))?;
        Ok((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    fn length(&mut self) -> Result<usize, MalformedFacts> {
        let length = read_varint(&mut self.0).map_err(|e| MalformedFacts(e.0))?;
        // Everything takes a byte or more, so a length that lies cannot make us reserve memory.
        usize::try_from(length).ok().filter(|length| *length <= self.0.len()).ok_or(MalformedFacts("truncated"))
    }

    fn text(&mut self) -> Result<String, MalformedFacts> {
        let length = self.length()?;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        std::str::from_utf8(text).map(str::to_owned).map_err(|_| MalformedFacts("text that is not UTF-8"))
    }

    fn distance(&mut self, origin: i64) -> Result<Option<i64>, MalformedFacts> {
        Ok(if self.number()? == 0 { None } else { Some(origin.wrapping_add(self.number()?)) })
    }

    fn clocks(&mut self, origin: i64) -> Result<Vec<ClockFact>, MalformedFacts> {
        let length = self.length()?;
        let mut clocks = Vec::with_capacity(length);
        for _ in 0..length {
            let (target, kind, rule) = (self.text()?, self.number()?, self.text()?);
            let started_us = origin.wrapping_add(self.number()?);
            let (deadline_us, stopped_us, breached_us) =
                (self.distance(started_us)?, self.distance(started_us)?, self.distance(started_us)?);
            let phase = ClockPhase::from_number(self.number()?).ok_or(MalformedFacts("unknown phase"))?;
            clocks.push(ClockFact { target, kind, rule, started_us, deadline_us, stopped_us, breached_us, phase });
        }
        Ok(clocks)
    }

    const fn end(&self) -> Result<(), MalformedFacts> {
        if self.0.is_empty() { Ok(()) } else { Err(MalformedFacts("bytes are left over")) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::tally::tests::facts, *};

    proptest! {
        #[test]
        fn facts_survive_their_encoding(facts in facts()) {
            prop_assert_eq!(Facts::from_bytes(&facts.to_bytes()).unwrap(), facts.clone());
            prop_assert_eq!(clocks_from_bytes(&clocks_to_bytes(&facts.clocks)).unwrap(), facts.clocks);
        }

        #[test]
        fn broken_bytes_are_refused(facts in facts(), cut in any::<prop::sample::Index>(), noise in prop::collection::vec(any::<u8>(), 0..60)) {
            let bytes = facts.to_bytes();
            prop_assert!(Facts::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
            let _ = Facts::from_bytes(&noise);
            let _ = clocks_from_bytes(&noise);
        }
    }
}
