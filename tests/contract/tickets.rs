use std::collections::HashSet;

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    contact::Channel,
    customer_code::CustomerCode,
    text,
    ticket::{Priority, State, Ticket, TimelineKind, transition},
    topic::Topic,
};
use gridcare_store::{
    NodeStore,
    ticket::{After, Order, TicketQuery},
};
use gridcare_tests::Place;
use proptest::{prelude::*, sample::select, test_runner::TestRunner};

use crate::{
    on_both_engines,
    samples::{
        Home, MORNING_US, at, change, governance, note, open, open_new, refuse, request, ticket, whole_feed, write,
    },
};

const ORDERS: [Order; 4] = [Order::OpenedDesc, Order::OpenedAsc, Order::UpdatedDesc, Order::DeadlineAsc];
const SUBJECTS: [&str; 5] = ["Mất điện", "Mất nước", "Điện yếu quá", "Đứt dây", "mat dien toan khu"];
const AGENTS: [&str; 3] = ["lan", "hùng", "Lan"];
const TEAMS: [&str; 2] = ["district-1", "district-2"];
const CATEGORIES: [&str; 3] = ["outage", "outage_x", "bill"];
const CUSTOMERS: [&str; 3] = ["PE01000000001", "PE01000000002", "PA01000000003"];

/// A few hundred tickets that differ in everything a list can ask for.
fn corpus() -> Vec<Ticket> {
    let pick = |n: u64, step: u64, of: u64| usize::try_from((n * step + n / 7) % of).unwrap();
    (1..=300)
        .map(|n| Ticket {
            state: State::ALL[pick(n, 5, 9)],
            priority: Priority::ALL[pick(n, 3, 4)],
            topic: Topic::ALL[pick(n, 7, 16)],
            channel: Channel::ALL[pick(n, 3, 8)],
            assignee: AGENTS.get(pick(n, 1, 5)).map(|who| (*who).to_owned()),
            customer_code: CUSTOMERS.get(pick(n, 2, 7)).map(|code| CustomerCode::parse(code).unwrap()),
            requester_name: (n % 4 == 0).then(|| "Nguyễn Thị Đào".to_owned()),
            description: if n % 6 == 0 { "trạm biến áp T2, 22/110kV".into() } else { String::new() },
            opened_at: at(i64::try_from(n / 3).unwrap()),
            // Times of change repeat, so that pages end between equal ones.
            updated_at: at(1_000 + i64::try_from(n * 37 % 50).unwrap()),
            team: TEAMS.get(pick(n, 3, 4)).map(|team| (*team).to_owned()),
            category: CATEGORIES[pick(n, 1, 3)].into(),
            deadline_us: (n % 3 > 0).then(|| MORNING_US + i64::try_from(n * 37 % 40).unwrap()),
            ..ticket(n, SUBJECTS[pick(n, 1, 5)])
        })
        .collect()
}

fn words_of(ticket: &Ticket) -> HashSet<String> {
    let name = ticket.requester_name.as_deref().unwrap_or_default();
    let contact_point = ticket.requester_contact_point.as_deref().unwrap_or_default();
    [ticket.subject.as_str(), &ticket.description, name, contact_point].into_iter().flat_map(text::words).collect()
}

/// The list as anybody would write it who need not be fast.
fn brute_force<'a>(all: &'a [Ticket], query: &TicketQuery, order: Order) -> Vec<&'a Ticket> {
    fn any<T: PartialEq>(wanted: &[T], found: &T) -> bool {
        wanted.is_empty() || wanted.contains(found)
    }
    let found = |t: &&Ticket| {
        let (last, whole) = query.words.split_last().map_or((None, &[][..]), |(last, whole)| (Some(last), whole));
        let words = words_of(t);
        any(&query.states, &t.state)
            && any(&query.priorities, &t.priority)
            && any(&query.topics, &t.topic)
            && any(&query.channels, &t.channel)
            && query.assignee.as_ref().is_none_or(|who| t.assignee.as_ref() == Some(who))
            && query
                .customer_code
                .as_ref()
                .is_none_or(|code| t.customer_code.as_ref().is_some_and(|c| c.as_str() == code))
            && query.team.as_ref().is_none_or(|team| t.team.as_ref() == Some(team))
            && (!query.unassigned || t.assignee.is_none())
            && any(&query.categories, &t.category)
            && (order != Order::DeadlineAsc || t.deadline_us.is_some())
            && query.opened_from_us.is_none_or(|from| t.opened_at.as_microsecond() >= from)
            && query.opened_until_us.is_none_or(|until| t.opened_at.as_microsecond() < until)
            && whole.iter().all(|word| words.contains(word))
            && last.is_none_or(|last| words.iter().any(|word| word.starts_with(last.as_str())))
    };
    let mut list: Vec<_> = all.iter().filter(found).collect();
    match order {
        Order::OpenedDesc => list.sort_by_key(|t| std::cmp::Reverse(t.id)),
        Order::OpenedAsc => list.sort_by_key(|t| t.id),
        Order::UpdatedDesc => list.sort_by_key(|t| std::cmp::Reverse((t.updated_at, t.id))),
        Order::DeadlineAsc => list.sort_by_key(|t| (t.deadline_us, t.id)),
    }
    list
}

/// All pages of a list, one after the other; words that so many tickets have count as common.
async fn pages(store: &NodeStore, query: &TicketQuery, order: Order, size: usize, common: i64) -> Vec<Vec<Ticket>> {
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = store.tickets_of_words(query, order, after, size, common).await.unwrap();
        let Some(last) = page.last() else { return pages };
        after = Some(order.after(last));
        pages.push(page);
    }
}

/// What one customer or one agent has, in every order and in pages that are shorter or longer than what there is.
async fn lists_of_one_owner_agree(store: &NodeStore, all: &[Ticket]) {
    let owned = |code: Option<&str>, who: Option<&str>| TicketQuery {
        customer_code: code.map(str::to_owned),
        assignee: who.map(str::to_owned),
        ..TicketQuery::default()
    };
    let team = Some(TEAMS[0].to_owned());
    let states = vec![State::New, State::Assigned, State::Resolved];
    let queries = [
        owned(Some(CUSTOMERS[0]), None),
        owned(None, Some(AGENTS[0])),
        owned(Some(CUSTOMERS[0]), Some(AGENTS[0])),
        TicketQuery { team, ..owned(None, Some(AGENTS[0])) },
        TicketQuery { states, ..owned(None, Some(AGENTS[0])) },
        TicketQuery { words: text::query_words("điện"), ..owned(None, Some(AGENTS[0])) },
    ];
    for query in &queries {
        for order in ORDERS {
            let expected = brute_force(all, query, order);
            for (size, common) in [(7, 1), (7, 10_000), (150, 1)] {
                let found = pages(store, query, order, size, common).await.concat();
                assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query:?} {order:?} {size} {common}");
            }
        }
    }
}

fn any_query() -> impl Strategy<Value = TicketQuery> {
    let some = |texts: &'static [&'static str]| prop::option::weighted(0.3, select(texts).prop_map(str::to_owned));
    let opened = || prop::option::weighted(0.3, (0..110_i64).prop_map(|second| MORNING_US + second * 1_000_000));
    let words = select(
        &["", "", "mất điện", "đi", "d", "nguyen da", "22 110kv", "PE01", "hcmc 0000", "dien mat yeu", "lan"][..],
    );
    let sets = (
        prop::collection::vec(select(State::ALL), 0..4),
        prop::collection::vec(select(Priority::ALL), 0..3),
        prop::collection::vec(select(Topic::ALL), 0..6),
        prop::collection::vec(select(Channel::ALL), 0..5),
    );
    let queue = (some(&TEAMS), prop::bool::weighted(0.2), prop::collection::vec(select(&CATEGORIES[..]), 0..2));
    (sets, some(&AGENTS), some(&CUSTOMERS), opened(), opened(), words, queue).prop_map(
        |(sets, assignee, customer_code, opened_from_us, opened_until_us, words, (team, unassigned, categories))| {
            let (states, priorities, topics, channels) = sets;
            TicketQuery {
                team,
                unassigned,
                categories: categories.into_iter().map(str::to_owned).collect(),
                states,
                priorities,
                topics,
                channels,
                assignee,
                customer_code,
                opened_from_us,
                opened_until_us,
                words: text::query_words(words),
            }
        },
    )
}

async fn lists_agree_with_a_plain_filter_page_by_page(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let all = corpus();
    futures::future::join_all(all.iter().map(|ticket| open(&store, ticket))).await;

    lists_of_one_owner_agree(&store, &all).await;
    let strategy = (any_query(), select(&ORDERS[..]), 1..40_usize, select(&[1, 10_000][..]));
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() });
    let here = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        runner
            .run(&strategy, |(query, order, size, common)| {
                let expected = brute_force(&all, &query, order);
                let pages = here.block_on(pages(&store, &query, order, size, common));
                if let Some((last, full)) = pages.split_last() {
                    prop_assert!(full.iter().all(|page| page.len() == size), "a page before the last is full");
                    prop_assert!(last.len() <= size);
                }
                let found: Vec<_> = pages.iter().flatten().collect();
                prop_assert_eq!(
                    found.iter().map(|t| t.reference.number()).collect::<Vec<_>>(),
                    expected.iter().map(|t| t.reference.number()).collect::<Vec<_>>()
                );
                prop_assert_eq!(found, expected, "every column is read as it was written");
                Ok(())
            })
            .unwrap();
    });
}

async fn pages_neither_overlap_nor_lose_while_tickets_arrive(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let mut there = Vec::new();
    for n in 0..30 {
        there.push(open_new(&store, &format!("số {n}")).await.id);
    }
    let query = TicketQuery::default();
    for order in [Order::OpenedDesc, Order::OpenedAsc] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.tickets(&query, order, after, 7).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(After { id: last.id, key_us: last.updated_at.as_microsecond() });
            let newest = page.len() < 7;
            found.extend(page.iter().map(|t| t.id));
            open_new(&store, "mới").await;
            if newest {
                break;
            }
        }
        assert_eq!(found.iter().collect::<HashSet<_>>().len(), found.len(), "{order:?}: none comes twice");
        assert!(there.iter().all(|id| found.contains(id)), "{order:?}: none that was there is missed");
    }
}

async fn a_ticket_is_found_by_id_and_by_reference_as_it_was_last_changed(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let opened = open_new(&store, "Mất điện").await;
    let resolved = Box::new(|ticket: &Ticket| {
        Ok(write(transition(ticket, State::Resolved, governance(), at(60))?, TimelineKind::StateChanged))
    });
    change(&store, opened.id, resolved).await;
    change(&store, opened.id, note()).await;

    let expected = Ticket { version: 3, ..transition(&opened, State::Resolved, governance(), at(60)).unwrap() };
    assert_eq!(store.ticket(opened.id).await.unwrap(), Some(expected.clone()));
    assert_eq!(store.ticket_by_reference(&opened.reference).await.unwrap(), Some(expected));
    assert_eq!(store.ticket_id(&opened.reference).await.unwrap(), Some(opened.id));
    let kinds: Vec<_> = store.timeline(opened.id, 10).await.unwrap().iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [TimelineKind::Note, TimelineKind::StateChanged, TimelineKind::Opened], "newest first");
    assert_eq!(store.timeline(opened.id, 2).await.unwrap().len(), 2);

    let of_another_prefix = gridcare_domain::reference::Reference::new("HAN", opened.reference.number()).unwrap();
    assert_eq!(store.ticket_by_reference(&of_another_prefix).await.unwrap(), None);
    assert_eq!(store.ticket_id(&of_another_prefix).await.unwrap(), None);
    assert_eq!(store.ticket(new_id()).await.unwrap(), None);
}

async fn a_refused_change_leaves_no_trace(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let before = open_new(&store, "Mất điện").await;
    let (feed, timeline) = (whole_feed(&store).await, store.timeline(before.id, 10).await.unwrap());

    let (refused, missing) = (request(), request());
    let answer = store.change_ticket(refused, MORNING_US, new_id(), before.id, refuse("NOT_NOW")).await.unwrap();
    assert_eq!(answer.unwrap_err().reason, "NOT_NOW");
    let answer = store.change_ticket(missing, MORNING_US, new_id(), new_id(), note()).await.unwrap();
    assert_eq!(answer.unwrap_err().reason, "NO_SUCH_TICKET");

    assert_eq!(store.ticket(before.id).await.unwrap(), Some(before.clone()));
    assert_eq!(store.timeline(before.id, 10).await.unwrap(), timeline);
    assert_eq!(whole_feed(&store).await, feed);
    for each in [refused, missing] {
        assert_eq!(store.answered(each).await.unwrap(), None, "a refusal is decided anew when it is asked again");
    }
}

async fn two_processes_never_give_one_number_twice(place: Place) {
    let home = Home::new(place).await;
    let stores = [home.store().await, home.store().await];
    let takers = (0..8).map(|i| {
        let store = stores[i % 2].clone();
        tokio::spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..400 {
                numbers.push(store.next_number().await.unwrap());
            }
            numbers
        })
    });
    let mut all = Vec::new();
    for taker in futures::future::join_all(takers).await {
        all.extend(taker.unwrap());
    }
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 8 * 400);
    assert!(all.iter().all(|number| *number > 0));
}

on_both_engines!(
    lists_agree_with_a_plain_filter_page_by_page,
    pages_neither_overlap_nor_lose_while_tickets_arrive,
    a_ticket_is_found_by_id_and_by_reference_as_it_was_last_changed,
    a_refused_change_leaves_no_trace,
    two_processes_never_give_one_number_twice,
);
