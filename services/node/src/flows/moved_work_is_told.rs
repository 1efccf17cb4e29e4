//! Planned work is moved or cancelled: those who were told of it are to be told anew. What they are told is drafted; people agree
//! to it and publish it.

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    customer::Language,
    notice::{moved_work, places_in_short},
    outage::Outage,
};
use gridcare_store::{
    StoreError,
    notice::{NoticeDecision, StoredNotice},
};
use uuid::Uuid;

use super::{
    notice_is_written::{rewritten, unpublished},
    schedule_is_told::place,
};
use crate::{Node, texts::Texts};

impl Node {
    /// Every notice about planned work gets a draft of how it is planned now. Done again, it writes what is missing, and no more.
    pub(super) async fn tell_moved_work(&self, id: Uuid) -> Result<(), StoreError> {
        let notices = self.store.notices_of_outage(id).await?;
        let Some(work) = self.store.outage(id).await? else { return Ok(()) };
        let now = self.now();
        let (vi, en) = (self.said_of_work(&work, Language::Vi), self.said_of_work(&work, Language::En));
        let value = |language: Language, name: &str| {
            let said = if language == Language::Vi { &vi } else { &en };
            said.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
        };
        let decide = |stored: Option<&StoredNotice>| {
            let notice = stored.filter(|stored| !stored.national).map(|stored| &stored.notice);
            let draft = notice.and_then(|notice| Some((notice, moved_work(&work, notice, value, now)?)));
            let Some((notice, draft)) = draft else { return Ok(NoticeDecision::Stays(Vec::new())) };
            let notice = rewritten(notice, &draft.content, &draft.author, draft.written_at)?;
            Ok(unpublished(notice, Vec::new()))
        };
        for notice in notices {
            let written = self.store.write_notice(None, now.as_microsecond(), new_id(), notice, &decide).await?;
            // The rule drafts what may follow alone; if it ever did not, the work would stay among the untold.
            if let Err(refusal) = written {
                tracing::error!(%notice, %refusal, "a draft about moved work cannot follow what its notice says");
            }
        }
        Ok(())
    }

    /// What templates can say of planned work.
    fn said_of_work(&self, work: &Outage, language: Language) -> Vec<(&'static str, String)> {
        let Some(plan) = work.plan.last() else { return Vec::new() };
        let (texts, window) = (Texts::of(language), &plan.plan.window);
        let places: Vec<_> = work.areas.iter().map(|area| place(texts, area)).collect();
        vec![
            ("place", places_in_short(&places, |more| texts.count("places-more", more, &[]))),
            ("work_from", self.local(window.starts_at)),
            ("work_until", self.local(window.ends_at)),
            ("cause", texts.say(&format!("cause-{}", work.cause), &[])),
            ("hotline", self.hotline(texts)),
            ("region_name", self.open.publisher.name.clone()),
        ]
    }
}
