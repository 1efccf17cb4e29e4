use gridcare_chassis::id::new_id;
use gridcare_domain::{
    notice::RevisionState,
    refusal::{Refusal, RefusalKind},
};
use gridcare_store::{print_sent::PrintSent, request::Request, writer::Answer};
use uuid::Uuid;

use super::notice_is_written::no_such_notice;
use crate::Node;

impl Node {
    /// Somebody says that a printed output of a published revision was sent.
    pub(crate) async fn record_print_sent(&self, request: Request, id: Uuid, sent: &PrintSent) -> Answer {
        let Some(stored) = self.store.notice(id).await? else { return Ok(Err(no_such_notice())) };
        let published = |revision: &&gridcare_domain::notice::Revision| {
            revision.number == sent.revision && revision.state == RevisionState::Published
        };
        if !stored.notice.revisions.iter().any(|revision| published(&revision)) {
            let message = "nothing of this revision can have been sent: it is not published";
            return Ok(Err(Refusal::new(RefusalKind::Precondition, "NOT_PUBLISHED", message)));
        }
        // The answer says nothing.
        self.store.record_print_sent(request, self.now_us(), new_id(), id, sent, &[]).await
    }
}
