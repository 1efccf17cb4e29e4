use std::collections::BTreeMap;

use gridcare_chassis::id::new_id;
use gridcare_domain::{text, ticket::Ticket};
use gridcare_proto::ticket::v1::GetTicketRequest;
use gridcare_store::{
    NodeStore,
    ticket::{Order, TicketQuery},
};
use gridcare_tests::{Place, calls};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::{
    on_both_engines,
    samples::{Home, open, ticket},
};

/// The same tickets, ids included, on both engines.
async fn both(tickets: &[Ticket]) -> [(Home, NodeStore); 2] {
    let mut stores = Vec::new();
    for place in [Place::Sqlite, Place::Postgres] {
        let home = Home::new(place).await;
        let store = home.store().await;
        futures::future::join_all(tickets.iter().map(|ticket| open(&store, ticket))).await;
        if place == Place::Postgres {
            // What was written last waits in a list that every search reads; as the server does by itself in time.
            let mut connection = PgConnection::connect(&home.address).await.unwrap();
            sqlx::raw_sql("SELECT gin_clean_pending_list('ticket_words')").execute(&mut connection).await.unwrap();
        }
        stores.push((home, store));
    }
    stores.try_into().unwrap_or_else(|_| unreachable!("two engines"))
}

async fn search(store: &NodeStore, typed: &str) -> Vec<Uuid> {
    let query = TicketQuery { words: text::query_words(typed), ..TicketQuery::default() };
    let found = store.tickets(&query, Order::OpenedAsc, None, usize::MAX >> 1).await.unwrap();
    found.iter().map(|ticket| ticket.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_type_finds_the_same_tickets_on_both_engines() {
    let subjects = [
        "Mất điện",                             // 0
        "MẤT ĐIỆN TOÀN KHU",                    // 1
        "Ma\u{302}\u{301}t đie\u{302}\u{323}n", // 2: decomposed
        "mat dien",                             // 3
        "Điện chập chờn, có mất",               // 4
        "Mất nước",                             // 5
        "Đường dây 110kV bị đứt",               // 6
        "Hóa đơn tháng 5/2013",                 // 7
        "điệnmất",                              // 8
        "Ðiện (phông chữ cũ)",                  // 9: an Icelandic eth
    ];
    let tickets: Vec<_> = subjects.iter().zip(1..).map(|(subject, number)| ticket(number, subject)).collect();
    let stores = both(&tickets).await;
    let expected: [(&str, &[usize]); 14] = [
        ("mat dien", &[0, 1, 2, 3, 4]),
        ("Mất điện", &[0, 1, 2, 3, 4]),
        ("điện mất", &[0, 1, 2, 3, 4]),
        ("MAT DI", &[0, 1, 2, 3, 4]),
        ("mat", &[0, 1, 2, 3, 4, 5]),
        ("ma", &[0, 1, 2, 3, 4, 5]),
        ("dien", &[0, 1, 2, 3, 4, 8, 9]),
        ("đ", &[0, 1, 2, 3, 4, 6, 7, 8, 9]),
        ("di mat", &[]), // only the last word is a prefix
        ("110", &[6]),
        ("110kv day", &[6]),
        ("5 2013 hoa", &[7]),
        ("dienmat", &[8]),
        ("nothing of the kind", &[]),
    ];
    for (typed, wanted) in expected {
        let wanted: Vec<_> = wanted.iter().map(|i| tickets[*i].id).collect();
        for (home, store) in &stores {
            assert_eq!(search(store, typed).await, wanted, "{typed:?} on {}", home.address);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_of_all_scripts_are_words_on_both_engines_exactly_as_the_rules_say() {
    // Some letters and numbers of all of Unicode, and all of the blocks in which engines and languages disagree most.
    let step = if std::env::var_os("GRIDCARE_TEST_LONG").is_some() { 53 } else { 331 };
    let sampled = ('\0'..=char::MAX).filter(|c| c.is_alphanumeric()).step_by(step);
    let near = ('\u{80}'..='\u{24f}')
        .chain('\u{370}'..='\u{52f}')
        .chain('\u{1e00}'..='\u{1eff}')
        .filter(|c| c.is_alphanumeric());
    let letters: Vec<char> = sampled.chain(near).collect();
    let tickets: Vec<_> = letters.iter().zip(1..).map(|(c, number)| ticket(number, &format!("q{c}z {c}"))).collect();
    let stores = both(&tickets).await;

    let mut column: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
    for ticket in &tickets {
        for word in text::words(&ticket.subject) {
            column.entry(word).or_default().push(ticket.id);
        }
    }
    for c in &letters {
        // The first word whole, the second as a prefix.
        for typed in [format!("q{c}z"), format!("{c} q{c}")] {
            let words = text::query_words(&typed);
            let Some((last, whole)) = words.split_last() else { continue };
            let prefixed = column.range(last.clone()..).take_while(|(word, _)| word.starts_with(last.as_str()));
            let mut wanted: Vec<Uuid> = prefixed.flat_map(|(_, ids)| ids).copied().collect();
            wanted.retain(|id| whole.iter().all(|word| column.get(word).is_some_and(|ids| ids.contains(id))));
            wanted.sort_unstable();
            wanted.dedup();
            for (home, store) in &stores {
                assert_eq!(
                    search(store, &typed).await,
                    wanted,
                    "{typed:?}, U+{:04X}, on {}",
                    u32::from(*c),
                    home.address
                );
            }
        }
    }
}

async fn what_a_node_stores_is_in_normal_form_c(place: Place) {
    let world = gridcare_tests::world::World::new(place);
    let node = world.node("hcmc", "HCMC").await;
    let mut tickets = calls::tickets(&node);
    let opening = calls::opening("Ma\u{302}\u{301}t đie\u{302}\u{323}n");
    let opened = tickets.open_ticket(opening).await.unwrap().into_inner().ticket.unwrap();
    let read = tickets.get_ticket(GetTicketRequest { name: opened.id.clone() }).await;
    for ticket in [opened, read.unwrap().into_inner().ticket.unwrap()] {
        assert_eq!(ticket.subject, "M\u{1ea5}t \u{111}i\u{1ec7}n");
    }
}

/// A word longer than the limit is cut alike in the column and in the query.
async fn a_long_word_is_found_by_itself_and_by_its_beginning(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let long = "đ".repeat(200);
    let ticket = Ticket { id: new_id(), ..ticket(1, &long) };
    open(&store, &ticket).await;
    for typed in [long.as_str(), "ddddd"] {
        assert_eq!(search(&store, typed).await, [ticket.id]);
    }
}

on_both_engines!(what_a_node_stores_is_in_normal_form_c, a_long_word_is_found_by_itself_and_by_its_beginning);
