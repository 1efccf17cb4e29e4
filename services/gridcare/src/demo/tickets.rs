//! Makes the tickets of January to May 2013: opened, answered, worked, closed and rated, as another system would have kept
//! them; the nodes give them the clocks that their histories deserve under the standard of 2013.
//!
//! Everything about them is synthetic from a fixed seed; what they are about is in the proportions of the calls, 31.69 % of
//! them about outages, to the ticket.

use gridcare_domain::{contact::Channel, topic::Topic};
use gridcare_proto::ticket::v1::{
    ImportTicketsRequest, ImportedEvent, ImportedTicket, Locality, OpenTicketRequest, TicketState, TimelineKind,
    imported_event::Event, ticket_service_client::TicketServiceClient,
};
use prost_types::Timestamp;
use tonic::{Code, Response, Status};

use super::{
    contacts::ASKED,
    country::Running,
    draw::{Draw, GENERATION},
    facts::{Country, Region},
    profile::{self, DAYS, START_S},
};
use crate::{
    connection::Connection,
    failure::{self, Failure},
};

/// Tickets of the country, so that every weight is a whole number of them; each region has its share.
const NATIONAL: u32 = 10_000;
/// Tickets in one request.
const BATCH: usize = 500;
/// How often a request is sent at most.
const TRIES: usize = 20;
/// The other system.
const SOURCE: &str = "synthetic-2013/tickets";
const MINUTE: u32 = 60_000;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

/// Imports the tickets of a region; those that an earlier run brought in change nothing. Returns how many there are.
pub(super) async fn bring_in(running: &Running, country: &Country, region: &Region) -> Result<u64, Failure> {
    let name = format!("{} tickets", region.code);
    let Some(url) = running.node_url(&region.code) else {
        return Err(Failure::said(format!("{name}: there is no such node")));
    };
    let mut client = TicketServiceClient::new(Connection::near(url).caller()?).max_encoding_message_size(16 << 20);
    let tickets = made(country, region);
    let mut kept = 0;
    for (number, batch) in tickets.chunks(BATCH).enumerate() {
        let request = ImportTicketsRequest {
            request_id: format!("{}/{number}", region.code),
            source: SOURCE.to_owned(),
            tickets: batch.to_vec(),
        };
        let answer = patiently(async || client.import_tickets(request.clone()).await).await;
        let answer = answer.map_err(|status| Failure::answered(format!("importing {name}"), &status))?;
        if let Some(refused) = answer.rejections.first() {
            let why = format!("importing {name}: the node refused {}: {}", refused.source_key, refused.message);
            return Err(Failure::said(why));
        }
        kept += u64::from(answer.imported) + u64::from(answer.known);
    }
    Ok(kept)
}

/// Asks until there is an answer: a machine that is busy with a million contacts may take its time, and the same request does
/// nothing twice.
pub(super) async fn patiently<T>(mut ask: impl AsyncFnMut() -> Result<Response<T>, Status>) -> Result<T, Status> {
    for _ in 1..TRIES {
        match ask().await {
            Err(status) if matches!(status.code(), Code::DeadlineExceeded | Code::Unavailable) => {
                tracing::warn!(error = failure::told(&status), "trying again");
            }
            answer => return answer.map(Response::into_inner),
        }
    }
    ask().await.map(Response::into_inner)
}

/// All tickets of a region, in the order in which they were opened.
fn made(country: &Country, region: &Region) -> Vec<ImportedTicket> {
    let topics = topics(country, region, "tickets", 1);
    let mut draw = Draw::named(&format!("{}/tickets", region.code));
    let mut opened = times(region, topics.len() as u64, &mut draw);
    opened.sort_unstable();
    (0..)
        .zip(opened.into_iter().zip(topics))
        .map(|(number, (at_ms, topic))| ticket(region, number, at_ms, topic, &mut draw))
        .collect()
}

/// What a region's tickets are about: one in so many of those of the whole country, shuffled and dealt round.
pub(super) fn topics(country: &Country, region: &Region, name: &str, one_in: usize) -> Vec<Topic> {
    let mut draw = Draw::named(&format!("country/{name}"));
    let all = ASKED.iter().flat_map(|(topic, weight)| std::iter::repeat_n(*topic, *weight as usize));
    let mut topics: Vec<Topic> = all.skip(one_in / 2).step_by(one_in).collect();
    debug_assert_eq!(topics.len() * one_in, NATIONAL as usize);
    // Fisher and Yates: every topic all year round.
    for at in (1..topics.len()).rev() {
        let with = draw.below(u32::try_from(at + 1).unwrap_or(1));
        topics.swap(at, with as usize);
    }
    let place = country.regions.iter().position(|other| other.code == region.code).unwrap_or(0);
    topics.into_iter().skip(place).step_by(country.regions.len().max(1)).collect()
}

/// When tickets are opened, milliseconds since the period began: as the calls come.
fn times(region: &Region, count: u64, draw: &mut Draw) -> Vec<u64> {
    let weights: Vec<u64> =
        (0..DAYS * 24).map(|hour| profile::weight(&region.code, Channel::Hotline, hour / 24, hour % 24)).collect();
    let sum: u64 = weights.iter().sum();
    let (mut times, mut before) = (Vec::new(), 0);
    let mut passed = 0;
    for (hour, weight) in (0_u64..).zip(weights) {
        passed += weight;
        let after = count * passed / sum;
        for _ in before..after {
            times.push(hour * u64::from(HOUR) + u64::from(draw.below(HOUR)));
        }
        before = after;
    }
    times
}

fn ticket(region: &Region, number: u32, at_ms: u64, topic: Topic, draw: &mut Draw) -> ImportedTicket {
    let prefix = &region.customer_code_prefixes[draw.below(prefixes(region)) as usize];
    let customer = draw.below(region.customers.max(1));
    // A third of the South still writes; everybody can call or come.
    let channels = [(Channel::Hotline, 7_200), (Channel::Office, 1_600), (Channel::Sms, 1_200)];
    let texting = matches!(region.code.as_str(), "HCMC" | "SPC");
    let channel = match draw.weighted(&channels, Channel::Hotline) {
        Channel::Sms if !texting => Channel::Hotline,
        channel => channel,
    };
    let town = draw.below(10_000) < if matches!(region.code.as_str(), "HCMC" | "HANOI") { 8_600 } else { 3_400 };
    let opening = OpenTicketRequest {
        topic: topic.code().to_owned(),
        channel: channel.code().to_owned(),
        subject: topic.name_vi().to_owned(),
        customer_code: format!("{prefix}{customer:011}"),
        locality: if town { Locality::Town } else { Locality::Rural }.into(),
        team: format!("team-{}", 1 + draw.below(12)),
        author: "tổng đài".to_owned(),
        ..OpenTicketRequest::default()
    };
    ImportedTicket {
        source_key: format!("{GENERATION}/{number}"),
        opened_at: Some(time(at_ms)),
        opening: Some(opening),
        events: events(at_ms, topic, draw),
    }
}

fn prefixes(region: &Region) -> u32 {
    u32::try_from(region.customer_code_prefixes.len()).unwrap_or(1)
}

/// What happens to a ticket: somebody takes it, answers, waits for the customer perhaps, resolves, closes, and asks.
fn events(at_ms: u64, topic: Topic, draw: &mut Draw) -> Vec<ImportedEvent> {
    let (answer, resolution) = match topic {
        Topic::Outage | Topic::Safety => {
            (draw.milliseconds(9e5, 0.6, 4 * HOUR), draw.milliseconds(4.2e6, 0.55, 2 * DAY))
        }
        Topic::Reconnection => (draw.milliseconds(1.8e6, 0.7, 8 * HOUR), draw.milliseconds(5.4e6, 0.8, 2 * DAY)),
        Topic::NewSupply | Topic::Relocation => {
            (draw.milliseconds(1.1e7, 0.8, 2 * DAY), draw.milliseconds(2.0e8, 0.5, 15 * DAY))
        }
        Topic::MeterComplaint | Topic::ServiceComplaint | Topic::PowerQuality => {
            (draw.milliseconds(9e6, 0.8, 2 * DAY), draw.milliseconds(1.4e8, 0.6, 12 * DAY))
        }
        _ => (draw.milliseconds(5.4e6, 0.9, 2 * DAY), draw.milliseconds(2.9e7, 0.9, 7 * DAY)),
    };
    let agent = format!("nhân viên {}", 1 + draw.below(40));
    let mut events = Vec::new();
    let mut at = at_ms;
    let mut add = |after: u32, event: Event, text: &str, events: &mut Vec<ImportedEvent>| {
        at += u64::from(after);
        events.push(ImportedEvent {
            at: Some(time(at)),
            author: agent.clone(),
            text: text.to_owned(),
            event: Some(event),
        });
    };
    let taken = answer / 3;
    add(taken, Event::Assignee(agent.clone()), "", &mut events);
    add(answer - taken, Event::Said(TimelineKind::Reply.into()), "Đã tiếp nhận yêu cầu.", &mut events);
    add(0, Event::State(TicketState::InProgress.into()), "", &mut events);
    let mut left = resolution.saturating_sub(answer).max(5 * MINUTE);
    if !matches!(topic, Topic::Outage | Topic::Safety) && draw.below(100) < 18 {
        // The customer has to say something first, and takes a while.
        add(left / 4, Event::State(TicketState::WaitingCustomer.into()), "", &mut events);
        let wait = draw.milliseconds(2.0e7, 0.7, 3 * DAY);
        add(wait, Event::Said(TimelineKind::Message.into()), "Tôi xin bổ sung thông tin.", &mut events);
        add(left / 8, Event::Said(TimelineKind::Reply.into()), "Cảm ơn, chúng tôi tiếp tục xử lý.", &mut events);
        left -= left / 4 + left / 8;
    }
    if draw.below(1_000) < 6 {
        add(left, Event::State(TicketState::Cancelled.into()), "Khách hàng rút yêu cầu.", &mut events);
        return events;
    }
    add(left, Event::State(TicketState::Resolved.into()), "Đã xử lý xong.", &mut events);
    if draw.below(100) < 34 {
        let scores = [(5, 4_400), (4, 3_100), (3, 1_500), (2, 600), (1, 400)];
        add(HOUR, Event::Score(draw.weighted(&scores, 5)), "", &mut events);
    }
    if draw.below(100) < 3 {
        add(6 * HOUR, Event::State(TicketState::Reopened.into()), "Khách hàng phản ánh lại.", &mut events);
        add(20 * HOUR, Event::State(TicketState::Resolved.into()), "Đã xử lý lại.", &mut events);
    }
    add(DAY, Event::State(TicketState::Closed.into()), "", &mut events);
    events
}

/// The instant so many milliseconds into the period.
fn time(ms: u64) -> Timestamp {
    let (seconds, rest) = (ms / 1_000, ms % 1_000);
    Timestamp {
        seconds: START_S + i64::try_from(seconds).unwrap_or(0),
        nanos: i32::try_from(rest * 1_000_000).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::facts::Country;

    #[test]
    fn the_country_has_its_tickets_in_order_and_the_outages_are_as_many_as_they_should_be() {
        let country = Country::read().unwrap();
        let (mut all, mut outages) = (0, 0);
        for region in &country.regions {
            let tickets = made(&country, region);
            all += tickets.len();
            outages += tickets.iter().filter(|t| t.opening.as_ref().unwrap().topic == "outage").count();
            let seconds = |at: &Option<Timestamp>| at.as_ref().map(|at| (at.seconds, at.nanos)).unwrap();
            assert!(tickets.is_sorted_by_key(|t| seconds(&t.opened_at)));
            for ticket in &tickets {
                assert!(ticket.events.is_sorted_by_key(|event| seconds(&event.at)));
                assert!(seconds(&ticket.opened_at) <= seconds(&ticket.events[0].at));
                assert!(ticket.opening.as_ref().unwrap().customer_code.len() == 13);
            }
            assert_eq!(made(&country, region), tickets, "the same country every time");
        }
        assert_eq!((all, outages), (10_000, 3_169));
    }
}
