use std::collections::BTreeMap;

use gridcare_proto::{customer::v1 as customer, notice::v1 as wire, ticket::v1::Language};
use tokio_stream::StreamExt as _;

use crate::{Process, calls};

/// Imports so many customers of Ho Chi Minh City who agreed to be told by SMS.
///
/// # Panics
/// When one is not taken.
pub async fn import(node: &Process, recipients: usize) {
    let consent = customer::Consent {
        purpose: customer::ConsentPurpose::OutageNotice.into(),
        granted: true,
        given_at: Some(prost_types::Timestamp { seconds: 0, nanos: 0 }),
        source: "contract".into(),
    };
    let draft = |n: usize| customer::CustomerDraft {
        code: format!("PE01{n:09}"),
        name: format!("Khách hàng {n}"),
        contact_points: vec![customer::ContactPoint {
            kind: customer::ContactPointKind::Phone.into(),
            value: format!("090{n:07}"),
            consents: vec![consent.clone()],
        }],
        preferred_language: Language::Vi.into(),
        premises: vec![customer::Premises {
            code: "1".into(),
            address: "12 Lê Lợi".into(),
            province: "VN-SG".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let batch = |first: usize| customer::ImportCustomersRequest {
        source: "cis".into(),
        customers: (first..recipients.min(first + 1_000)).map(draft).collect(),
        ..Default::default()
    };
    let requests: Vec<_> = (0..recipients).step_by(1_000).map(batch).collect();
    let requests = tokio_stream::iter(requests);
    let mut answers = calls::customers(node).import_customers(requests).await.expect("an import").into_inner();
    while let Some(answer) = answers.next().await {
        assert!(answer.expect("an answer").rejections.is_empty(), "a customer is refused");
    }
}

/// What is said to everybody of Ho Chi Minh City by SMS, in an emergency, for an hour.
#[must_use]
pub fn content(kind: wire::RevisionKind, phase: wire::Phase) -> wire::NoticeContent {
    let text = |title: &str, body: &str| Some(wire::NoticeText { title: title.into(), body: body.into() });
    let now = gridcare_chassis::clock::SystemClock::shared().now().as_second();
    wire::NoticeContent {
        kind: kind.into(),
        phase: phase.into(),
        urgency: wire::Urgency::Emergency.into(),
        audience: Some(wire::NoticeAudience { regions: vec!["HCMC".into()], ..Default::default() }),
        channels: vec![wire::NoticeChannel::Sms.into()],
        vi: text("Mất điện", "Sự cố đường dây 500 kV."),
        en: text("Power cut", "Fault of the 500 kV line."),
        expires_at: Some(prost_types::Timestamp { seconds: now + 3_600, nanos: 0 }),
        diacritics: false,
    }
}

/// How many messages of a revision stand where; nothing while the node does not answer.
pub async fn counts(node: &Process, id: &str, revision: i64) -> BTreeMap<String, i64> {
    let request = wire::GetNoticeProgressRequest { id: id.into() };
    let Ok(answer) = calls::notices(node).get_notice_progress(request).await else { return BTreeMap::new() };
    let revisions = answer.into_inner().progress.into_iter().flat_map(|standing| standing.revisions);
    let counts = revisions.filter(|found| found.revision == revision).flat_map(|found| found.counts);
    counts.map(|count| (count.state, count.deliveries)).filter(|(_, deliveries)| *deliveries > 0).collect()
}
