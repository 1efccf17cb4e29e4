use gridcare_domain::{
    customer::Language,
    notice::{
        NoticeChannel,
        printed::{Printed, Sender, printed},
    },
    refusal::{Refusal, RefusalKind},
};
use gridcare_store::StoreError;
use uuid::Uuid;

use super::notice_is_written::no_such_notice;
use crate::Node;

impl Node {
    /// A revision as it goes out by hand, signed by this corporation; the newest published one when none is named.
    pub(crate) async fn print_notice(
        &self,
        id: Uuid,
        revision: Option<i64>,
        output: NoticeChannel,
        language: Language,
    ) -> Result<Result<Printed, Refusal>, StoreError> {
        let Some(stored) = self.store.notice(id).await? else { return Ok(Err(no_such_notice())) };
        let notice = stored.notice;
        let named = match revision {
            Some(number) => notice.revisions.iter().find(|revision| revision.number == number),
            None => notice.published(),
        };
        let contact = Some(self.sms.hotline.clone()).filter(|hotline| !hotline.is_empty());
        let sender = Sender::of_code(&self.region, contact);
        let printed = named.and_then(|named| printed(output, &notice.incident, named, &sender, language, &self.zone));
        Ok(printed.ok_or_else(|| {
            let message = "there is no such revision of this notice, or none is published yet";
            Refusal::new(RefusalKind::NotFound, "NO_SUCH_REVISION", message)
        }))
    }
}
