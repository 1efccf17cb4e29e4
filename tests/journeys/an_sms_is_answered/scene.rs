//! A corporation with a customer, outages and bills, and phones that write to it.

use gridcare_chassis::{
    clock::{Clock as _, SystemClock},
    id::new_id,
};
use gridcare_domain::{
    customer::{Consent, ContactPoint, Customer, Language, PointKind, Premises, Purpose},
    customer_code::CustomerCode,
};
use gridcare_proto::{contact::v1 as contact, outage::v1 as outage, ticket::v1 as ticket};
use gridcare_store::{NodeStore, customer::CustomerWrite, request::Request};
use gridcare_tests::{
    Place, Process, calls, lasting_port,
    world::{CAPABILITIES, NodeOf, World},
};
use jiff::{SignedDuration, Timestamp};

/// Lan, her number, and somebody else's.
pub(super) const LAN: &str = "0901234567";
pub(super) const STRANGER: &str = "+84 912 000 111";
/// John, who reads English.
pub(super) const JOHN: &str = "0907777777";

const BILLS: &str = "\
customer_code,month,amount_vnd,kwh,due_date,paid,reading_day,reading
PE01000123456,04/2013,350000,210,2013-05-15,yes,12,10210
PE01000123456,05/2013,512300,300,2013-06-15,no,12,10510
PE01000123456,06/2013,98700,61,,no,12,10571
PE01000777777,05/2013,1000000,500,2013-06-15,no,31,900
PB01000123456,05/2013,145600,88,2013-06-20,no,5,4321
";

pub(super) struct Scene {
    pub(super) world: World,
    pub(super) node: Process,
    pub(super) database: String,
    pub(super) billing: Process,
    pub(super) billing_arguments: Vec<String>,
    pub(super) short_code: &'static str,
}

pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

pub(super) fn hours(hours: i64) -> Timestamp {
    now() + SignedDuration::from_hours(hours)
}

/// As messages show it.
pub(super) fn shown(at: Timestamp) -> String {
    at.in_tz("Asia/Ho_Chi_Minh").unwrap().strftime("%H:%M %d/%m").to_string()
}

fn wire(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: 0 }
}

impl Scene {
    pub(super) async fn new(place: Place, region: &str) -> Self {
        Self::under(place, region, None).await
    }

    /// The same under a standard of its own.
    pub(super) async fn under(place: Place, region: &str, standard: Option<&str>) -> Self {
        let mut world = World::new(place);
        if let Some(yaml) = standard {
            let file = world.file("standard.yaml");
            std::fs::write(&file, yaml).unwrap();
            world.node_flags.extend(["--standards-initial".to_owned(), file.display().to_string()]);
        }
        let file = world.file("bills.csv");
        std::fs::write(&file, BILLS).unwrap();
        let listen = format!("127.0.0.1:{}", lasting_port());
        let billing_arguments = ["billing", "--file", file.to_str().unwrap(), "--listen", &listen]
            .into_iter()
            .chain(["--listen-http", "127.0.0.1:0", "--log", "json"])
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let billing = adapter(&world, &billing_arguments).await;
        world.node_flags.extend([
            "--billing-endpoint".to_owned(),
            format!("http://{listen}"),
            "--sms-hotline".to_owned(),
            "1900545454".to_owned(),
            "--sms-own-numbers".to_owned(),
            "[\"0281234567\"]".to_owned(),
        ]);
        let id = format!("{}-1", region.to_lowercase());
        let database = world.place.database(&world.folder, &id).await;
        let node = world.node_on(&NodeOf { id: &id, region, capabilities: CAPABILITIES }, &database).await;
        let short_code = if region == "SPC" { "8655" } else { "8055" };
        Self { world, node, database, billing, billing_arguments, short_code }
    }

    /// The same file, served again at the same place.
    pub(super) async fn billing_returns(&mut self) {
        self.billing = adapter(&self.world, &self.billing_arguments).await;
    }

    pub(super) async fn store(&self) -> NodeStore {
        NodeStore::open(&self.database, 2, |_| ()).await.unwrap()
    }

    /// A customer of this node, on feeder 471-E5 of Quận 1.
    pub(super) async fn customer(&self, code: &str, number: &str, language: Language, agreed: &[Purpose]) {
        let consents = agreed.iter().map(|purpose| Consent {
            purpose: *purpose,
            granted: true,
            given_at: hours(-1_000),
            source: "contract".into(),
        });
        let customer = Customer {
            code: CustomerCode::parse(code).unwrap(),
            name: "Nguyễn Thị Lan".into(),
            name_plain: "Nguyen Thi Lan".into(),
            contact_points: vec![ContactPoint {
                kind: PointKind::Phone,
                value: gridcare_domain::customer::phone(number).unwrap(),
                consents: consents.collect(),
            }],
            preferred_channel: None,
            preferred_language: language,
            premises: vec![Premises {
                code: code.into(),
                province: Some("VN-SG".into()),
                district: "Quận 1".into(),
                area: "PD0100".into(),
                feeder: Some("471-E5".into()),
                ..Premises::default()
            }],
        };
        let write = CustomerWrite { customer, source: "api".into(), version: None, after_erasure: false };
        let request = Request { key: new_id(), body: new_id() };
        let store = self.store().await;
        store.put_customer(request, now().as_microsecond(), write, &[0; 32], |_, _| Vec::new()).await.unwrap().unwrap();
        store.close().await;
    }

    pub(super) async fn lan(&self, code: &str) {
        self.customer(code, LAN, Language::Vi, &[Purpose::OutageNotice, Purpose::Billing]).await;
    }

    pub(super) async fn outage(
        &self,
        kind: outage::OutageKind,
        area: outage::OutageArea,
        begins: Timestamp,
        back: Option<(Timestamp, Timestamp)>,
    ) {
        let planned = kind == outage::OutageKind::Planned;
        let ends = back.map_or(begins + SignedDuration::from_hours(4), |(_, latest)| latest);
        let window = outage::WorkWindow { starts_at: Some(wire(begins)), ends_at: Some(wire(ends)) };
        let plan =
            outage::WorkPlan { window: Some(window), emergency_reason: "told by hand".into(), ..Default::default() };
        let draft = outage::OutageDraft {
            kind: kind.into(),
            cause: if kind == outage::OutageKind::Planned { "maintenance" } else { "equipment" }.into(),
            areas: vec![area],
            begins_at: (!planned).then(|| wire(begins)),
            plan: planned.then_some(plan),
            estimate: back.map(|(earliest, latest)| outage::ReturnEstimate {
                earliest: Some(wire(earliest)),
                latest: Some(wire(latest)),
                source: outage::EstimateSource::Crew.into(),
                confidence: 0,
            }),
            ..Default::default()
        };
        let request =
            outage::RecordOutageRequest { request_id: calls::request_id(), outage: Some(draft), author: "lan".into() };
        calls::outages(&self.node).record_outage(request).await.unwrap();
    }

    pub(super) fn message(&self, from: &str, text: &str) -> contact::AnswerSmsRequest {
        contact::AnswerSmsRequest {
            request_id: calls::request_id(),
            from: from.into(),
            to: self.short_code.into(),
            text: text.into(),
            received_at: Some(wire(now())),
            encoding: 0,
        }
    }

    /// What somebody is told who writes this.
    pub(super) async fn told(&self, from: &str, text: &str) -> contact::AnswerSmsResponse {
        calls::sms(&self.node).answer_sms(self.message(from, text)).await.unwrap().into_inner()
    }

    /// Resolves and closes a ticket.
    pub(super) async fn finish(&self, name: &str) {
        let (name, author) = (name.to_owned(), "mai".to_owned());
        let resolve = ticket::ResolveTicketRequest {
            request_id: calls::request_id(),
            name: name.clone(),
            author: author.clone(),
            resolution: "Đã có điện".into(),
            ..Default::default()
        };
        calls::tickets(&self.node).resolve_ticket(resolve).await.unwrap();
        let close = ticket::CloseTicketRequest { request_id: calls::request_id(), name, author, ..Default::default() };
        calls::tickets(&self.node).close_ticket(close).await.unwrap();
    }

    /// All contacts, the newest first.
    pub(super) async fn contacts(&self) -> Vec<contact::ContactDraft> {
        let request = contact::ListContactsRequest { page_size: 1_000, ..Default::default() };
        let listed = calls::contacts(&self.node).list_contacts(request).await.unwrap().into_inner().contacts;
        listed.into_iter().filter_map(|contact| contact.contact).collect()
    }
}

async fn adapter(world: &World, arguments: &[String]) -> Process {
    Process::start(arguments, &world.environment, &world.file(&format!("billing-{}.log", new_id().simple()))).await
}

pub(super) fn feeder(code: &str) -> outage::OutageArea {
    outage::OutageArea { feeder: code.into(), ..Default::default() }
}
