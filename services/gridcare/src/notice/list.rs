use clap::Args;
use gridcare_proto::notice::v1 as wire;
use serde_json::json;

use super::{Shown, failed, object, service, show::state, table::table};
use crate::{
    connection::Connection,
    failure::Failure,
    status::{reach::moment, table::View},
};

/// List notices, the newest first.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// About one incident
    #[arg(long, value_name = "NAME", default_value = "")]
    incident: String,
    /// What is told now: published, and neither expired nor ended
    #[arg(long)]
    current: bool,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(i32).range(1..=1000))]
    limit: i32,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    shown: Shown,
}

impl List {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut service = service(&self.connection)?;
        let mut request = wire::ListNoticesRequest {
            page_size: self.limit,
            incident: self.incident.clone(),
            current: self.current,
            page_token: String::new(),
        };
        let (mut notices, limit) = (Vec::new(), usize::try_from(self.limit).unwrap_or(50));
        loop {
            let answer = service.list_notices(request.clone()).await;
            let answer = answer.map_err(|status| failed(&self.connection, "does not list notices", &status))?;
            let page = answer.into_inner();
            notices.extend(page.notices);
            if page.next_page_token.is_empty() || notices.len() >= limit {
                break;
            }
            request.page_token = page.next_page_token;
        }
        notices.truncate(limit);
        let objects = || json!({ "notices": notices.iter().map(object::notice).collect::<Vec<_>>() });
        self.shown.print(|view| rows(&notices, view), objects)
    }
}

fn rows(notices: &[wire::Notice], view: &View<'_>) -> String {
    let heads = ["id", "incident", "state", "published", "expires", "title"];
    let heads = heads.map(|head| view.texts.of(&format!("notice-head-{head}"))).to_vec();
    let row = |notice: &wire::Notice| {
        let revision = notice.revisions.last().cloned().unwrap_or_default();
        let content = revision.content.clone().unwrap_or_default();
        let published = notice.revisions.iter().rev().find_map(|revision| revision.published_at.as_ref());
        let at = |at: Option<&prost_types::Timestamp>| at.map_or_else(|| "–".to_owned(), |at| moment(Some(at), view));
        vec![
            notice.id.clone(),
            notice.incident.clone(),
            format!("{} {}", revision.number, state(&revision, view)),
            at(published),
            at(content.expires_at.as_ref()),
            content.vi.map(|text| text.title).unwrap_or_default(),
        ]
    };
    table(heads, notices.iter().map(row).collect(), &[])
}
