//! Thin: a request is checked whole, the read model is asked, the answer says what it covers.

mod check;
mod metrics;
mod national_notices;
mod notices;
mod outages;
mod page;
mod prints;
mod report;
mod standards;
mod status;
mod tickets;

use std::{collections::BTreeMap, sync::Arc};

use gridcare_bus::Bus;
use gridcare_chassis::{
    clock::SharedClock,
    status::{fault, refuse},
};
use gridcare_domain::{
    metric::Definition,
    notice::printed::Sender,
    refusal::{Refusal, Violation},
    standard::{PublicKey, SecretKey},
};
use gridcare_proto::federation::v1::{self as wire, national_service_server::NationalService};
use gridcare_store::{
    StoreError,
    gateway::{GatewayStore, Member, Seat},
};
use jiff::Timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    country::Country,
    flows::metric_merges::{MemberView, Period},
    peers::Peer,
};

use self::national_notices::notice_progress;

/// `NationalService`.
#[derive(Clone)]
pub(crate) struct National(pub(crate) Arc<Parts>);

/// `NationalStandardService`.
#[derive(Clone)]
pub(crate) struct Standards(pub(crate) Arc<Parts>);
/// `NationalReportService`.
#[derive(Clone)]
pub(crate) struct NationalReports(pub(crate) Arc<Parts>);

/// `NationalOutageService`.
#[derive(Clone)]
pub(crate) struct NationalOutages(pub(crate) Arc<Parts>);

/// `NoticeService`, for the nation's notices.
#[derive(Clone)]
pub(crate) struct Notices(pub(crate) Arc<Parts>);

/// `NationalNoticeService`.
#[derive(Clone)]
pub(crate) struct NationalNotices(pub(crate) Arc<Parts>);

/// What answers are made of.
pub(crate) struct Parts {
    pub(crate) store: GatewayStore,
    pub(crate) bus: Bus,
    pub(crate) clock: SharedClock,
    pub(crate) country: Country,
    pub(crate) definition: Definition,
    /// Whose bundles of rules are published.
    pub(crate) trusted: Vec<PublicKey>,
    /// Who countersigns proofs, if somebody does.
    pub(crate) proof_key: Option<SecretKey>,
    /// Who signs what is printed.
    pub(crate) sender: Sender,
    /// Every member's node, and how it is reached.
    pub(crate) peers: Arc<BTreeMap<String, Peer>>,
}

impl Parts {
    /// The members that an answer until then is expected to cover, in the order of the configuration.
    pub(crate) async fn members(&self, until: Timestamp) -> Result<Vec<Member>, StoreError> {
        let mut known = self.store.members().await?;
        let member = |seat: &Seat| match known.iter().position(|member| member.seat.node == seat.node) {
            Some(i) => known.swap_remove(i),
            // Seated at the start; only a database that was exchanged under the process does not know it.
            None => Member {
                seat: seat.clone(),
                time_zone: None,
                product_version: None,
                cursor: gridcare_domain::feed::Cursor { incarnation: Uuid::nil(), position: 0, batch_id: None },
                head: 0,
                link: gridcare_domain::completeness::Link { seen_at: None, failing: None },
            },
        };
        Ok(self.country.expected(until).map(member).collect())
    }

    /// All that is known of these members, with their sums over a period if one is given.
    async fn views(&self, members: Vec<Member>, period: Option<Period>) -> Result<Vec<MemberView>, StoreError> {
        let view = async |member: Member| {
            let node = member.seat.node.as_str();
            let sums = async {
                match period {
                    Some(period) => self.store.period_sums(node, period.begins_us(), period.ends_us()).await,
                    None => Ok(Vec::new()),
                }
            };
            let (capabilities, sums, tickets) =
                tokio::try_join!(self.store.capabilities(node), sums, self.store.ticket_totals(node))?;
            Ok(MemberView { member, capabilities, sums, tickets })
        };
        futures::future::try_join_all(members.into_iter().map(view)).await
    }
}

/// Nothing when there is no violation; else the refusal that names them all.
fn refuse_if(found: Vec<Violation>) -> Result<(), Status> {
    if found.is_empty() { Ok(()) } else { Err(refuse(&Refusal::invalid(found))) }
}

fn failed(error: &StoreError) -> Status {
    fault(error)
}

#[tonic::async_trait]
impl NationalService for National {
    async fn get_national_status(
        &self,
        request: Request<wire::GetNationalStatusRequest>,
    ) -> Result<Response<wire::GetNationalStatusResponse>, Status> {
        status::get(&self.0, request.get_ref()).await.map(Response::new)
    }

    async fn list_national_tickets(
        &self,
        request: Request<wire::ListNationalTicketsRequest>,
    ) -> Result<Response<wire::ListNationalTicketsResponse>, Status> {
        tickets::list(&self.0, request.get_ref()).await.map(Response::new)
    }

    async fn query_national_metrics(
        &self,
        request: Request<wire::QueryNationalMetricsRequest>,
    ) -> Result<Response<wire::QueryNationalMetricsResponse>, Status> {
        metrics::query(&self.0, request.get_ref()).await.map(Response::new)
    }
}
