use clap::Args;
use gridcare_chassis::{
    clock::{Clock as _, SystemClock},
    id::new_id,
};
use gridcare_proto::notice::v1 as wire;

use super::{Shown, content::Content, failed, object, service, show};
use crate::{connection::Connection, failure::Failure};

/// Write a new notice, or another revision of one; a draft is written anew.
#[derive(Debug, Args)]
#[command(after_help = "\
The file, every part of which a flag may give instead:
  kind: initial               # update, correction, cancel, all_clear
  phase: first_notice         # apology, progress, estimate_changed, partial_restoration, all_clear, planned, cancelled
  urgency: safety             # routine waits for the end of quiet hours; emergency goes out with one person's word
  audience:
    regions: [SPC, HCMC]      # never everybody by accident: name regions, places or (at a node) customers
    places: [{province: VN-57, district: Dĩ An}]
  channels: [web, sms, press]
  vi: {title: Mất điện, body: …}
  en: {title: Power cut, body: …}
  expires_at: 2013-05-22T22:00:00+07:00

Examples:
  gridcare notice write --incident 500kV-2013-05-22 --file notice.yaml --as lan
  gridcare notice write --incident 500kV-2013-05-22 --template first_notice --region SPC --channel web,sms \\
      --expires-in 6h --fact place='22 tỉnh phía Nam' --fact since=14:19 … --as lan
  gridcare notice write --id 018f… --kind update --file progress.yaml --as lan")]
pub(crate) struct Write {
    /// What it is about; all notices about one incident share it
    #[arg(long, value_name = "NAME", required_unless_present = "id", conflicts_with = "id")]
    incident: Option<String>,
    /// The outage of this node that it is about
    #[arg(long, value_name = "ID", conflicts_with = "id")]
    outage: Option<String>,
    /// Another revision of this notice, instead of a new notice
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The etag that was read; refused when somebody has changed the notice since
    #[arg(long, value_name = "ETAG", requires = "id", default_value = "")]
    etag: String,
    /// Who writes it
    #[arg(long = "as", value_name = "NAME", env = "GRIDCARE_AS")]
    author: String,
    #[command(flatten)]
    content: Content,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    shown: Shown,
}

impl Write {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let content = Some(self.content.read(&self.connection, SystemClock.now()).await?);
        let (mut service, request_id) = (service(&self.connection)?, new_id().to_string());
        let notice = if let Some(id) = self.id {
            let request = wire::WriteRevisionRequest { request_id, id, etag: self.etag, content, author: self.author };
            service.write_revision(request).await.map(|answer| answer.into_inner().notice)
        } else {
            let request = wire::CreateNoticeRequest {
                request_id,
                incident: self.incident.unwrap_or_default(),
                outage_id: self.outage.unwrap_or_default(),
                content,
                author: self.author,
            };
            service.create_notice(request).await.map(|answer| answer.into_inner().notice)
        };
        let notice = notice.map_err(|status| failed(&self.connection, "does not take it", &status))?;
        let notice = notice.unwrap_or_default();
        self.shown.print(|view| show::head(&notice, view), || object::notice(&notice))
    }
}
