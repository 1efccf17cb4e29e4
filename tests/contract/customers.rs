use std::collections::{BTreeMap, BTreeSet, HashMap};

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    contact::{Channel, Contact},
    customer::{
        Consent, ContactPoint, Customer, ERASED_SUBJECT, ErasureReason, Language, PointKind, Premises, Purpose,
        name_key,
    },
    customer_code::CustomerCode,
    ticket::Ticket,
};
use gridcare_store::{
    NodeStore,
    customer::{CustomerBatch, CustomerChange, CustomerWrite, CustomersImported},
    customer_page::{CustomerAfter, CustomerQuery},
    erasure::Erasure,
};
use gridcare_tests::Place;

use crate::{
    on_both_engines,
    samples::{
        Home, MORNING_US, at, call, change_of, import as import_contacts, note, open, request, ticket, whole_feed,
    },
};

pub(crate) const KEY: [u8; 32] = [7; 32];

pub(crate) fn code(n: usize) -> CustomerCode {
    CustomerCode::parse(&format!("PE01{n:09}")).unwrap()
}

/// The customer of this number, with a phone of their own and one place.
pub(crate) fn customer(n: usize) -> Customer {
    let consent = Consent { purpose: Purpose::OutageNotice, granted: true, given_at: at(0), source: "contract".into() };
    let name = format!("{} {n}", ["Nguyễn Văn An", "Trần Thị Bình", "Lê Minh Châu"][n % 3]);
    Customer {
        code: code(n),
        name_plain: gridcare_domain::text::plain(&name),
        name,
        contact_points: vec![
            ContactPoint { kind: PointKind::Phone, value: format!("+8490{n:07}"), consents: vec![consent] },
            ContactPoint { kind: PointKind::Email, value: format!("c{n}@example.vn"), consents: vec![] },
        ],
        preferred_channel: Some(Channel::Sms),
        preferred_language: Language::Vi,
        premises: vec![place(n, "1")],
    }
}

fn place(n: usize, of: &str) -> Premises {
    Premises {
        code: of.into(),
        address: format!("{n} Lê Lợi"),
        province: Some(["VN-SG", "VN-57"][n % 2].into()),
        district: format!("Quận {}", n % 4),
        area: format!("A{}", n % 8),
        feeder: Some(format!("47{}E1", n % 5)),
        medical_equipment: n.is_multiple_of(100),
        ..Premises::default()
    }
}

pub(crate) async fn import(store: &NodeStore, customers: Vec<Customer>) -> CustomersImported {
    store.import_customers(CustomerBatch::prepare("cis", customers, None, MORNING_US), &KEY).await.unwrap()
}

pub(crate) fn done(created: u32, updated: u32, unchanged: u32) -> CustomersImported {
    CustomersImported { created, updated, unchanged, erased: vec![] }
}

pub(crate) fn write(customer: Customer) -> CustomerWrite {
    CustomerWrite { customer, source: "api".into(), version: None, after_erasure: false }
}

fn respond(change: CustomerChange, version: i64) -> Vec<u8> {
    format!("{change:?} v{version}").into_bytes()
}

pub(crate) async fn put(store: &NodeStore, write: CustomerWrite) -> Result<String, &'static str> {
    let answer = store.put_customer(request(), MORNING_US, write, &KEY, respond).await.unwrap();
    answer.map(|bytes| String::from_utf8(bytes).unwrap()).map_err(|refusal| refusal.reason)
}

pub(crate) async fn erase(store: &NodeStore, code: CustomerCode) -> Result<String, &'static str> {
    let pseudonym = code.erased(&KEY);
    let reason = ErasureReason::Requested;
    let erasure = Erasure { code, pseudonym, reason, by: "lan".into(), now: at(100), batch_id: new_id() };
    let respond: fn(&gridcare_store::erasure::Erased) -> Vec<u8> =
        |erased| format!("{} tickets, {} contacts", erased.tickets, erased.contacts).into_bytes();
    let answer = store.erase_customer(request(), &erasure, change_of, respond).await.unwrap();
    answer.map(|bytes| String::from_utf8(bytes).unwrap()).map_err(|refusal| refusal.reason)
}

/// Codes of all pages of a query, in their order.
async fn listed(store: &NodeStore, query: &CustomerQuery, limit: usize) -> Vec<String> {
    let (mut codes, mut after) = (Vec::new(), None::<CustomerAfter>);
    loop {
        let page = store.customers(query, after, limit).await.unwrap();
        assert!(page.customers.len() <= limit);
        codes.extend(page.customers.iter().map(|stored| stored.customer.code.to_string()));
        after = page.after;
        if after.is_none() {
            return codes;
        }
    }
}

/// Everything that the store can be asked about customers, for the list of statements.
pub(crate) async fn use_customers(store: &NodeStore) {
    import(store, (0..20).map(customer).collect()).await;
    import(store, vec![Customer { name: "Khác".into(), ..customer(0) }]).await;
    store
        .import_customers(CustomerBatch::prepare("cis", vec![], Some("place".into()), MORNING_US), &KEY)
        .await
        .unwrap();
    store.customer_checkpoint("cis").await.unwrap();
    let some = |text: &str| Some(text.to_owned());
    for query in [
        CustomerQuery::default(),
        CustomerQuery { name: some("nguyen"), ..CustomerQuery::default() },
        CustomerQuery { phone: some("+84900000001"), ..CustomerQuery::default() },
        CustomerQuery { feeder: some("471E1"), ..CustomerQuery::default() },
        CustomerQuery { province: some("VN-SG"), ..CustomerQuery::default() },
    ] {
        store.customers(&query, None, 10).await.unwrap();
    }
    let mine = Ticket { customer_code: Some(code(1)), ..ticket(store.next_number().await.unwrap(), "Mất điện") };
    open(store, &mine).await;
    let said = Ticket { description: "gọi 0900000001".into(), ..ticket(store.next_number().await.unwrap(), "") };
    open(store, &said).await;
    let by = gridcare_store::writer::TicketWrite::new(
        Ticket { version: 2, ..mine.clone() },
        gridcare_domain::ticket::TimelineEntry {
            author: "0900000001".into(),
            text: "xin gọi lại".into(),
            ..crate::samples::write(mine.clone(), gridcare_domain::ticket::TimelineKind::Reply).entry
        },
        change_of(&Ticket { version: 2, ..mine.clone() }),
        mine.id.to_string().into_bytes(),
    );
    let decided = std::sync::Mutex::new(Some(by));
    let decide = Box::new(move |_: &Ticket| Ok(decided.lock().unwrap().take().unwrap()));
    store.change_ticket(request(), MORNING_US, new_id(), mine.id, decide).await.unwrap().unwrap();
    import_contacts(store, vec![Contact { customer_code: Some(code(1)), ..call("pbx", "of customer", 500) }]).await;
    store.trace_customer(&code(1)).await.unwrap();
    erase(store, code(1)).await.unwrap();
    store.sweep_answers(MORNING_US).await.unwrap();
    assert_eq!(put(store, write(customer(1))).await, Err("ERASED"));
    put(store, CustomerWrite { after_erasure: true, ..write(customer(1)) }).await.unwrap();
}

/// Enough of them for the planner to prefer an index.
pub(crate) async fn many_customers(store: &NodeStore) {
    import(store, (1_000..3_000).map(customer).collect()).await;
}

async fn the_same_customer_again_changes_nothing_and_another_replaces_the_whole(place_of: Place) {
    let home = Home::new(place_of).await;
    let store = home.store().await;
    let customers: Vec<_> = (0..250).map(customer).collect();
    assert_eq!(import(&store, customers.clone()).await, done(250, 0, 0));
    let before = store.customers(&CustomerQuery::default(), None, 1_000).await.unwrap();
    assert_eq!(before.customers.iter().map(|s| s.customer.clone()).collect::<Vec<_>>(), customers, "as they came");
    assert_eq!(import(&store, customers.clone()).await, done(0, 0, 250));
    assert_eq!(store.customers(&CustomerQuery::default(), None, 1_000).await.unwrap(), before, "versions included");

    let mut mixed = customers[240..].to_vec();
    mixed[0].contact_points.pop();
    mixed[0].premises.push(place(240, "2"));
    mixed[1].premises.clear();
    mixed.extend((250..255).map(customer));
    assert_eq!(import(&store, mixed.clone()).await, done(5, 2, 8));
    for changed in &mixed[..2] {
        let stored = store.customer(&changed.code).await.unwrap().unwrap();
        assert_eq!((&stored.customer, stored.version, stored.source.as_str()), (changed, 2, "cis"));
    }
    let flags: Vec<_> = store.customer(&code(100)).await.unwrap().unwrap().customer.premises;
    assert!(flags[0].medical_equipment && !flags[0].critical_service);
}

async fn premises_of_many_customers_are_read_at_once(place_of: Place) {
    let home = Home::new(place_of).await;
    let store = home.store().await;
    let mut customers: Vec<_> = (0..1_200).map(customer).collect();
    customers[0].premises.push(place(0, "2"));
    customers[1].premises.clear();
    import(&store, customers.clone()).await;
    let (asked, unknown) = (&customers[..1_100], code(5_000));
    let codes: BTreeSet<_> = asked.iter().map(|customer| &customer.code).chain([&unknown]).collect();
    let found = store.premises_of(&codes).await.unwrap();
    let expected = asked.iter().filter(|customer| !customer.premises.is_empty());
    let expected: HashMap<_, _> =
        expected.map(|customer| (customer.code.to_string(), customer.premises.clone())).collect();
    assert_eq!(found, expected);
    assert!(store.premises_of(&BTreeSet::new()).await.unwrap().is_empty());
}

async fn a_checkpoint_is_kept_with_its_batch_and_apart_from_those_of_contacts(place_of: Place) {
    let home = Home::new(place_of).await;
    let store = home.store().await;
    assert_eq!(store.customer_checkpoint("cis").await.unwrap(), None);
    let batch = |text: &str| CustomerBatch::prepare("cis", vec![customer(1)], Some(text.into()), MORNING_US);
    store.import_customers(batch("byte 10"), &KEY).await.unwrap();
    store.import_customers(batch("byte 20"), &KEY).await.unwrap();
    assert_eq!(store.customer_checkpoint("cis").await.unwrap().as_deref(), Some("byte 20"));
    assert_eq!(store.checkpoint("cis").await.unwrap(), None, "contacts of that source have their own");
}

async fn one_customer_is_put_under_a_request_and_compared_with_its_version(place_of: Place) {
    let home = Home::new(place_of).await;
    let store = home.store().await;
    assert_eq!(put(&store, write(customer(1))).await, Ok("Created v1".into()));
    assert_eq!(put(&store, write(customer(1))).await, Ok("Unchanged v1".into()));
    let renamed = Customer { name: "Nguyễn Văn Ân".into(), ..customer(1) };
    let stale = CustomerWrite { version: Some(9), ..write(renamed.clone()) };
    assert_eq!(put(&store, stale).await, Err("ETAG_MISMATCH"));
    let fresh = CustomerWrite { version: Some(1), ..write(renamed.clone()) };
    assert_eq!(put(&store, fresh).await, Ok("Updated v2".into()));
    let absent = CustomerWrite { version: Some(1), ..write(customer(2)) };
    assert_eq!(put(&store, absent).await, Err("ETAG_MISMATCH"));

    let same = request();
    let first = store.put_customer(same, MORNING_US, write(customer(3)), &KEY, respond).await.unwrap().unwrap();
    let again = store.put_customer(same, MORNING_US, write(customer(3)), &KEY, respond).await.unwrap().unwrap();
    assert_eq!((first.as_slice(), first == again), (&b"Created v1"[..], true), "the first answer");
}

async fn every_filter_finds_each_of_its_customers_once_whatever_the_page(place_of: Place) {
    let home = Home::new(place_of).await;
    let store = home.store().await;
    let mut customers: Vec<_> = (0..120).map(customer).collect();
    // Two premises on one feeder and in one area, and a third elsewhere: still one customer.
    for n in [10, 20, 30] {
        customers[n].premises.extend([place(n, "2"), Premises { code: "3".into(), ..place(n + 1, "") }]);
    }
    import(&store, customers.clone()).await;
    let some = |text: &str| Some(text.to_owned());
    let none = CustomerQuery::default;
    let queries = [
        none(),
        CustomerQuery { name: some("nguyen van"), ..none() },
        CustomerQuery { name: some("tran thi binh 1"), ..none() },
        CustomerQuery { phone: some("+84900000010"), ..none() },
        CustomerQuery { email: some("c20@example.vn"), name: some("le"), ..none() },
        CustomerQuery { phone: some("+84900000010"), email: some("c10@example.vn"), ..none() },
        CustomerQuery { feeder: some("470E1"), ..none() },
        CustomerQuery { feeder: some("470E1"), province: some("VN-57"), name: some("nguyen"), ..none() },
        CustomerQuery { province: some("VN-SG"), ..none() },
        CustomerQuery { province: some("VN-SG"), district: some("Quận 2"), ..none() },
        CustomerQuery { province: some("VN-SG"), district: some("Quận 2"), area: some("A6"), ..none() },
        CustomerQuery { province: some("VN-SG"), district: some("Quận 9"), ..none() },
        CustomerQuery { province: some("VN-57"), name: some("tran"), ..none() },
    ];
    for query in queries {
        let fits = |c: &&Customer| {
            let equal = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
            let points = |wanted: &Option<String>| {
                wanted.is_none() || c.contact_points.iter().any(|point| equal(wanted, &point.value))
            };
            let in_area = |p: &Premises| {
                equal(&query.province, p.province.as_deref().unwrap_or_default())
                    && equal(&query.district, &p.district)
                    && equal(&query.area, &p.area)
            };
            query.name.as_deref().is_none_or(|name| name_key(&c.name).starts_with(name))
                && points(&query.phone)
                && points(&query.email)
                && (query.feeder.is_none()
                    || c.premises.iter().any(|p| equal(&query.feeder, p.feeder.as_deref().unwrap_or_default())))
                && (query.province.is_none() || c.premises.iter().any(in_area))
        };
        let mut expected: Vec<_> = customers.iter().filter(fits).map(|c| c.code.to_string()).collect();
        expected.sort();
        let mut orders = Vec::new();
        for limit in [1, 7, 1_000] {
            let found = listed(&store, &query, limit).await;
            let mut sorted = found.clone();
            sorted.sort();
            assert_eq!(sorted, expected, "{query:?} by {limit}");
            orders.push(found);
        }
        assert!(orders.windows(2).all(|pair| pair[0] == pair[1]), "{query:?}: one order");
    }
}

async fn erasing_leaves_tickets_and_contacts_under_a_pseudonym_and_tells_the_feed(place_of: Place) {
    let home = Home::new(place_of).await;
    let store = home.store().await;
    import(&store, vec![customer(1), customer(2)]).await;
    let of = |number, change: fn(&mut Ticket)| {
        let mut ticket = ticket(number, "Mất điện nhà ông An");
        change(&mut ticket);
        ticket
    };
    let mine = of(1, |t| t.customer_code = Some(code(1)));
    let called = of(2, |t| t.requester_contact_point = Some("0900 000 001".into()));
    let said = of(3, |t| t.description = "xin gọi số 0900000001".into());
    let others = of(4, |t| t.description = "xin gọi số 0900000002".into());
    for ticket in [&mine, &called, &said, &others] {
        open(&store, ticket).await;
    }
    crate::samples::change(&store, mine.id, note()).await;
    let contacts = vec![
        Contact { customer_code: Some(code(1)), note: Some("của An".into()), ..call("pbx", "a", 0) },
        Contact { contact_point: Some("0900000001".into()), ..call("pbx", "b", 60) },
        Contact { contact_point: Some("0900000002".into()), ..call("pbx", "c", 120) },
        Contact { customer_code: Some(code(2)), contact_point: Some("0900000001".into()), ..call("pbx", "d", 180) },
    ];
    import_contacts(&store, contacts).await;
    let head = store.feed_head().await.unwrap().cursor.position;

    assert_eq!(erase(&store, code(1)).await, Ok("3 tickets, 2 contacts".into()));
    let pseudonym = code(1).erased(&KEY);
    for (id, version) in [(mine.id, 3), (called.id, 2), (said.id, 2)] {
        let kept = store.ticket(id).await.unwrap().unwrap();
        assert_eq!((kept.subject.as_str(), kept.description.as_str(), kept.version), (ERASED_SUBJECT, "", version));
        assert_eq!((kept.customer_code.as_ref(), kept.topic), (Some(&pseudonym), mine.topic));
    }
    assert_eq!(store.ticket(others.id).await.unwrap(), Some(others), "another's is untouched");
    let fed: Vec<_> =
        store.feed_after(head, 10).await.unwrap().into_iter().map(|e| (e.change.key, e.change.version)).collect();
    assert_eq!(
        fed,
        [(mine.id.to_string(), 3), (called.id.to_string(), 2), (said.id.to_string(), 2)],
        "the country hears of all"
    );
    let stored: BTreeMap<_, _> =
        store.contacts_after(0, 100).await.unwrap().into_iter().map(|s| (s.contact.source_key.clone(), s)).collect();
    for key in ["a", "b"] {
        let kept = &stored[key];
        let contact = &kept.contact;
        assert_eq!(
            (contact.customer_code.as_ref(), &contact.contact_point, &contact.note),
            (Some(&pseudonym), &None, &None)
        );
        assert_eq!((kept.version, contact.talk_ms), (2, Some(60_000)), "{key}");
    }
    assert_eq!(stored["d"].contact.customer_code, Some(code(2)), "of another's code, though from this number");
    assert!(store.customer(&code(1)).await.unwrap().is_none());
    assert_eq!(erase(&store, code(1)).await, Err("ALREADY_ERASED"));
    assert_eq!(erase(&store, code(77)).await, Err("NO_SUCH_CUSTOMER"));
    assert_eq!(whole_feed(&store).await.len(), 8);
}

async fn an_import_does_not_bring_back_who_was_erased_until_somebody_decides_so(place_of: Place) {
    let home = Home::new(place_of).await;
    let store = home.store().await;
    import(&store, (0..5).map(customer).collect()).await;
    erase(&store, code(3)).await.unwrap();
    let again = import(&store, (0..7).map(customer).collect()).await;
    assert_eq!(again, CustomersImported { created: 2, updated: 0, unchanged: 4, erased: vec![3] });
    assert!(store.customer(&code(3)).await.unwrap().is_none());
    let back = CustomerWrite { after_erasure: true, ..write(customer(3)) };
    assert_eq!(put(&store, back).await, Ok("Created v1".into()));
    assert_eq!(import(&store, vec![customer(3)]).await, done(0, 0, 1), "from then on they are a customer like others");
    assert_eq!(erase(&store, code(3)).await, Ok("0 tickets, 0 contacts".into()), "who may be erased again");
    assert_eq!(import(&store, vec![customer(3)]).await.erased, [0]);
}

async fn an_answer_that_tells_of_an_erased_ticket_is_forgotten_but_not_that_there_was_one(place_of: Place) {
    let home = Home::new(place_of).await;
    let store = home.store().await;
    import(&store, vec![customer(1)]).await;
    let mine = Ticket { customer_code: Some(code(1)), ..ticket(1, "của An") };
    let others = ticket(2, "của ai khác");
    let (asked, asked_by_others) = (request(), request());
    for (ticket, asked) in [(&mine, asked), (&others, asked_by_others)] {
        let write = crate::samples::write(ticket.clone(), gridcare_domain::ticket::TimelineKind::Opened);
        store.open_ticket(asked, MORNING_US, new_id(), write).await.unwrap().unwrap();
    }
    erase(&store, code(1)).await.unwrap();
    assert_eq!(store.sweep_answers(MORNING_US).await.unwrap(), 1);
    assert_eq!(store.sweep_answers(MORNING_US).await.unwrap(), 0, "once");
    assert_eq!(store.answered(asked).await.unwrap().unwrap().unwrap_err().reason, "ANSWER_ERASED");
    assert!(store.answered(asked_by_others).await.unwrap().unwrap().is_ok());
    let write = crate::samples::write(mine.clone(), gridcare_domain::ticket::TimelineKind::Opened);
    let again = store.open_ticket(asked, MORNING_US, new_id(), write).await.unwrap();
    assert_eq!(again.unwrap_err().reason, "ANSWER_ERASED", "and nothing is done twice");
}

on_both_engines!(
    the_same_customer_again_changes_nothing_and_another_replaces_the_whole,
    premises_of_many_customers_are_read_at_once,
    a_checkpoint_is_kept_with_its_batch_and_apart_from_those_of_contacts,
    one_customer_is_put_under_a_request_and_compared_with_its_version,
    every_filter_finds_each_of_its_customers_once_whatever_the_page,
    erasing_leaves_tickets_and_contacts_under_a_pseudonym_and_tells_the_feed,
    an_import_does_not_bring_back_who_was_erased_until_somebody_decides_so,
    an_answer_that_tells_of_an_erased_ticket_is_forgotten_but_not_that_there_was_one,
);
