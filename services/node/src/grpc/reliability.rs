use gridcare_chassis::{id::new_id, identity::principal_of};
use gridcare_domain::{
    refusal::Violation,
    reliability::Served,
    report::day::{date_of, number_of},
};
use gridcare_proto::{
    convert::{feed::served_change, reliability as convert},
    outage::v1::{self as wire, reliability_service_server::ReliabilityService},
};
use gridcare_store::reliability::Said;
use jiff::civil::Date;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Reliabilities, answered, failed, outage::author, refuse_if};
use crate::idempotency::{check_request_id, request_of};

/// What CEMI counts beyond, unless asked otherwise.
const CEMI_N: u32 = 3;

#[tonic::async_trait]
impl ReliabilityService for Reliabilities {
    async fn get_reliability(
        &self,
        request: Request<wire::GetReliabilityRequest>,
    ) -> Result<Response<wire::GetReliabilityResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let period = convert::period_from_wire(&body.from, &body.until, &mut found);
        refuse_if(found)?;
        let period = period.ok_or_else(|| Status::internal("unreachable"))?;
        let n = if body.cemi_n == 0 { CEMI_N } else { body.cemi_n };
        self.0.reliability(period, n).await.map(Response::new).map_err(|e| failed(&e))
    }

    async fn set_customers_served(
        &self,
        request: Request<wire::SetCustomersServedRequest>,
    ) -> Result<Response<wire::SetCustomersServedResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let key = request_of(&principal, "SetCustomersServed", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        author(&body.author, &mut found);
        let given = body.served.clone().unwrap_or_default();
        let from = given.from.parse::<Date>().ok().filter(|date| (1970..2200).contains(&date.year()));
        if from.is_none() {
            found.push(Violation::new("served.from", "MALFORMED", "give a date such as 2013-01-01"));
        }
        if given.customers < 1 {
            found.push(Violation::new("served.customers", "OUT_OF_RANGE", "give at least 1 customer"));
        }
        refuse_if(found)?;
        let served = Served { from: from.map_or(0, number_of), customers: given.customers };
        let response = wire::SetCustomersServedResponse { served: Some(to_wire(served)) }.encode_to_vec();
        let said = Said { served, author: &body.author, response };
        answered(self.0.store.put_served(key, self.0.now_us(), new_id(), said, served_change).await)
    }

    async fn list_customers_served(
        &self,
        _request: Request<wire::ListCustomersServedRequest>,
    ) -> Result<Response<wire::ListCustomersServedResponse>, Status> {
        let served = self.0.store.served().await.map_err(|e| failed(&e))?;
        let served = served.into_iter().map(to_wire).collect();
        Ok(Response::new(wire::ListCustomersServedResponse { served }))
    }
}

fn to_wire(served: Served) -> wire::CustomersServed {
    wire::CustomersServed { from: date_of(served.from).to_string(), customers: served.customers }
}
