//! The customers of a replay, a hundredth of those that there were. Nobody of them exists: their numbers have a country code
//! that no country has.

use gridcare_domain::province;
use gridcare_proto::{
    customer::v1::{
        Consent, ConsentPurpose, ContactPoint, ContactPointKind, CustomerDraft, ImportCustomersRequest, Language,
        Premises, customer_service_client::CustomerServiceClient,
    },
    ticket::v1::Locality,
};

use super::country::Seat;
use crate::failure::Failure;

/// Customers in one batch.
const BATCH: usize = 2_000;
/// Feeders of a province.
const FEEDERS: u64 = 8;

/// A customer's code.
pub(super) fn code(seat: &Seat, number: u64) -> String {
    let prefixes = &seat.region.customer_code_prefixes;
    let at = usize::try_from(number).unwrap_or_default() % prefixes.len().max(1);
    format!("{}{number:011}", prefixes.get(at).map_or("PX", String::as_str))
}

/// A customer's telephone number.
pub(super) fn phone(seat: &Seat, number: u64) -> String {
    let region = seat.region.code.bytes().fold(0_u64, |sum, byte| sum * 7 + u64::from(byte)) % 90 + 10;
    format!("+999{region}{number:08}")
}

/// The province in which a customer is supplied.
pub(super) fn province_of(seat: &Seat, number: u64) -> &'static str {
    let own: Vec<_> = province::all().iter().filter(|province| province.region == seat.region.code).collect();
    let at = usize::try_from(number).unwrap_or_default() % own.len().max(1);
    own.get(at).map_or("", |province| province.code)
}

fn draft(seat: &Seat, number: u64) -> CustomerDraft {
    let province = province_of(seat, number);
    let consent = Consent {
        purpose: ConsentPurpose::OutageNotice.into(),
        granted: true,
        given_at: Some(prost_types::Timestamp { seconds: 1_356_973_200, nanos: 0 }),
        source: "contract".to_owned(),
    };
    let point =
        ContactPoint { kind: ContactPointKind::Phone.into(), value: phone(seat, number), consents: vec![consent] };
    let premises = Premises {
        province: province.to_owned(),
        locality: if number.is_multiple_of(3) { Locality::Rural } else { Locality::Town }.into(),
        feeder: format!("{}-{:02}", province.trim_start_matches("VN-"), number / 100 % FEEDERS),
        medical_equipment: number % 400 == 7,
        critical_service: number % 700 == 11,
        ..Premises::default()
    };
    CustomerDraft {
        code: code(seat, number),
        name: format!("Khách hàng {number}"),
        contact_points: vec![point],
        preferred_language: if number % 50 == 3 { Language::En } else { Language::Vi }.into(),
        premises: vec![premises],
        ..CustomerDraft::default()
    }
}

/// Brings a region's customers in.
pub(super) async fn bring_in(seat: &Seat, count: u64) -> Result<(), Failure> {
    let numbers: Vec<_> = (0..count).collect();
    let batches: Vec<_> = (1..)
        .zip(numbers.chunks(BATCH))
        .map(|(batch, numbers)| ImportCustomersRequest {
            source: "replay".to_owned(),
            batch,
            customers: numbers.iter().map(|number| draft(seat, *number)).collect(),
            checkpoint: String::new(),
        })
        .collect();
    let failed = |status: tonic::Status| Failure::answered(format!("the customers of {}", seat.region.code), &status);
    let mut client = CustomerServiceClient::new(seat.node.clone()).max_encoding_message_size(16 << 20);
    let mut answers = client.import_customers(futures::stream::iter(batches)).await.map_err(failed)?.into_inner();
    while let Some(answer) = answers.message().await.map_err(failed)? {
        if let Some(refused) = answer.rejections.first() {
            let why = refused.violations.first().map_or("", |violation| violation.description.as_str());
            return Err(Failure::said(format!("{} refuses a customer: {why}", seat.region.code)));
        }
    }
    Ok(())
}
