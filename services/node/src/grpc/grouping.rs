use gridcare_chassis::{identity::principal_of, status::refuse};
use gridcare_domain::{
    outage::grouping::Proposal,
    refusal::{Refusal, RefusalKind, Violation},
};
use gridcare_proto::{
    convert::{outage as convert, time},
    outage::v1::{self as wire, report_grouping_service_server::ReportGroupingService},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Grouping, answered, failed, outage::author, refuse_if, ticket::name};
use crate::idempotency::{check_request_id, request_of};

/// Tickets that one request can name.
const NAMES: usize = 10_000;

#[tonic::async_trait]
impl ReportGroupingService for Grouping {
    async fn propose_groups(
        &self,
        request: Request<wire::ProposeGroupsRequest>,
    ) -> Result<Response<wire::ProposeGroupsResponse>, Status> {
        let given = request.get_ref().since.as_ref();
        let since = given.and_then(time::instant);
        if given.is_some() && since.is_none() {
            let cure = "give a time between the years -9999 and 9999";
            refuse_if(vec![Violation::new("since", "OUT_OF_RANGE", cure)])?;
        }
        let ids = |ids: &[Uuid]| ids.iter().map(ToString::to_string).collect();
        let group = |proposal: Proposal| match proposal {
            Proposal::Join { outage, tickets } => {
                wire::ReportGroup { outage_id: outage.to_string(), ticket_ids: ids(&tickets), ..Default::default() }
            }
            Proposal::Record { area, since, tickets } => wire::ReportGroup {
                area: Some(convert::area_to_wire(&area)),
                since: Some(time::timestamp(since)),
                ticket_ids: ids(&tickets),
                ..Default::default()
            },
        };
        let proposals = self.0.propose_groups(since).await.map_err(|e| failed(&e))?;
        Ok(Response::new(wire::ProposeGroupsResponse { groups: proposals.into_iter().map(group).collect() }))
    }

    async fn join_reports(
        &self,
        request: Request<wire::JoinReportsRequest>,
    ) -> Result<Response<wire::JoinReportsResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let request_key = request_of(&principal, "JoinReports", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        author(&body.author, &mut found);
        let outage = id(&body.outage_id, "outage_id", &mut found);
        if body.tickets.is_empty() || body.tickets.len() > NAMES {
            found.push(Violation::new("tickets", "LENGTH", format!("give 1 to {NAMES} tickets")));
        }
        let given = body.tickets.iter().take(NAMES).enumerate();
        let names: Vec<_> = given.filter_map(|(i, text)| name(text, &format!("tickets[{i}]"), &mut found)).collect();
        refuse_if(found)?;
        let mut tickets = Vec::with_capacity(names.len());
        for (i, name) in names.iter().enumerate() {
            let Some(living) = self.0.living(name).await.map_err(|e| failed(&e))? else {
                let message = format!("tickets[{i}]: there is no such ticket at this node");
                return Err(refuse(&Refusal::new(RefusalKind::NotFound, "NO_SUCH_TICKET", message)));
            };
            tickets.push(living);
        }
        tickets.sort_unstable();
        tickets.dedup();
        answered(self.0.join_reports(request_key, outage, &tickets, &body.author).await)
    }

    async fn undo_join(
        &self,
        request: Request<wire::UndoJoinRequest>,
    ) -> Result<Response<wire::UndoJoinResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let request_key = request_of(&principal, "UndoJoin", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        author(&body.author, &mut found);
        let operation = id(&body.operation_id, "operation_id", &mut found);
        refuse_if(found)?;
        answered(self.0.undo_join(request_key, operation, &body.author).await)
    }
}

fn id(given: &str, field: &str, found: &mut Vec<Violation>) -> Uuid {
    let read = Uuid::try_parse(given).ok();
    if read.is_none() {
        found.push(Violation::new(field, "MALFORMED", "give an id, a uuid"));
    }
    read.unwrap_or_default()
}
