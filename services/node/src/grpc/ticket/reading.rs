use gridcare_domain::{
    contact::{Channel, check_text},
    customer_code::CustomerCode,
    province,
    reference::{Reference, ReferenceError},
    refusal::Violation,
    standard::{Category, Standard},
    text,
    ticket::{Priority, SUBJECT_LIMIT, TEXT_LIMIT, Ticket, check_required},
    topic::Topic,
};
use gridcare_proto::{
    convert::{code, time},
    ticket::v1 as wire,
};
use gridcare_store::ticket::TicketQuery;
use jiff::Timestamp;
use uuid::Uuid;

use super::super::codes;
use crate::flows::ticket_moves::{Name, Opening};

/// An id or a reference.
pub(in crate::grpc) fn name(given: &str, field: &str, found: &mut Vec<Violation>) -> Option<Name> {
    if let Ok(id) = Uuid::try_parse(given) {
        return Some(Name::Id(id));
    }
    match Reference::parse(given) {
        Ok(reference) => Some(Name::Reference(reference)),
        Err(e) => {
            let reason = if e == ReferenceError::WrongCheckDigit { "WRONG_CHECK_DIGIT" } else { "MALFORMED" };
            found.push(Violation::new(field, reason, e.to_string()));
            None
        }
    }
}

pub(super) fn customer_code(given: &str, field: &str, found: &mut Vec<Violation>) -> Option<CustomerCode> {
    if given.is_empty() {
        return None;
    }
    match CustomerCode::parse(given) {
        Ok(read) => Some(read),
        Err(e) => {
            found.push(Violation::new(field, "MALFORMED", e.to_string()));
            None
        }
    }
}

/// What an opening says under the standard in force, or every rule that it breaks.
pub(crate) fn opening(body: &wire::OpenTicketRequest, standard: &Standard) -> Result<Opening, Vec<Violation>> {
    let mut found = Vec::new();
    let (topic, category) = category(body, standard, &mut found);
    let channel = Channel::parse(&body.channel);
    if channel.is_none() {
        found.push(Violation::new("channel", "UNKNOWN_CODE", "give a channel, such as hotline"));
    }
    let priority = match body.priority {
        0 => Some(category.map_or(Priority::Normal, |category| category.default_priority)),
        number => code::priority_from_wire(number),
    };
    if priority.is_none() {
        found.push(Violation::new("priority", "UNKNOWN_CODE", "give a priority, or none for NORMAL"));
    }
    if body.subject.trim().is_empty() {
        found.push(Violation::new("subject", "REQUIRED", "give one line that says what it is about"));
    }
    for (field, given, limit) in [
        ("subject", &body.subject, SUBJECT_LIMIT),
        ("description", &body.description, TEXT_LIMIT),
        ("requester_name", &body.requester_name, 200),
        ("requester_contact_point", &body.requester_contact_point, 200),
        ("author", &body.author, 200),
    ] {
        check_text(field, given, limit, &mut found);
    }
    let customer_code = customer_code(&body.customer_code, "customer_code", &mut found);
    if !body.province.is_empty() && province::find(&body.province).is_none() {
        found.push(Violation::new("province", "UNKNOWN_CODE", "give an ISO 3166-2 code such as VN-57, or none"));
    }
    let locality = optional("locality", body.locality, code::locality_from_wire, &mut found);
    team(&body.team, "team", &mut found);
    let event_at = moment("event_at", body.event_at.as_ref(), &mut found);
    let (Some(topic), Some(channel), Some(priority), true) = (topic, channel, priority, found.is_empty()) else {
        return Err(found);
    };
    let filled = |given: &str| if given.is_empty() { None } else { Some(text::nfc(given)) };
    let draft = Ticket {
        priority,
        description: text::nfc(&body.description),
        customer_code,
        requester_name: filled(&body.requester_name),
        requester_contact_point: filled(&body.requester_contact_point),
        province: filled(&body.province),
        category: category.map(|category| category.code.clone()).unwrap_or_default(),
        locality,
        team: filled(&body.team),
        event_at,
        ..Ticket::draft(topic, channel, text::nfc(&body.subject))
    };
    check_required(&draft, standard).map_err(|refusal| refusal.violations)?;
    Ok(Opening { draft, author: text::nfc(&body.author) })
}

/// The category that is asked for, or the topic's own; and the topic.
fn category<'a>(
    body: &wire::OpenTicketRequest,
    standard: &'a Standard,
    found: &mut Vec<Violation>,
) -> (Option<Topic>, Option<&'a Category>) {
    let topic = Topic::parse(&body.topic);
    let by_category = body.topic.is_empty() && !body.category.is_empty();
    if topic.is_none() && !by_category {
        found.push(Violation::new("topic", "UNKNOWN_CODE", "give a topic of the closed list, such as outage"));
        return (None, None);
    }
    if body.category.is_empty() {
        // A standard that has no category of the topic asks for no clocks of it.
        return (topic, topic.and_then(|topic| standard.category_of_topic(topic)));
    }
    let Some(category) = standard.category(&body.category) else {
        let cure = format!("give a category of standard {}", standard.version());
        found.push(Violation::new("category", "UNKNOWN_CODE", cure));
        return (topic, None);
    };
    if topic.is_some_and(|topic| topic != category.topic) {
        let cure = format!("category {} is of topic {}; give that one, or none", category.code, category.topic);
        found.push(Violation::new("topic", "NOT_OF_CATEGORY", cure));
    }
    (Some(category.topic), Some(category))
}

/// A code that may be absent.
pub(super) fn optional<C>(
    field: &str,
    number: i32,
    read: impl Fn(i32) -> Option<C>,
    found: &mut Vec<Violation>,
) -> Option<C> {
    let code = (number != 0).then(|| read(number));
    if matches!(code, Some(None)) {
        found.push(Violation::new(field, "UNKNOWN_CODE", "give a code of this version, or none"));
    }
    code.flatten()
}

/// A code of a team: it leaves the region, so nobody can write prose into it.
pub(in crate::grpc) fn team(given: &str, field: &str, found: &mut Vec<Violation>) {
    let plain = given.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if given.len() > 32 || !plain {
        let cure = "give at most 32 lowercase letters, digits and hyphens, such as district-1";
        found.push(Violation::new(field, "MALFORMED", cure));
    }
}

/// A time that may be absent.
pub(super) fn moment(
    field: &str,
    given: Option<&prost_types::Timestamp>,
    found: &mut Vec<Violation>,
) -> Option<Timestamp> {
    let read = given.map(time::instant);
    if read == Some(None) {
        found.push(Violation::new(field, "OUT_OF_RANGE", "give a time between the years -9999 and 9999"));
    }
    read.flatten()
}

/// What a filter asks for; every unknown code is a violation.
pub(super) fn query(filter: &wire::TicketFilter, found: &mut Vec<Violation>) -> TicketQuery {
    let states = codes("filter.states", &filter.states, |number| code::state_from_wire(*number), found);
    let priorities = codes("filter.priorities", &filter.priorities, |number| code::priority_from_wire(*number), found);
    let topics = codes("filter.topics", &filter.topics, |given| Topic::parse(given), found);
    let channels = codes("filter.channels", &filter.channels, |given| Channel::parse(given), found);
    check_text("filter.assignee", &filter.assignee, 200, found);
    let customer = customer_code(&filter.customer_code, "filter.customer_code", found);
    let from = moment("filter.opened_from", filter.opened_from.as_ref(), found).map(Timestamp::as_microsecond);
    let until = moment("filter.opened_until", filter.opened_until.as_ref(), found).map(Timestamp::as_microsecond);
    team(&filter.team, "filter.team", found);
    if filter.unassigned && !filter.assignee.is_empty() {
        found.push(Violation::new("filter.unassigned", "CONTRADICTION", "give either an assignee or unassigned"));
    }
    let plain = |code: &String| {
        let letters = code.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        (letters && !code.is_empty() && code.len() <= 64).then(|| code.clone())
    };
    let categories = codes("filter.categories", &filter.categories, plain, found);
    let mut words = text::query_words(&filter.words);
    let mut customer = customer;
    if let (None, Ok(code)) = (&customer, CustomerCode::parse(&filter.words)) {
        // Somebody typed a customer code into the search: it has an index of its own.
        customer = Some(code);
        words.clear();
    }
    if words.len() > 16 {
        found.push(Violation::new("filter.words", "LENGTH", "give at most 16 words"));
    }
    if words.is_empty() && customer.is_none() && !filter.words.trim().is_empty() {
        found.push(Violation::new("filter.words", "NO_WORD", "give at least one letter or digit to search for"));
    }
    words.dedup();
    TicketQuery {
        states,
        priorities,
        topics,
        channels,
        assignee: (!filter.assignee.is_empty()).then(|| text::nfc(&filter.assignee)),
        customer_code: customer.map(|code| code.as_str().to_owned()),
        opened_from_us: from,
        opened_until_us: until,
        words,
        team: (!filter.team.is_empty()).then(|| filter.team.clone()),
        unassigned: filter.unassigned,
        categories,
    }
}
