//! Bills and readings, from wherever the corporation has them: its billing system behind an adapter, or a file.

mod file;

use std::time::Duration;

pub use file::{BillingFile, BillingFileError, FileService};
use gridcare_chassis::{
    client::Caller,
    methods::Methods,
    tls::{self, TlsError},
};
use gridcare_domain::{
    billing::{Bill, MeterReading},
    customer_code::CustomerCode,
    keyword::Month,
};
use gridcare_proto::billing::v1::{self as wire, billing_service_client::BillingServiceClient};
use jiff::civil::Date;
use tonic::{Code, Status};

/// A customer who waits for an answer on a phone is told to ask elsewhere rather than kept waiting.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where bills come from.
pub(crate) enum Billing {
    /// Nowhere: they are not offered.
    Unoffered,
    /// From the corporation's adapter.
    Adapter(Box<BillingServiceClient<Caller>>),
    /// From a file.
    File(BillingFile),
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoBilling {
    /// The corporation does not offer it.
    Unoffered,
    /// The adapter did not answer, or not with sense.
    Unreachable,
}

impl Billing {
    /// What the configuration says.
    pub(crate) async fn open(config: &crate::config::Billing) -> Result<Self, BillingError> {
        match (&config.endpoint, &config.file) {
            (Some(endpoint), _) => {
                let methods = Methods::read([gridcare_proto::DESCRIPTORS])?;
                let caller = Caller::new(tls::channel(endpoint, &config.tls)?, methods, PATIENCE);
                Ok(Self::Adapter(Box::new(BillingServiceClient::new(caller))))
            }
            (None, Some(file)) => Ok(Self::File(BillingFile::open(file).await?)),
            (None, None) => Ok(Self::Unoffered),
        }
    }

    /// The bill of a month, or the newest; none when there is none.
    pub(crate) async fn bill(&self, code: &CustomerCode, month: Option<Month>) -> Result<Option<Bill>, NoBilling> {
        match self {
            Self::Unoffered => Err(NoBilling::Unoffered),
            Self::File(file) => Ok(file.table().await.bill(code, month).cloned()),
            Self::Adapter(client) => {
                let request = wire::GetBillRequest { customer_code: code.to_string(), month: month.map(month_to_wire) };
                let mut client = client.clone();
                let answer = asked(client.get_bill(request)).await?;
                answer.and_then(|answer| answer.bill).map(|bill| bill_from_wire(&bill)).transpose()
            }
        }
    }

    /// What is owed and the unpaid bills, the oldest first; none when the customer is not known there.
    pub(crate) async fn owed(&self, code: &CustomerCode) -> Result<Option<(i64, Vec<Bill>)>, NoBilling> {
        match self {
            Self::Unoffered => Err(NoBilling::Unoffered),
            Self::File(file) => {
                let table = file.table().await;
                let bills: Option<Vec<Bill>> = table.owed(code).map(|bills| bills.into_iter().cloned().collect());
                Ok(bills.map(|bills| (bills.iter().map(|bill| bill.amount_vnd).sum(), bills)))
            }
            Self::Adapter(client) => {
                let mut client = client.clone();
                let request = wire::GetAmountOwedRequest { customer_code: code.to_string() };
                let Some(answer) = asked(client.get_amount_owed(request)).await? else { return Ok(None) };
                let bills = answer.bills.iter().map(bill_from_wire).collect::<Result<_, _>>()?;
                Ok(Some((answer.amount_vnd, bills)))
            }
        }
    }

    /// The reading of a month, or the newest, and the reading day; none when the customer is not known there.
    pub(crate) async fn reading(
        &self,
        code: &CustomerCode,
        month: Option<Month>,
    ) -> Result<Option<MeterReading>, NoBilling> {
        match self {
            Self::Unoffered => Err(NoBilling::Unoffered),
            Self::File(file) => Ok(file.table().await.reading(code, month)),
            Self::Adapter(client) => {
                let mut client = client.clone();
                let month = month.map(month_to_wire);
                let request = wire::GetMeterReadingRequest { customer_code: code.to_string(), month };
                let Some(answer) = asked(client.get_meter_reading(request)).await? else { return Ok(None) };
                let month = answer.month.and_then(month_from_wire).ok_or_else(|| senseless("month"))?;
                let day = match answer.reading_day {
                    0 => None,
                    day => Some(
                        i8::try_from(day)
                            .ok()
                            .filter(|day| (1..=31).contains(day))
                            .ok_or_else(|| senseless("reading_day"))?,
                    ),
                };
                Ok(Some(MeterReading { month, reading_kwh: answer.reading_kwh, day }))
            }
        }
    }
}

/// Why billing cannot be had as configured.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// The endpoint or its certificates are not usable.
    #[error("billing.endpoint is not usable")]
    Endpoint(#[from] TlsError),
    /// The descriptors of the wire cannot be read.
    #[error("the descriptors of the wire cannot be read")]
    Descriptors(#[from] prost::DecodeError),
    /// The file is not usable.
    #[error("billing.file is not usable")]
    File(#[from] BillingFileError),
}

/// What an adapter answered in time; none when it does not know the customer or the month.
async fn asked<T>(call: impl Future<Output = Result<tonic::Response<T>, Status>>) -> Result<Option<T>, NoBilling> {
    let failed = |code: Code| {
        tracing::warn!(?code, "the billing adapter gave no answer; the customer is told to ask elsewhere");
        metrics::counter!("gridcare_billing_failures_total").increment(1);
        NoBilling::Unreachable
    };
    // The channel's own deadline begins when the call does; connecting may take longer.
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(Ok(answer)) => Ok(Some(answer.into_inner())),
        Ok(Err(status)) if status.code() == Code::NotFound => Ok(None),
        Ok(Err(status)) => Err(failed(status.code())),
        Err(_) => Err(failed(Code::DeadlineExceeded)),
    }
}

/// An adapter that answers with what cannot be is as good as unreachable.
fn senseless(field: &'static str) -> NoBilling {
    tracing::warn!(field, "the billing adapter answered with what cannot be");
    metrics::counter!("gridcare_billing_failures_total").increment(1);
    NoBilling::Unreachable
}

fn month_to_wire(month: Month) -> wire::BillingMonth {
    wire::BillingMonth { year: month.year.into(), month: month.month.into() }
}

fn month_from_wire(month: wire::BillingMonth) -> Option<Month> {
    Month::new(u32::try_from(month.month).ok()?, u32::try_from(month.year).ok().filter(|year| *year >= 2_000)?)
}

fn bill_from_wire(bill: &wire::Bill) -> Result<Bill, NoBilling> {
    let month = bill.month.and_then(month_from_wire).ok_or_else(|| senseless("bill.month"))?;
    let date = |date: &wire::BillingDate| {
        Date::new(date.year.try_into().ok()?, date.month.try_into().ok()?, date.day.try_into().ok()?).ok()
    };
    let due = match &bill.due_date {
        None => None,
        Some(given) => Some(date(given).ok_or_else(|| senseless("bill.due_date"))?),
    };
    Ok(Bill { month, amount_vnd: bill.amount_vnd, kwh: bill.kwh, due, paid: bill.paid })
}
