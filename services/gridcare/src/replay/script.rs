//! What happens when, in the order of time: the incident, what people do about it, and what goes wrong besides.

use gridcare_domain::contact::Outcome;
use jiff::{SignedDuration, Timestamp};

use super::{
    incident::Story,
    storm::{self, Call, Storm},
    telling::NATION,
};
use crate::{demo::draw::Draw, failure::Failure};

/// What is told at one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    First,
    Apology,
    Progress,
    AllClear,
}

/// Something that happens; regions by their codes, customers by their numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// A control room records the outage, under the first claim of its onset.
    Recorded { region: String, customers: u64 },
    /// Another claim of the onset becomes known.
    Claimed { region: String, claim: usize },
    /// So many have supply again.
    Restored { region: String, customers: u64 },
    /// All have.
    RestoredAll { region: String },
    /// A corporation tells its customers.
    Tells { region: String, told: Told },
    /// A second person looks at what went out in an emergency.
    Reviews { region: String },
    /// The national utility tells all.
    TellsAll { told: Told },
    /// What goes out by hand is printed and sent.
    Prints { told: Told },
    /// Reports are grouped and joined to the outage.
    Groups { region: String },
    /// Calls that ended since the last time.
    Calls { region: String, calls: Vec<Call> },
    /// A customer writes an SMS.
    Writes { region: String, customer: u64 },
    /// Somebody looks at a corporation's page.
    Looks { region: String },
    /// A message centre takes less, or all of its rate again.
    Throttled { on: bool },
    /// A node is cut off, or is back.
    CutOff { on: bool },
}

/// The whole script, in the order of time.
pub(super) fn script(story: &Story) -> Result<Vec<(Timestamp, Event)>, Failure> {
    let (incident, assumed) = (&story.incident, &story.assumed);
    let mut script = Vec::new();
    let known = story.onset() + SignedDuration::from_mins(assumed.known_after_minutes);
    let sizes = sizes(story)?;
    for (region, customers) in &sizes {
        let mut add = |at, event| script.push((at, event));
        let name = || region.clone();
        let Some(plan) = story.plan(region) else { continue };
        add(known, Event::Recorded { region: name(), customers: *customers });
        for (claim, at) in (1..).zip(&assumed.claims_known_at) {
            add(*at, Event::Claimed { region: name(), claim });
        }
        add(plan.first_notice, Event::Tells { region: name(), told: Told::First });
        add(plan.review, Event::Reviews { region: name() });
        add(plan.apology, Event::Tells { region: name(), told: Told::Apology });
        add(plan.all_clear, Event::Tells { region: name(), told: Told::AllClear });
        for restored in assumed.restored.iter().filter(|restored| restored.region == *region) {
            add(restored.at, Event::Restored { region: name(), customers: share(*customers, restored.share) });
        }
        add(story.restored_at(), Event::RestoredAll { region: name() });
        people(story, region, *customers, plan.trunks, &mut add);
    }
    script.push((assumed.national.first_notice, Event::TellsAll { told: Told::First }));
    for at in &assumed.national.progress {
        script.push((*at, Event::TellsAll { told: Told::Progress }));
    }
    let looked_at = assumed.national.first_notice + SignedDuration::from_mins(10);
    script.push((looked_at, Event::Prints { told: Told::First }));
    script.push((looked_at, Event::Reviews { region: NATION.to_owned() }));
    script.push((assumed.national.apology, Event::TellsAll { told: Told::Apology }));
    script.push((assumed.national.apology, Event::Prints { told: Told::Apology }));
    script.push((assumed.national.all_clear, Event::TellsAll { told: Told::AllClear }));
    for (at, on) in [(assumed.throttled.from, true), (assumed.throttled.until, false)] {
        script.push((at, Event::Throttled { on }));
    }
    for (at, on) in [(assumed.cut_off.from, true), (assumed.cut_off.until, false)] {
        script.push((at, Event::CutOff { on }));
    }
    debug_assert!(!incident.regions.is_empty());
    // What happens at one moment happens in the order in which it was written.
    script.sort_by_key(|(at, _)| *at);
    Ok(script)
}

/// How many lose supply in each region, at the replay's scale: by how many each serves.
pub(super) fn sizes(story: &Story) -> Result<Vec<(String, u64)>, Failure> {
    let country = crate::demo::facts::Country::read()?;
    let dark: Vec<_> = country.regions.iter().filter(|r| story.incident.regions.contains(&r.code)).collect();
    let all: u64 = dark.iter().map(|region| u64::from(region.customers)).sum();
    let part =
        |customers: u32| u128::from(story.incident.customers_affected) * u128::from(customers) / u128::from(all.max(1));
    let size = |customers: u32| story.scaled(u64::try_from(part(customers)).unwrap_or(u64::MAX));
    Ok(dark.iter().map(|region| (region.code.clone(), size(region.customers))).collect())
}

/// Calls, messages, looks at the page, and the grouping of reports.
fn people(story: &Story, region: &str, customers: u64, trunks: u64, add: &mut impl FnMut(Timestamp, Event)) {
    let (assumed, onset) = (&story.assumed, story.onset());
    let ends = story.restored_at().duration_since(onset);
    let ends_ms = u64::try_from(ends.as_millis()).unwrap_or_default();
    let half_life_ms = assumed.half_life_minutes * 60_000.0;
    let made_of = Storm {
        affected: customers,
        callers: share(customers, assumed.callers),
        half_life_ms,
        ends_ms,
        trunks: usize::try_from(story.scaled(trunks)).unwrap_or(usize::MAX),
        patience_ms: f64::from(assumed.patience_seconds) * 1_000.0,
        talk_ms: f64::from(assumed.talk_seconds) * 1_000.0,
    };
    let name = || region.to_owned();
    let mut draw = Draw::named(&format!("replay/{region}"));
    let mut calls = storm::calls(&mut draw, &made_of);
    calls.sort_by_key(|call| (call.ended_ms(), call.at_ms, call.customer));
    let minute = |ms: u64| ms / 60_000 + 1;
    let after = |minutes: u64| onset + SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(i64::MAX));
    for calls in calls.chunk_by(|one, next| minute(one.ended_ms()) == minute(next.ended_ms())) {
        let at = after(minute(calls[0].ended_ms()));
        add(at, Event::Calls { region: name(), calls: calls.to_vec() });
    }
    let writers = share(customers, assumed.writers);
    for at in storm::moments(&mut draw, writers, half_life_ms, ends_ms) {
        let at = onset + SignedDuration::from_secs(i64::try_from(at / 1_000).unwrap_or_default());
        let customer = u64::from(draw.below(u32::try_from(customers).unwrap_or(u32::MAX)));
        add(at, Event::Writes { region: name(), customer });
    }
    let minutes = minute(ends_ms);
    for at in 0..minutes {
        add(after(at), Event::Looks { region: name() });
    }
    for at in (30..minutes).step_by(30) {
        add(after(at) + SignedDuration::from_secs(30), Event::Groups { region: name() });
    }
}

/// Calls by how they ended.
pub(super) fn ended(calls: &[Call], outcome: Outcome) -> u64 {
    calls.iter().filter(|call| call.outcome == outcome).count() as u64
}

fn share(of: u64, share: f64) -> u64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "customers of a country are far below 2^52"
    )]
    let part = (of as f64 * share).round() as u64;
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_in_order_and_tells_the_whole_story() {
        let story = Story::read(None, None).unwrap();
        assert_eq!(sizes(&story).unwrap(), [("HCMC".to_owned(), 20_000), ("SPC".to_owned(), 60_000)]);
        let script = script(&story).unwrap();
        assert!(script.is_sorted_by_key(|(at, _)| *at));
        let count = |is: fn(&Event) -> bool| script.iter().filter(|(_, event)| is(event)).count();
        assert_eq!(count(|event| matches!(event, Event::Recorded { .. })), 2);
        assert_eq!(count(|event| matches!(event, Event::Claimed { .. })), 4);
        assert_eq!(count(|event| matches!(event, Event::TellsAll { .. })), 5);
        let place = |wanted: &Event| script.iter().position(|(_, event)| event == wanted).unwrap();
        let (apologises, printed) = (Event::TellsAll { told: Told::Apology }, Event::Prints { told: Told::Apology });
        assert!(place(&apologises) < place(&printed), "local radio reads the nation's apology");
        let offered: usize =
            script.iter().map(|(_, event)| if let Event::Calls { calls, .. } = event { calls.len() } else { 0 }).sum();
        assert!((1_500..=1_600).contains(&offered), "two in a hundred call, {offered}");
    }
}
