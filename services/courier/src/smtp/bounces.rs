//! Bounces, taken from the maildir into which the mail server puts them.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use gridcare_chassis::clock::SharedClock;
use gridcare_domain::delivery::DeliveryState;
use tokio::{
    fs,
    io::AsyncReadExt as _,
    sync::{mpsc, oneshot},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{
    dsn::{Action, LONGEST, Notification},
    letter::Letters,
};
use crate::flows::receipt_returns::{Returned, Waits, Whose};

/// Looks for bounces, tells the node, and marks them as seen once the node has them.
pub(crate) struct Bounces {
    pub(crate) folder: PathBuf,
    pub(crate) every: Duration,
    pub(crate) letters: Arc<Letters>,
    pub(crate) clock: SharedClock,
    pub(crate) returned: mpsc::Sender<Returned>,
    pub(crate) stop: CancellationToken,
}

impl Bounces {
    pub(crate) async fn run(self) {
        while !self.stop.is_cancelled() {
            if let Err(error) = self.look().await {
                tracing::warn!(folder = %self.folder.display(), %error, "bounces cannot be looked for");
            }
            tokio::select! {
                () = sleep(self.every) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// Takes what is new, one after the other.
    async fn look(&self) -> io::Result<()> {
        let mut new = fs::read_dir(self.folder.join("new")).await?;
        while let Some(entry) = new.next_entry().await? {
            if self.stop.is_cancelled() {
                return Ok(());
            }
            // One that cannot be read, or that somebody else took, keeps none from what stands behind it.
            if let Err(error) = self.take(&entry).await {
                tracing::warn!(file = %entry.path().display(), %error, "a bounce cannot be taken");
            }
        }
        Ok(())
    }

    async fn take(&self, entry: &fs::DirEntry) -> io::Result<()> {
        if !entry.file_type().await?.is_file() {
            return Ok(());
        }
        let path = entry.path();
        let told = if let Some((number, state)) = self.read(&path).await? {
            self.tell(number, state).await
        } else {
            metrics::counter!("gridcare_courier_bounces_total", "kind" => "strange").increment(1);
            true
        };
        if told {
            // Seen, in the words of a maildir.
            let name = format!("{}:2,S", entry.file_name().to_string_lossy());
            fs::rename(&path, self.folder.join("cur").join(name)).await?;
        }
        Ok(())
    }

    /// Of which delivery, and what it says; none when it says nothing of any.
    async fn read(&self, path: &Path) -> io::Result<Option<(i64, DeliveryState)>> {
        let mut octets = Vec::new();
        let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX);
        fs::File::open(path).await?.take(limit).read_to_end(&mut octets).await?;
        let Some(found) = Notification::read(&octets) else { return Ok(None) };
        let by_address = found.to.iter().find_map(|address| self.letters.number(address));
        let number = by_address.or_else(|| self.letters.number_of_message(&found.message_id));
        // Each letter has one recipient, whatever address it was passed on to.
        let state = found.recipients.iter().map(|recipient| match recipient.action {
            Action::Failed => DeliveryState::Failed,
            Action::Delivered => DeliveryState::Delivered,
            Action::Delayed | Action::Relayed => DeliveryState::Sent,
        });
        Ok(number.zip(state.max()))
    }

    async fn tell(&self, number: i64, state: DeliveryState) -> bool {
        metrics::counter!("gridcare_courier_bounces_total", "kind" => state.code()).increment(1);
        let (reader, heard) = oneshot::channel();
        let whose = Whose::Known { number, id: self.letters.part_id(number) };
        let returned = Returned { whose, state, at: self.clock.now(), waits: Waits::Reader(reader) };
        self.returned.send(returned).await.is_ok() && heard.await.is_ok()
    }
}
