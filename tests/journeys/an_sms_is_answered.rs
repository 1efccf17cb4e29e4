mod questions;
mod reports;
mod scene;

use gridcare_domain::{
    customer::{Customer, Language, Purpose},
    customer_code::CustomerCode,
};
use gridcare_proto::{
    contact::v1::{self as contact, Channel, Direction, Outcome, SmsEncoding, SmsSilence},
    outage::v1::{OutageArea, OutageKind},
    ticket::v1 as ticket,
};
use gridcare_store::{customer::CustomerBatch, customer_page::CustomerQuery};
use gridcare_tests::{Place, calls, eventually};

use self::scene::{JOHN, LAN, STRANGER, Scene, feeder, hours, shown};

crate::on_both_engines!(
    bills_and_readings_are_told_to_the_customers_own_number_alone,
    outages_planned_and_present_are_told_by_place,
    the_south_asks_in_its_own_words,
    a_report_opens_one_ticket_and_tells_its_reference,
    who_asks_wrongly_is_told_how,
    no_loop_arises_and_every_message_is_recorded,
    a_billing_system_that_is_away_is_no_error,
    a_message_that_comes_twice_is_answered_once,
    notices_are_stopped_and_started_by_a_word,
    a_word_counts_for_all_customers_of_a_number_and_outlives_the_next_import,
);

const CODE: &str = "PE01000123456";

async fn bills_and_readings_are_told_to_the_customers_own_number_alone(place: Place) {
    let scene = Scene::new(place, "HCMC").await;
    scene.lan(CODE).await;
    scene.customer("PE01000777777", JOHN, Language::En, &[Purpose::Billing]).await;
    scene.customer("PE01000888888", "0908888888", Language::Vi, &[Purpose::OutageNotice]).await;

    let bill = scene.told(LAN, "td pe01 0001 23456 05-2013").await;
    assert_eq!(bill.text, "Ma PE01000123456, ky 05/2013: 300 kWh, 512.300 d, han thanh toan 15/06/2013.");
    assert_eq!((bill.encoding(), bill.keyword.as_str()), (SmsEncoding::Gsm7, "bill"));
    assert_eq!(bill.parts, std::slice::from_ref(&bill.text));
    let marked = scene.told("+84901234567", "TĐ PE01000123456 4/13").await;
    assert_eq!(marked.text, "Mã PE01000123456, kỳ 04/2013: 210 kWh, 350.000 đ, đã thanh toán.");
    assert_eq!(marked.encoding(), SmsEncoding::Ucs2);
    let wide = contact::AnswerSmsRequest { encoding: SmsEncoding::Ucs2.into(), ..scene.message(LAN, "NO") };
    let owed = calls::sms(&scene.node).answer_sms(wide).await.unwrap().into_inner();
    assert_eq!(owed.text, "Mã PE01000123456 còn nợ 611.000 đ, 2 kỳ, cũ nhất kỳ 05/2013.", "the number tells the code");
    let none = scene.told(LAN, "TD PE01000123456 7/13").await;
    assert!(none.text.starts_with("Chua co hoa don ky 07/2013") && none.text.contains("1900545454"), "{}", none.text);
    let day = scene.told(LAN, "LGD PE01000123456 07/13").await;
    assert_eq!(day.text, "Ngay ghi chi so cong to cua ma PE01000123456: 12/07/2013.");
    let english = scene.told(JOHN, "no pe01000777777").await;
    assert_eq!(english.text, "PE01000777777 owes 1,000,000 VND: one bill, of 05/2013.");

    // Another number, a number whose customer has agreed to other things alone, and a code that nobody has.
    for (from, text) in [
        (STRANGER, "NO PE01000123456"),
        (JOHN, "TD PE01000123456 5/13"),
        ("0908888888", "NO PE01000888888"),
        (STRANGER, "NO PE01000999999"),
    ] {
        let refused = scene.told(from, text).await.text;
        assert!(refused.contains("1900545454") && !refused.contains("VND") && !refused.contains(" d,"), "{refused}");
        let code = text.split(' ').nth(1).unwrap();
        let vi = format!("Vi bao mat, thong tin cua ma {code} chi gui den so da dang ky. Xin goi 1900545454.");
        let en =
            format!("For your privacy, data of {code} goes to its registered numbers only. Please call 1900545454.");
        assert!([vi, en].contains(&refused), "{refused}");
    }
    // A reading day is no secret.
    assert!(scene.told(STRANGER, "LGD PE01000123456 2/13").await.text.ends_with("12/02/2013."));

    let contacts = scene.contacts().await;
    assert_eq!(contacts.len(), 22, "each message and each answer");
    assert!(contacts.iter().all(|c| c.channel() == Channel::Sms && c.ended_at.is_some()));
    let sent: Vec<_> = contacts.iter().filter(|c| c.direction() == Direction::Outbound).collect();
    assert!(sent.iter().any(|c| c.note == bill.text && c.contact_point == "+84901234567"));
    let asked = contacts.iter().find(|c| c.note == "td pe01 0001 23456 05-2013").unwrap();
    assert_eq!((asked.topic.as_str(), asked.customer_code.as_str()), ("bill", CODE));
    assert_eq!((asked.direction(), asked.outcome()), (Direction::Inbound, Outcome::SelfServed));
}

async fn outages_planned_and_present_are_told_by_place(place: Place) {
    let scene = Scene::new(place, "HCMC").await;
    scene.lan(CODE).await;
    let none = scene.told(STRANGER, "MD PE01000123456").await;
    assert!(none.text.starts_with("Chua ghi nhan mat dien"), "{}", none.text);
    assert!(none.text.ends_with("soan: MAT DIEN PE01000123456"), "{}", none.text);
    let none = scene.told(STRANGER, "LMD PE01000123456").await;
    assert_eq!(none.text, "Trong 30 ngay toi chua co lich ngung cung cap dien cho ma PE01000123456.");

    let district = OutageArea { province: "VN-SG".into(), district: "QUAN 1".into(), ..Default::default() };
    let (begins, earliest, latest) = (hours(-1), hours(1), hours(3));
    scene.outage(OutageKind::Unplanned, feeder("999-E9"), hours(-2), None).await;
    scene.outage(OutageKind::Unplanned, district, begins, Some((earliest, latest))).await;
    scene.outage(OutageKind::Planned, feeder("471-E5"), hours(48), Some((hours(50), hours(52)))).await;
    scene.outage(OutageKind::Planned, feeder("471-E5"), hours(24), Some((hours(25), hours(26)))).await;
    scene.outage(OutageKind::Planned, feeder("471-E5"), hours(24 * 60), None).await;
    scene.outage(OutageKind::Planned, feeder("472-E5"), hours(12), None).await;
    // Work whose time has passed.
    scene.outage(OutageKind::Planned, feeder("471-E5"), hours(-9), Some((hours(-8), hours(-7)))).await;

    let present = scene.told(STRANGER, "mđ PE01000123456").await;
    let expected = format!(
        "Khu vực của mã PE01000123456 mất điện từ {}, nguyên nhân: sự cố thiết bị. Dự kiến có điện lại từ {} đến {}.",
        shown(begins),
        shown(earliest),
        shown(latest)
    );
    assert_eq!((present.text.as_str(), present.encoding()), (expected.as_str(), SmsEncoding::Ucs2));
    assert!(present.parts.len() > 1 && present.parts.concat() == present.text);
    // In free words, from a number that tells the customer.
    let present = scene.told(LAN, "bao gio co dien vay").await;
    assert!(present.text.contains("Du kien co dien lai tu"), "{}", present.text);
    assert_eq!(present.keyword, "present_outage");

    let planned = scene.told(LAN, "LMD").await;
    let item = |from, until| format!("{} den {} (bao tri luoi dien)", shown(hours(from)), shown(hours(until)));
    let minute_before_and_after = planned.text.len();
    assert!(planned.text.starts_with("Lich ngung cung cap dien cua ma PE01000123456: "), "{}", planned.text);
    assert_eq!(planned.text.matches("bao tri luoi dien").count(), 2, "{}", planned.text);
    // The clock may have gone on by a minute since the outages were written.
    assert_eq!(
        minute_before_and_after,
        format!("Lich ngung cung cap dien cua ma PE01000123456: {}; {}.", item(24, 26), item(48, 52)).len()
    );

    let unknown = scene.told(STRANGER, "MD PE01000999999").await;
    assert!(unknown.text.starts_with("Khong tim thay ma khach hang PE01000999999."), "{}", unknown.text);
    let elsewhere = scene.told(STRANGER, "MD PB01000999999").await;
    assert_eq!(elsewhere.text, "Ma PB01000999999 do SPC phuc vu. Xin lien he SPC.");
    let without = scene.told(STRANGER, "khi nao co dien").await;
    assert!(without.text.starts_with("Tin nhan thieu ma khach hang"), "{}", without.text);
}

async fn the_south_asks_in_its_own_words(place: Place) {
    let scene = Scene::new(place, "SPC").await;
    let code = "PB01000123456";
    scene.lan(code).await;
    scene.outage(OutageKind::Planned, feeder("471-E5"), hours(24), Some((hours(25), hours(26)))).await;
    for (text, keyword, answer) in [
        (
            "SPCDK PB01000123456 TD",
            "bill",
            "Ma PB01000123456, ky 05/2013: 88 kWh, 145.600 d, han thanh toan 20/06/2013.",
        ),
        ("spcdk pb01000123456 no", "amount_owed", "Ma PB01000123456 con no 145.600 d, 1 ky, cu nhat ky 05/2013."),
        ("SPCDKPB01000123456CS", "meter_reading", "Chi so cong to cua ma PB01000123456 ky 05/2013: 4.321 kWh."),
        ("SPCDK LG PB01000123456", "reading_day", "Ngay ghi chi so cong to cua ma PB01000123456: 05/"),
        ("SPCDK PB01000123456 NG", "planned_outages", "Lich ngung cung cap dien cua ma PB01000123456: "),
    ] {
        let told = scene.told(LAN, text).await;
        assert!(told.text.starts_with(answer), "{text}: {}", told.text);
        assert_eq!(told.keyword, keyword);
    }
    let unclear = scene.told(LAN, "SPCDK PB01000123456").await;
    assert!(unclear.text.starts_with("Tin nhan chua ro noi dung. Soan: SPCDK <ma KH> LG"), "{}", unclear.text);
    assert!(scene.told(STRANGER, "TD PB01000123456 5/13").await.text.starts_with("Soan SPCDK"), "not its keyword");
}

async fn a_report_opens_one_ticket_and_tells_its_reference(place: Place) {
    let scene = Scene::new(place, "HCMC").await;
    scene.lan(CODE).await;
    let told = scene.told(LAN, "Nhà tôi mất điện rồi").await;
    assert_eq!(told.keyword, "report_outage");
    assert!(told.ticket.starts_with("HCMC-"), "{told:?}");
    assert_eq!(told.text, format!("Đã ghi nhận báo mất điện, số phiếu {}. Cảm ơn quý khách.", told.ticket));
    let mut tickets = calls::tickets(&scene.node);
    let name = told.ticket.clone();
    let opened = tickets.get_ticket(ticket::GetTicketRequest { name }).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!((opened.topic.as_str(), opened.channel.as_str()), ("outage", "sms"));
    assert_eq!((opened.customer_code.as_str(), opened.description.as_str()), (CODE, "Nhà tôi mất điện rồi"));
    assert_eq!((opened.requester_contact_point.as_str(), opened.province.as_str()), ("+84901234567", "VN-SG"));

    scene.outage(OutageKind::Unplanned, feeder("471-E5"), hours(-1), None).await;
    let again = scene.told(LAN, "van chua co dien").await;
    assert_eq!(again.ticket, told.ticket, "it is the same case");
    assert!(again.text.ends_with("Chua co du kien gio co dien lai, chung toi dang khac phuc."), "{}", again.text);
    let stranger = scene.told(STRANGER, "cup dien").await;
    assert_ne!(stranger.ticket, told.ticket);
    assert!(stranger.text.contains("Xin goi 1900545454 cho biet ma khach hang"), "{}", stranger.text);
    let all = tickets.list_tickets(ticket::ListTicketsRequest::default()).await.unwrap().into_inner().tickets;
    assert_eq!(all.len(), 2);
    let contacts = scene.contacts().await;
    assert_eq!(contacts.iter().filter(|c| c.ticket == told.ticket).count(), 4, "two messages and two answers");
    assert!(contacts.iter().any(|c| c.note == "cup dien" && c.outcome() == Outcome::Answered));
}

async fn who_asks_wrongly_is_told_how(place: Place) {
    let scene = Scene::new(place, "HCMC").await;
    for (text, expected) in [
        ("TD", "Tin nhan thieu ma khach hang. Soan: TD <ma KH> mm/yy"),
        ("TD PE0100012345 5/13", "Ma khach hang chua dung, ma gom 13 ky tu. Soan: TD <ma KH> mm/yy"),
        ("LGD PE01000123456 13/13", "Thang chua dung. Soan: LGD <ma KH> mm/yy"),
        ("TD PE01000123456", "Tin nhan thieu thang. Soan: TD <ma KH> mm/yy"),
    ] {
        assert_eq!(scene.told(STRANGER, text).await.text, expected, "{text}");
    }
    for text in ["xin chao", "help", "Trợ giúp", "?"] {
        let help = scene.told(STRANGER, text).await.text;
        let help = gridcare_domain::sms_text::plain(&help);
        assert!(help.starts_with("Soan TD <ma KH> mm/yy: hoa don; NO <ma KH>: tien no; "), "{help}");
        assert!(help.ends_with("Bao mat dien: MAT DIEN <ma KH>. Goi 1900545454."), "{help}");
    }
    let bad = contact::AnswerSmsRequest { encoding: 9, text: "a\0".into(), ..Default::default() };
    let refused = calls::sms(&scene.node).answer_sms(bad).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["encoding", "from", "received_at", "request_id", "text"]);
}

async fn no_loop_arises_and_every_message_is_recorded(place: Place) {
    let mut scene = Scene::new(place, "HCMC").await;
    for (from, silence) in [
        ("9029", SmsSilence::ShortCodeSender),
        ("Viettel", SmsSilence::NamedSender),
        ("8055", SmsSilence::OwnNumber),
        ("028 123 4567", SmsSilence::OwnNumber),
        ("1900545454", SmsSilence::OwnNumber),
    ] {
        let told = scene.told(from, "mat dien").await;
        assert_eq!((told.suppressed, told.silence(), told.text.as_str()), (true, silence, ""), "{from}");
        assert!(told.outbound_contact_id.is_empty() && told.ticket.is_empty());
    }
    let help = scene.told(LAN, "xin chao").await;
    let echo = scene.told(STRANGER, &help.text.to_uppercase()).await;
    assert_eq!(echo.silence(), SmsSilence::OwnText);
    for i in 0..4 {
        let told = scene.told(JOHN, ["Alo?", "alo", "ALO!!", "à lô"][i]).await;
        let expected = if i < 3 { SmsSilence::Unspecified } else { SmsSilence::Repeated };
        // The last is two words, and so another text.
        assert_eq!(told.silence(), if i == 3 { SmsSilence::Unspecified } else { expected });
    }
    assert_eq!(scene.told(JOHN, "alo").await.silence(), SmsSilence::Repeated);
    let flood = |range: std::ops::Range<i32>| range.map(|i| format!("hoi {i}")).collect::<Vec<_>>();
    for text in flood(0..16) {
        assert!(!scene.told(JOHN, &text).await.suppressed, "{text}");
    }
    // What was counted outlives the process.
    scene.node.kill();
    scene.node.restart().await;
    for text in flood(16..18) {
        assert_eq!(scene.told(JOHN, &text).await.silence(), SmsSilence::TooMany);
    }
    assert!(!scene.told(LAN, "hoi them").await.suppressed, "others are answered");
    let contacts = scene.contacts().await;
    let inbound: Vec<_> = contacts.iter().filter(|c| c.direction() == Direction::Inbound).collect();
    assert_eq!(inbound.len(), 31, "answered or not");
    assert_eq!(inbound.iter().filter(|c| c.outcome() == Outcome::Unanswered).count(), 9);
    assert_eq!(contacts.len() - inbound.len(), 22, "only what was answered has an answer");
    assert_eq!(
        calls::tickets(&scene.node)
            .list_tickets(ticket::ListTicketsRequest::default())
            .await
            .unwrap()
            .into_inner()
            .tickets,
        []
    );
}

async fn a_billing_system_that_is_away_is_no_error(place: Place) {
    let mut scene = Scene::new(place, "HCMC").await;
    scene.lan(CODE).await;
    assert!(scene.told(LAN, "NO PE01000123456").await.text.contains("611.000"));
    scene.billing.kill();
    let busy = "He thong hoa don dang ban. Xin nhan lai sau hoac goi 1900545454.";
    for text in ["TD PE01000123456 5/13", "NO PE01000123456.", "LGD PE01000123456 5/13"] {
        let began = scene::now();
        assert_eq!(scene.told(LAN, text).await.text, busy, "{text}");
        assert!((scene::now() - began).total(jiff::Unit::Second).unwrap() < 3.0, "nobody is kept waiting");
    }
    let outage = scene.told(LAN, "MD PE01000123456").await;
    assert!(outage.text.starts_with("Chua ghi nhan"), "what does not need it is told: {}", outage.text);
    scene.billing_returns().await;
    let mut asked = 0;
    eventually("bills are told again", || {
        asked += 1;
        let (scene, text) = (&scene, format!("TD PE01000123456 {}/13", 4 + asked % 3));
        async move { (scene.told(LAN, &text).await.text.contains(" kWh, ")).then_some(()) }
    })
    .await;

    // A corporation without a billing system offers none, and says so.
    let node = scene.world.node_flags.iter().position(|flag| flag == "--billing-endpoint").unwrap();
    scene.world.node_flags.drain(node..node + 2);
    let bare = Scene { node: scene.world.node("hcmc-2", "HCMC").await, ..scene };
    assert_eq!(
        bare.told(STRANGER, "LGD PE01000123456 5/13").await.text,
        "Thong tin nay chua co qua tin nhan. Xin goi 1900545454."
    );
}

async fn a_message_that_comes_twice_is_answered_once(place: Place) {
    let scene = Scene::new(place, "HCMC").await;
    let message = scene.message(STRANGER, "mat dien");
    let tries = (0..8).map(|_| {
        let (mut sms, message) = (calls::sms(&scene.node), message.clone());
        async move { sms.answer_sms(message).await.unwrap().into_inner() }
    });
    let answers = futures::future::join_all(tries).await;
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    let other = contact::AnswerSmsRequest { text: "cup dien".into(), ..message };
    let refused = calls::sms(&scene.node).answer_sms(other).await.unwrap_err();
    assert_eq!(calls::reason(&refused), "REQUEST_ID_REUSED");
    assert_eq!(scene.contacts().await.len(), 2);
    let list = ticket::ListTicketsRequest::default();
    assert_eq!(calls::tickets(&scene.node).list_tickets(list).await.unwrap().into_inner().tickets.len(), 1);
}

async fn notices_are_stopped_and_started_by_a_word(place: Place) {
    let scene = Scene::new(place, "HCMC").await;
    scene.lan(CODE).await;
    let granted = async || {
        let store = scene.store().await;
        let stored = store.customer(&CustomerCode::parse(CODE).unwrap()).await.unwrap().unwrap();
        store.close().await;
        let consents = stored.customer.contact_points[0].consents.clone();
        consents.into_iter().filter(|consent| consent.granted).map(|consent| consent.purpose).collect::<Vec<_>>()
    };
    assert_eq!(granted().await, [Purpose::OutageNotice, Purpose::Billing]);
    let stopped = scene.told(LAN, "HUY").await;
    assert_eq!((stopped.keyword.as_str(), granted().await), ("stop", vec![]));
    assert_eq!(stopped.text, "Da ngung gui tin thong bao den so nay. Nhan lai: soan START");
    assert!(scene.told(LAN, "NO PE01000123456").await.text.starts_with("Vi bao mat"));
    let started = scene.told(LAN, "start").await;
    assert_eq!(started.keyword, "start");
    assert!(granted().await.contains(&Purpose::OutageNotice) && granted().await.contains(&Purpose::Billing));
    assert!(scene.told(LAN, "NO PE01000123456").await.text.contains("611.000"));
    assert!(scene.told(STRANGER, "STOP").await.text.starts_with("So nay khong dang ky nhan tin"));
}

async fn a_word_counts_for_all_customers_of_a_number_and_outlives_the_next_import(place: Place) {
    let scene = Scene::new(place, "HCMC").await;
    scene.lan(CODE).await;
    let store = scene.store().await;
    let lan = store.customer(&CustomerCode::parse(CODE).unwrap()).await.unwrap().unwrap().customer;
    // Her tenants' bills come to her number.
    let code = |n: usize| CustomerCode::parse(&format!("PE01000{n:06}")).unwrap();
    let tenants: Vec<_> = (1..60).map(|n| Customer { code: code(n), ..lan.clone() }).collect();
    let import = async || {
        let batch = CustomerBatch::prepare("cis", tenants.clone(), None, scene::now().as_microsecond());
        store.import_customers(batch, &[0; 32]).await.unwrap()
    };
    let query = CustomerQuery { phone: Some("+84901234567".into()), ..CustomerQuery::default() };
    let agreeing = async || {
        let all = store.customers(&query, None, 1_000).await.unwrap().customers;
        let agrees = |customer: &Customer| customer.contact_points[0].consents.iter().any(|consent| consent.granted);
        (all.len(), all.iter().filter(|stored| agrees(&stored.customer)).count())
    };
    assert_eq!(import().await.created, 59);
    assert_eq!(agreeing().await, (60, 60));
    assert_eq!(scene.told(LAN, "STOP").await.keyword, "stop");
    assert_eq!(agreeing().await, (60, 0), "each of them");
    assert_eq!(import().await.unchanged, 59, "what the contracts say is older");
    assert_eq!(agreeing().await, (60, 0));
    assert_eq!(scene.told(LAN, "START").await.keyword, "start");
    assert_eq!(agreeing().await, (60, 60));
    store.close().await;
}
