use gridcare_chassis::status::refuse;
use gridcare_domain::{
    feed::Cursor,
    refusal::{Refusal, RefusalKind, Violation},
};
use gridcare_proto::{
    convert::{feed as convert, metric::definition_to_wire},
    federation::v1::{self as wire, feed_service_server::FeedService},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Feed, failed, refuse_if};
use crate::{
    flows::feed_flows_out::{follow, snapshot},
    outlet::{Outflow, outlet},
};

#[tonic::async_trait]
impl FeedService for Feed {
    type PullFeedStream = Outflow<wire::PullFeedResponse>;
    type GetSnapshotStream = Outflow<wire::GetSnapshotResponse>;

    async fn describe_node(
        &self,
        _: Request<wire::DescribeNodeRequest>,
    ) -> Result<Response<wire::DescribeNodeResponse>, Status> {
        let head = self.0.store.feed_head().await.map_err(|e| failed(&e))?;
        Ok(Response::new(wire::DescribeNodeResponse {
            node: self.0.id.clone(),
            region: self.0.region.clone(),
            time_zone: self.0.time_zone.clone(),
            product_version: env!("CARGO_PKG_VERSION").to_owned(),
            head: Some(convert::cursor_to_wire(&self.0.id, &head.cursor)),
            definition: Some(definition_to_wire(&self.0.definition)),
        }))
    }

    async fn pull_feed(
        &self,
        request: Request<wire::PullFeedRequest>,
    ) -> Result<Response<Self::PullFeedStream>, Status> {
        let cursor = match &request.get_ref().after {
            None => Cursor { incarnation: Uuid::nil(), position: 0, batch_id: None },
            Some(given) => {
                if given.position > 0 && given.node != self.0.id {
                    let message = format!("this is node {}, and the cursor is of {:?}", self.0.id, given.node);
                    return Err(refuse(&Refusal::new(RefusalKind::OutOfRange, "CURSOR_OF_ANOTHER_NODE", message)));
                }
                match convert::cursor_from_wire(given) {
                    Ok(cursor) => cursor,
                    Err(e) => {
                        refuse_if(vec![Violation::new("after", "MALFORMED", e)])?;
                        return Err(Status::invalid_argument("after is malformed"));
                    }
                }
            }
        };
        self.0.check_cursor(&cursor).await.map_err(|e| failed(&e))?.map_err(|refusal| refuse(&refusal))?;
        let (out, stream) = outlet();
        tokio::spawn(follow(self.0.clone(), cursor, out));
        Ok(Response::new(stream))
    }

    async fn get_snapshot(
        &self,
        _: Request<wire::GetSnapshotRequest>,
    ) -> Result<Response<Self::GetSnapshotStream>, Status> {
        let Ok(permit) = self.0.snapshots.clone().try_acquire_owned() else {
            let message = "two snapshots are being taken from this process already; try again when one has ended";
            let mut refusal = Refusal::new(RefusalKind::Exhausted, "TOO_MANY_SNAPSHOTS", message);
            refusal.retry_after = Some(std::time::Duration::from_secs(5));
            return Err(refuse(&refusal));
        };
        let (out, stream) = outlet();
        tokio::spawn(snapshot(self.0.clone(), out, permit));
        Ok(Response::new(stream))
    }
}
