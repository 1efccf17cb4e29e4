use gridcare_chassis::id::new_id;
use gridcare_domain::{
    customer::Language,
    delivery::Way,
    notice::{Content, Group, Notice, Plan, Revision, RevisionState, Subject, asked_of, plan},
    refusal::{Refusal, Violation},
};
use gridcare_proto::{convert::notice::remark_to_wire, notice::v1 as wire};
use gridcare_store::StoreError;
use uuid::Uuid;

use crate::Node;

/// Customers that are counted in one transaction.
const RANGE: i64 = 20_000;

impl Node {
    /// What sending this by text message to this node's customers will take, were it published now; each group with its language.
    /// Whom another notice of the incident reaches in this phase is left out, as when it is sent; `of` is the notice that it would be
    /// a revision of.
    pub(crate) async fn plan_notice(
        &self,
        content: &Content,
        incident: &str,
        of: Option<Uuid>,
    ) -> Result<(Plan, Vec<Language>), StoreError> {
        let now = self.now();
        let revision = Revision {
            // One that no notice comes to, so that it is not taken for a revision that was sent.
            number: i64::MAX,
            content: content.clone(),
            state: RevisionState::Draft,
            author: String::new(),
            created_at: now,
            approver: None,
            published_at: None,
            reviewer: None,
        };
        let notice = Notice {
            id: of.unwrap_or_else(new_id),
            version: 0,
            outage_id: None,
            incident: incident.to_owned(),
            revisions: vec![revision],
        };
        let dispatch = self.told(&notice, now).dispatches.into_iter().find(|dispatch| dispatch.way == Way::Sms);
        let held_us = dispatch.as_ref().map_or(0, |dispatch| dispatch.due_us.saturating_sub(dispatch.published_us));
        let counted = match dispatch {
            Some(dispatch) => self.store.count_recipients(&dispatch, RANGE).await?,
            None => Vec::new(),
        };
        let group = |(wave, language, recipients): &(_, Language, u64)| Group {
            wave: *wave,
            recipients: *recipients,
            text: &content.text(*language).body,
            diacritics: content.diacritics,
        };
        let groups: Vec<_> = counted.iter().map(group).collect();
        // They come in the order of their waves, which the plan keeps.
        let languages = counted.iter().map(|(_, language, _)| *language).collect();
        Ok((plan(&groups, self.notices.route().held(held_us)), languages))
    }

    /// What the standard in force asks of this and it does not do yet, or a refusal where there is no such outage. A notice that is
    /// here is about its own outage, whichever is given.
    pub(crate) async fn asked_of_notice(
        &self,
        content: &Content,
        outage_id: Option<Uuid>,
        of: Option<Uuid>,
    ) -> Result<Result<Vec<wire::NoticeRemark>, Refusal>, StoreError> {
        let known = match of {
            Some(id) => self.store.notice(id).await?,
            None => None,
        };
        let about = known.map_or(outage_id, |known| known.notice.outage_id);
        let (mut outage, mut told) = (None, false);
        if let Some(id) = about {
            outage = self.store.outage(id).await?;
            if outage.is_none() {
                let cure = "give the id of an outage of this node, or none";
                return Ok(Err(Refusal::invalid(vec![Violation::new("outage_id", "NO_SUCH_OUTAGE", cure)])));
            }
            told = self.store.outages_told(&[id]).await?.contains_key(&id);
        }
        let standard = self.rules().standard;
        let subject = outage.as_ref().map(|outage| Subject { outage, told });
        let remarks = asked_of(&standard, content, subject, self.now());
        Ok(Ok(remarks.iter().map(|remark| remark_to_wire(remark, standard.version())).collect()))
    }
}
