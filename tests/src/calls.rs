use std::time::Duration;

use gridcare_proto::{
    contact::v1::{
        self as contact, contact_service_client::ContactServiceClient, sms_service_client::SmsServiceClient,
    },
    customer::v1::customer_service_client::CustomerServiceClient,
    delivery::v1::delivery_service_client::DeliveryServiceClient,
    federation::v1::{
        feed_service_client::FeedServiceClient, national_outage_service_client::NationalOutageServiceClient,
        national_service_client::NationalServiceClient,
    },
    metric::v1::metric_service_client::MetricServiceClient,
    notice::v1::{
        notice_landing_service_client::NoticeLandingServiceClient, notice_service_client::NoticeServiceClient,
    },
    outage::v1::{
        outage_service_client::OutageServiceClient, reliability_service_client::ReliabilityServiceClient,
        report_grouping_service_client::ReportGroupingServiceClient,
        supply_schedule_service_client::SupplyScheduleServiceClient,
    },
    report::v1::{
        national_report_service_client::NationalReportServiceClient, report_service_client::ReportServiceClient,
    },
    standard::v1::{
        national_standard_service_client::NationalStandardServiceClient, standard_service_client::StandardServiceClient,
    },
    ticket::v1::{self as ticket, team_service_client::TeamServiceClient, ticket_service_client::TicketServiceClient},
};
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

use crate::Process;

/// A connection to a process, made when it is first used, and again when it breaks.
///
/// # Panics
/// Never: a process's own address is one.
#[must_use]
pub fn channel(process: &Process) -> Channel {
    Endpoint::from_shared(process.endpoint())
        .expect("an address")
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_secs(5))
        .connect_lazy()
}

/// Tickets of a node.
#[must_use]
pub fn tickets(process: &Process) -> TicketServiceClient<Channel> {
    TicketServiceClient::new(channel(process))
}

/// Agents of a node.
#[must_use]
pub fn teams(process: &Process) -> TeamServiceClient<Channel> {
    TeamServiceClient::new(channel(process))
}

/// Opens a ticket that the node must take.
///
/// # Panics
/// When it does not.
pub async fn opened(process: &Process, request: ticket::OpenTicketRequest) -> ticket::Ticket {
    tickets(process).open_ticket(request).await.expect("a sound opening").into_inner().ticket.expect("a ticket")
}

/// A ticket as it is now.
///
/// # Panics
/// When there is none of this name.
pub async fn ticket(process: &Process, name: &str) -> ticket::Ticket {
    let request = ticket::GetTicketRequest { name: name.to_owned() };
    tickets(process).get_ticket(request).await.expect("a ticket of this name").into_inner().ticket.expect("a ticket")
}

/// Contacts of a node.
#[must_use]
pub fn contacts(process: &Process) -> ContactServiceClient<Channel> {
    ContactServiceClient::new(channel(process)).max_decoding_message_size(64 << 20)
}

/// Two-way SMS of a node.
#[must_use]
pub fn sms(process: &Process) -> SmsServiceClient<Channel> {
    SmsServiceClient::new(channel(process))
}

/// Outages of a node.
#[must_use]
pub fn outages(process: &Process) -> OutageServiceClient<Channel> {
    OutageServiceClient::new(channel(process)).max_decoding_message_size(64 << 20)
}

/// Reports and outages of a node.
#[must_use]
pub fn grouping(process: &Process) -> ReportGroupingServiceClient<Channel> {
    ReportGroupingServiceClient::new(channel(process))
}

/// Indices of a node.
#[must_use]
pub fn reliability(process: &Process) -> ReliabilityServiceClient<Channel> {
    ReliabilityServiceClient::new(channel(process))
}

/// Planned work of a node.
#[must_use]
pub fn schedule(process: &Process) -> SupplyScheduleServiceClient<Channel> {
    SupplyScheduleServiceClient::new(channel(process))
}

/// Notices of a node.
#[must_use]
pub fn notices(process: &Process) -> NoticeServiceClient<Channel> {
    NoticeServiceClient::new(channel(process))
}

/// Where national notices land at a node.
#[must_use]
pub fn landing(process: &Process) -> NoticeLandingServiceClient<Channel> {
    NoticeLandingServiceClient::new(channel(process))
}

/// Messages of a node, for its couriers.
#[must_use]
pub fn deliveries(process: &Process) -> DeliveryServiceClient<Channel> {
    DeliveryServiceClient::new(channel(process))
}

/// Outages of a gateway's members.
#[must_use]
pub fn national_outages(process: &Process) -> NationalOutageServiceClient<Channel> {
    NationalOutageServiceClient::new(channel(process))
}

/// Customers of a node.
#[must_use]
pub fn customers(process: &Process) -> CustomerServiceClient<Channel> {
    CustomerServiceClient::new(channel(process)).max_decoding_message_size(64 << 20)
}

/// Metrics of a node.
#[must_use]
pub fn metrics(process: &Process) -> MetricServiceClient<Channel> {
    MetricServiceClient::new(channel(process)).max_decoding_message_size(64 << 20)
}

/// The feed of a node.
#[must_use]
pub fn feed(process: &Process) -> FeedServiceClient<Channel> {
    FeedServiceClient::new(channel(process)).max_decoding_message_size(64 << 20)
}

/// Standards at a node.
#[must_use]
pub fn standards(process: &Process) -> StandardServiceClient<Channel> {
    StandardServiceClient::new(channel(process))
}

/// Standards at a gateway.
#[must_use]
pub fn national_standards(process: &Process) -> NationalStandardServiceClient<Channel> {
    NationalStandardServiceClient::new(channel(process))
}

/// The country, at a gateway.
#[must_use]
pub fn nation(process: &Process) -> NationalServiceClient<Channel> {
    NationalServiceClient::new(channel(process)).max_decoding_message_size(64 << 20)
}

/// Reports of a node.
#[must_use]
pub fn reports(process: &Process) -> ReportServiceClient<Channel> {
    ReportServiceClient::new(channel(process)).max_decoding_message_size(64 << 20)
}

/// Reports of the country, at a gateway.
#[must_use]
pub fn national_reports(process: &Process) -> NationalReportServiceClient<Channel> {
    NationalReportServiceClient::new(channel(process)).max_decoding_message_size(64 << 20)
}

/// A new request id.
#[must_use]
pub fn request_id() -> String {
    gridcare_chassis::id::new_id().to_string()
}

/// A sound opening.
#[must_use]
pub fn opening(subject: &str) -> ticket::OpenTicketRequest {
    ticket::OpenTicketRequest {
        request_id: request_id(),
        topic: "outage".into(),
        channel: "hotline".into(),
        subject: subject.into(),
        ..Default::default()
    }
}

/// A second of 22 May 2013, by default the morning.
#[must_use]
pub fn at(second: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: 1_369_180_800 + second, nanos: 0 }
}

/// A call of one minute that was answered after ten seconds.
#[must_use]
pub fn call(key: &str, second: i64) -> contact::ContactDraft {
    contact::ContactDraft {
        source_key: key.into(),
        channel: contact::Channel::Hotline.into(),
        direction: contact::Direction::Inbound.into(),
        arrived_at: Some(at(second)),
        answered_at: Some(at(second + 10)),
        ended_at: Some(at(second + 70)),
        outcome: contact::Outcome::Answered.into(),
        wait: Some(prost_types::Duration { seconds: 10, nanos: 0 }),
        talk: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        customer_code: "PE01000123456".into(),
        ..Default::default()
    }
}

/// Fields that a refusal names, sorted.
#[must_use]
pub fn violating_fields(status: &Status) -> Vec<String> {
    let mut fields: Vec<_> = status
        .get_details_bad_request()
        .map(|bad| bad.field_violations.into_iter().map(|v| v.field).collect())
        .unwrap_or_default();
    fields.sort();
    fields
}

/// The stable reason of a refusal.
#[must_use]
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}
