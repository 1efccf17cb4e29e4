use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use gridcare_chassis::status::refuse;
use gridcare_domain::{
    billing::{Bill, Table},
    customer_code::CustomerCode,
    keyword::Month,
    refusal::{Refusal, RefusalKind, Violation},
};
use gridcare_proto::billing::v1::{self as wire, billing_service_server::BillingService};
use jiff::civil::Date;
use tonic::{Request, Response, Status};

use super::{month_from_wire, month_to_wire};

/// Why a file with bills cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BillingFileError {
    /// It cannot be read.
    #[error("cannot read {}; check its name and rights", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// Something in it is wrong.
    #[error("{} holds what cannot be: {}", .0.display(), .1.join("; "))]
    Content(PathBuf, Vec<String>),
}

/// Bills and readings of a file. It is read again when it has changed; what cannot be read then leaves the last good one.
#[derive(Debug, Clone)]
pub struct BillingFile {
    path: PathBuf,
    state: Arc<Mutex<(Option<SystemTime>, Arc<Table>)>>,
}

impl BillingFile {
    /// Reads the file.
    pub async fn open(path: &Path) -> Result<Self, BillingFileError> {
        let changed = changed(path).await;
        let table = Arc::new(read(path).await?);
        Ok(Self { path: path.to_owned(), state: Arc::new(Mutex::new((changed, table))) })
    }

    /// What it holds now.
    pub(crate) async fn table(&self) -> Arc<Table> {
        let (known, table) = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now = changed(&self.path).await;
        if now.is_none() || now == known {
            return table;
        }
        let table = match read(&self.path).await {
            Ok(table) => Arc::new(table),
            Err(e) => {
                tracing::warn!(error = &e as &dyn std::error::Error, "the file with bills changed and cannot be read");
                table
            }
        };
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = (now, table.clone());
        table
    }

    /// How many customers are in it.
    pub async fn customers(&self) -> usize {
        self.table().await.len()
    }
}

async fn changed(path: &Path) -> Option<SystemTime> {
    tokio::fs::metadata(path).await.ok()?.modified().ok()
}

async fn read(path: &Path) -> Result<Table, BillingFileError> {
    let text = tokio::fs::read_to_string(path).await.map_err(|e| BillingFileError::Read(path.to_owned(), e))?;
    Table::read(&text).map_err(|wrong| BillingFileError::Content(path.to_owned(), wrong))
}

/// The same as `BillingService`, for a node elsewhere.
#[derive(Debug, Clone)]
pub struct FileService(pub BillingFile);

fn unknown() -> Status {
    let message = "the file has no such customer or month";
    refuse(&Refusal::new(RefusalKind::NotFound, "NOT_IN_FILE", message))
}

/// The customer and the month of a request, or every rule that they break.
fn asked(code: &str, month: Option<wire::BillingMonth>) -> Result<(CustomerCode, Option<Month>), Status> {
    let mut found = Vec::new();
    let read = CustomerCode::parse(code);
    if let Err(e) = &read {
        found.push(Violation::new("customer_code", "MALFORMED", e.to_string()));
    }
    let wanted = month.map(month_from_wire);
    if wanted == Some(None) {
        found.push(Violation::new("month", "OUT_OF_RANGE", "give a month from 01/2000 to 12/2099, or none"));
    }
    match read {
        Ok(code) if found.is_empty() => Ok((code, wanted.flatten())),
        _ => Err(refuse(&Refusal::invalid(found))),
    }
}

fn date_to_wire(date: Date) -> wire::BillingDate {
    wire::BillingDate { year: date.year().into(), month: date.month().into(), day: date.day().into() }
}

fn bill_to_wire(bill: &Bill) -> wire::Bill {
    wire::Bill {
        month: Some(month_to_wire(bill.month)),
        amount_vnd: bill.amount_vnd,
        kwh: bill.kwh,
        due_date: bill.due.map(date_to_wire),
        paid: bill.paid,
    }
}

#[tonic::async_trait]
impl BillingService for FileService {
    async fn get_bill(
        &self,
        request: Request<wire::GetBillRequest>,
    ) -> Result<Response<wire::GetBillResponse>, Status> {
        let body = request.into_inner();
        let (code, month) = asked(&body.customer_code, body.month)?;
        let table = self.0.table().await;
        let bill = table.bill(&code, month).ok_or_else(unknown)?;
        Ok(Response::new(wire::GetBillResponse { bill: Some(bill_to_wire(bill)) }))
    }

    async fn get_amount_owed(
        &self,
        request: Request<wire::GetAmountOwedRequest>,
    ) -> Result<Response<wire::GetAmountOwedResponse>, Status> {
        let (code, _) = asked(&request.into_inner().customer_code, None)?;
        let table = self.0.table().await;
        let bills = table.owed(&code).ok_or_else(unknown)?;
        let amount_vnd = bills.iter().map(|bill| bill.amount_vnd).sum();
        let bills = bills.into_iter().take(24).map(bill_to_wire).collect();
        Ok(Response::new(wire::GetAmountOwedResponse { amount_vnd, bills }))
    }

    async fn get_meter_reading(
        &self,
        request: Request<wire::GetMeterReadingRequest>,
    ) -> Result<Response<wire::GetMeterReadingResponse>, Status> {
        let body = request.into_inner();
        let (code, month) = asked(&body.customer_code, body.month)?;
        let reading = self.0.table().await.reading(&code, month).ok_or_else(unknown)?;
        Ok(Response::new(wire::GetMeterReadingResponse {
            month: Some(month_to_wire(reading.month)),
            reading_kwh: reading.reading_kwh,
            reading_day: reading.day.map_or(0, i32::from),
        }))
    }
}
