//! Makes the contacts of January to May 2013, lazily and in the order of their arrival.
//!
//! The counts are the published ones; everything else about a contact is synthetic: its time within the profile, its
//! customer, topic, agent and durations are drawn from a fixed seed. There are no phone numbers in it, because any number
//! that has the shape of one may be somebody's.

use std::collections::VecDeque;

use gridcare_domain::{contact::Channel, topic::Topic};
use gridcare_proto::contact::v1::{self as wire, ContactDraft};
use prost_types::{Duration, Timestamp};

use super::{
    draw::Draw,
    facts::Region,
    plan::Stream,
    profile::{self, DAYS, START_S},
};

const HOUR_MS: u32 = 3_600_000;
const END_MS: u64 = DAYS as u64 * 24 * HOUR_MS as u64;

/// What callers and writers ask about, in ten thousandths; power outages are 31.69 %.
pub(super) const ASKED: [(Topic, u32); 15] = [
    (Topic::Outage, 3_169),
    (Topic::Bill, 1_840),
    (Topic::PlannedOutage, 912),
    (Topic::Payment, 871),
    (Topic::MeterReading, 780),
    (Topic::Debt, 702),
    (Topic::PowerQuality, 446),
    (Topic::NewSupply, 325),
    (Topic::Reconnection, 268),
    (Topic::MeterComplaint, 187),
    (Topic::ServiceComplaint, 118),
    (Topic::Relocation, 96),
    (Topic::Safety, 61),
    (Topic::Information, 178),
    (Topic::Other, 47),
];

/// What the keywords of a text message can ask for.
const KEYWORDS: [(Topic, u32); 5] = [
    (Topic::Outage, 3_169),
    (Topic::Bill, 2_874),
    (Topic::Debt, 1_653),
    (Topic::PlannedOutage, 1_320),
    (Topic::MeterReading, 984),
];

/// What visitors of the site do.
const LOOKED_UP: [(Topic, u32); 4] =
    [(Topic::WebLookup, 7_120), (Topic::Bill, 1_480), (Topic::PlannedOutage, 840), (Topic::NewSupply, 560)];

/// The contacts of one stream.
#[derive(Debug)]
pub(crate) struct Contacts {
    stream: Stream,
    prefixes: Vec<String>,
    customers: u32,
    agents: u32,
    draw: Draw,
    /// `upto[h]`: how many questions, calls or visits have arrived before hour `h` of the period.
    upto: Vec<u32>,
    hour: u32,
    ready: VecDeque<Planned>,
    /// Answers that leave after the hour of their question.
    later: Vec<Planned>,
    made: u32,
}

/// A contact before it is written out.
#[derive(Debug, Clone, Copy)]
struct Planned {
    /// Milliseconds since the period began.
    at_ms: u64,
    customer: u32,
    topic: Topic,
    answer: bool,
}

impl Contacts {
    /// The contacts of `stream`, whose region is `region`.
    pub(crate) fn of(stream: Stream, region: &Region) -> Self {
        let mut draw = Draw::named(&format!("{}/{}", stream.region, stream.channel));
        // A text message is a question, and then its answer.
        let arrivals = if stream.channel == Channel::Sms { stream.total.div_ceil(2) } else { stream.total };
        let upto = spread(&stream, arrivals, &mut draw);
        Self {
            stream,
            prefixes: region.customer_code_prefixes.clone(),
            customers: region.customers,
            // A hundred thousand calls in five months keep about fifty agents busy.
            agents: (stream.total / 2_000).max(12),
            draw,
            upto,
            hour: 0,
            ready: VecDeque::new(),
            later: Vec::new(),
            made: 0,
        }
    }

    /// How many there are in all.
    pub(crate) const fn total(&self) -> u32 {
        self.stream.total
    }

    /// Plans the next hour; false when there is none.
    fn plan_hour(&mut self) -> bool {
        let Some((&before, &after)) = self.upto.get(self.hour as usize).zip(self.upto.get(self.hour as usize + 1))
        else {
            return false;
        };
        let start = u64::from(self.hour) * u64::from(HOUR_MS);
        let end = start + u64::from(HOUR_MS);
        let dark = profile::blackout(self.stream.region, self.hour / 24, self.hour % 24);
        let mut hour = std::mem::take(&mut self.later);
        for number in before..after {
            let at_ms = start + u64::from(self.draw.below(HOUR_MS));
            let (customer, topic) = (self.customer(), self.topic(dark));
            hour.push(Planned { at_ms, customer, topic, answer: false });
            // An odd total leaves the very last question without an answer.
            if self.stream.channel == Channel::Sms && 2 * number + 1 < self.stream.total {
                let delay = u64::from(self.draw.milliseconds(6_000.0, 0.6, 120_000));
                hour.push(Planned { at_ms: (at_ms + delay).min(END_MS - 1), customer, topic, answer: true });
            }
        }
        let last = self.hour + 1 == DAYS * 24;
        if !last {
            let (now, later) = hour.into_iter().partition(|planned| planned.at_ms < end);
            (hour, self.later) = (now, later);
        }
        // Equal times keep the order in which they were drawn: a question before its answer.
        hour.sort_by_key(|planned| planned.at_ms);
        self.ready.extend(hour);
        self.hour += 1;
        true
    }

    /// Some customers ask often and most hardly ever: the smaller of two draws.
    fn customer(&mut self) -> u32 {
        let draw = self.draw.below(self.customers);
        draw.min(self.draw.below(self.customers))
    }

    fn topic(&mut self, dark: bool) -> Topic {
        match self.stream.channel {
            Channel::Sms | Channel::Hotline if dark && self.draw.below(10) < 9 => Topic::Outage,
            Channel::Sms => self.draw.weighted(&KEYWORDS, Topic::Information),
            Channel::Web => self.draw.weighted(&LOOKED_UP, Topic::WebLookup),
            _ => self.draw.weighted(&ASKED, Topic::Other),
        }
    }

    fn write(&mut self, planned: Planned) -> ContactDraft {
        self.made += 1;
        let channel = self.stream.channel;
        let mut draft = ContactDraft {
            source_key: format!("{}-{:07}", channel.code(), self.made),
            channel: i32::try_from(channel.number()).unwrap_or_default(),
            direction: if planned.answer { wire::Direction::Outbound } else { wire::Direction::Inbound }.into(),
            arrived_at: Some(at(planned.at_ms)),
            topic: planned.topic.code().to_owned(),
            ..ContactDraft::default()
        };
        let prefix = &self.prefixes[planned.customer as usize % self.prefixes.len()];
        let code = format!("{prefix}{:02}{:09}", 1 + planned.customer % 18, planned.customer);
        match channel {
            Channel::Hotline => {
                draft.customer_code = code;
                self.call(planned.at_ms, &mut draft);
            }
            Channel::Sms => {
                let outcome = if planned.answer { wire::Outcome::Answered } else { wire::Outcome::SelfServed };
                draft.customer_code = code;
                draft.ended_at = draft.arrived_at;
                draft.outcome = outcome.into();
            }
            _ => {
                // A visit of the site; one in five signs in.
                if self.draw.below(5) == 0 {
                    draft.customer_code = code;
                }
                let stayed = self.draw.milliseconds(140_000.0, 0.8, 3_600_000);
                draft.ended_at = Some(at(planned.at_ms + u64::from(stayed)));
                draft.outcome = wire::Outcome::SelfServed.into();
            }
        }
        draft
    }

    /// The times of a call that an agent answered.
    fn call(&mut self, arrived_ms: u64, draft: &mut ContactDraft) {
        let wait = self.draw.milliseconds(11_000.0, 0.9, 1_200_000);
        let talk = self.draw.milliseconds(98_000.0, 0.7, 3_600_000);
        let hold = if self.draw.below(100) < 14 { self.draw.milliseconds(24_000.0, 0.6, 600_000) } else { 0 };
        let wrap = self.draw.milliseconds(16_000.0, 0.5, 300_000);
        let answered = arrived_ms + u64::from(wait);
        draft.answered_at = Some(at(answered));
        draft.ended_at = Some(at(answered + u64::from(talk) + u64::from(hold)));
        draft.outcome = wire::Outcome::Answered.into();
        draft.wait = Some(lasting(wait));
        draft.talk = Some(lasting(talk));
        draft.hold = (hold > 0).then(|| lasting(hold));
        draft.wrap = Some(lasting(wrap));
        draft.agent = format!("synthetic-{:03}", 1 + self.draw.below(self.agents));
    }
}

impl Iterator for Contacts {
    type Item = ContactDraft;

    fn next(&mut self) -> Option<ContactDraft> {
        loop {
            if let Some(planned) = self.ready.pop_front() {
                return Some(self.write(planned));
            }
            if !self.plan_hour() {
                return None;
            }
        }
    }
}

/// Spreads arrivals over the hours by weight and a little chance, exactly: the running total is rounded, never the parts.
fn spread(stream: &Stream, arrivals: u32, draw: &mut Draw) -> Vec<u32> {
    let first = u32::try_from(stream.first.day_of_year()).unwrap_or(1).saturating_sub(1);
    let weights: Vec<u64> = (0..DAYS * 24)
        .map(|hour| {
            let chance = u64::from(85 + draw.below(31));
            let weight = profile::weight(stream.region, stream.channel, hour / 24, hour % 24);
            if hour / 24 < first { 0 } else { weight * chance / 100 }
        })
        .collect();
    let whole: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let mut sum = 0;
    let running = weights.iter().map(|weight| {
        sum += u128::from(*weight);
        u32::try_from(u128::from(arrivals) * sum / whole.max(1)).unwrap_or(arrivals)
    });
    std::iter::once(0).chain(running).collect()
}

fn at(ms: u64) -> Timestamp {
    let seconds = START_S + i64::try_from(ms / 1_000).unwrap_or_default();
    Timestamp { seconds, nanos: i32::try_from(ms % 1_000).unwrap_or_default() * 1_000_000 }
}

fn lasting(ms: u32) -> Duration {
    Duration { seconds: i64::from(ms / 1_000), nanos: i32::try_from(ms % 1_000).unwrap_or_default() * 1_000_000 }
}

#[cfg(test)]
mod tests {
    use gridcare_domain::customer_code::CustomerCode;

    use super::*;
    use crate::demo::{facts::Country, plan::STREAMS};

    fn contacts(region: &str, channel: Channel) -> Contacts {
        let stream = STREAMS.iter().find(|stream| stream.region == region && stream.channel == channel).unwrap();
        let country = Country::read().unwrap();
        Contacts::of(*stream, country.regions.iter().find(|r| r.code == region).unwrap())
    }

    fn ms(at: Timestamp) -> i64 {
        at.seconds * 1_000 + i64::from(at.nanos) / 1_000_000
    }

    #[test]
    fn every_stream_has_its_total_in_order_within_the_period() {
        for stream in STREAMS {
            let (mut count, mut last) = (0, START_S * 1_000);
            for contact in contacts(stream.region, stream.channel) {
                let arrived = ms(contact.arrived_at.unwrap());
                assert!(arrived >= last, "{stream:?} {}", contact.source_key);
                last = arrived;
                count += 1;
            }
            assert_eq!(count, stream.total, "{stream:?}");
            assert!(last < (START_S + i64::from(DAYS) * 86_400) * 1_000);
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_contacts_and_every_one_is_sound() {
        let made: Vec<_> = contacts("HANOI", Channel::Hotline).collect();
        assert!(made.iter().eq(contacts("HANOI", Channel::Hotline).collect::<Vec<_>>().iter()));
        for contact in &made {
            let code = CustomerCode::parse(&contact.customer_code).unwrap();
            assert!(code.as_str().starts_with("PD"));
            assert!(contact.answered_at.unwrap().seconds >= contact.arrived_at.unwrap().seconds);
            assert!(contact.ended_at.unwrap().seconds >= contact.answered_at.unwrap().seconds);
            assert!(Topic::parse(&contact.topic).is_some() && contact.contact_point.is_empty());
        }
        let outages = made.iter().filter(|contact| contact.topic == "outage").count() * 10_000 / made.len();
        assert!((3_000..3_350).contains(&outages), "{outages}");
    }

    #[test]
    fn questions_and_answers_are_equally_many_and_the_web_begins_in_april() {
        let (mut inbound, mut outbound) = (0, 0);
        for contact in contacts("SPC", Channel::Sms) {
            if contact.direction() == wire::Direction::Inbound {
                inbound += 1;
            } else {
                outbound += 1;
            }
            assert!(inbound >= outbound);
        }
        assert_eq!((inbound, outbound), (225_000, 225_000));
        let first = contacts("HCMC", Channel::Web).next().unwrap();
        assert!(first.arrived_at.unwrap().seconds >= START_S + 90 * 86_400);
    }
}
