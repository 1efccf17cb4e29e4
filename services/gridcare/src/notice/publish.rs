use std::io::IsTerminal as _;

use clap::Args;
use gridcare_chassis::clock::{Clock as _, SystemClock};
use gridcare_proto::notice::v1::RevisionAct;

use super::{act::Act, get, newest, plan};
use crate::{
    failure::Failure,
    output,
    status::{table::View, texts::Texts},
    time,
};

/// Publish the newest revision: its plan is shown, and it goes out to everybody whom it concerns.
#[derive(Debug, Args)]
#[command(after_help = "\
What is published is never changed. Unless it is an emergency, a second person must have approved it. The plan goes to standard
error; without a terminal nobody can be asked, and --yes is needed. When a member cannot be asked for its plan, it is named, and
gets the notice as soon as it can be reached.

Example:
  gridcare notice publish 018f… --as lan --yes")]
pub(crate) struct Publish {
    #[command(flatten)]
    act: Act,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Publish {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut act = self.act;
        let notice = get(&act.connection, &act.id).await?;
        let revision = newest(&notice)?;
        let texts = Texts::new(act.shown.lang);
        let zone = time::zone(&act.shown.time_zone)?;
        let view = View { texts: &texts, zone: &zone, now: SystemClock.now(), width: output::width() };
        match plan::ask(&act.connection, plan::asked(&notice)?).await {
            Ok(planned) => output::tell(plan::text(&planned, &view)),
            // A plan that cannot be made must not hold up an emergency.
            Err(failure) => {
                failure.tell();
            }
        }
        if !self.yes {
            if !std::io::stdin().is_terminal() {
                return Err(Failure::said("nobody can be asked here; give --yes to publish it"));
            }
            let number = revision.number.to_string();
            output::tell(texts.with("notice-publish-ask", &[("number", &number), ("incident", &notice.incident)]));
            let mut said = String::new();
            std::io::stdin().read_line(&mut said)?;
            if !matches!(said.trim().to_lowercase().as_str(), "y" | "yes" | "c" | "có") {
                output::tell(texts.of("notice-publish-not"));
                return Err(Failure::No);
            }
        }
        // What was looked at is what goes out.
        if act.etag.is_empty() {
            act.etag = notice.etag.clone();
        }
        act.run(RevisionAct::Publish).await
    }
}
