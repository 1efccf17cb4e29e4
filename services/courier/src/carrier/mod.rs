//! What takes a message to its recipient, whatever the channel.

pub(crate) mod email;
pub(crate) mod sms;
pub(crate) mod webhook;

use std::sync::Arc;

use futures::future::BoxFuture;
use gridcare_proto::{
    delivery::v1::{LeasedMessage, MessageText, SubmitResult},
    ticket::v1::Language,
};
use jiff::Timestamp;

/// One message to one recipient, as the node handed it out.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    /// Its number at the node.
    pub(crate) number: i64,
    /// The lease under which it was handed out.
    pub(crate) epoch: i64,
    /// A telephone number, an email address, or the name of a webhook.
    pub(crate) address: String,
    pub(crate) language: Language,
    /// What it says, shared with the others of its revision.
    pub(crate) text: Arc<MessageText>,
    /// What it says itself, where that is not what the others say.
    pub(crate) own: Option<String>,
    /// After this it does not leave any more.
    pub(crate) expires: Timestamp,
}

impl Errand {
    pub(crate) fn new(message: LeasedMessage, epoch: i64, text: Arc<MessageText>, expires: Timestamp) -> Self {
        let language = message.language();
        let own = Some(message.text).filter(|text| !text.is_empty());
        Self { number: message.number, epoch, address: message.address, language, text, own, expires }
    }

    /// Title and body in the recipient's language; in the other where that one says nothing.
    pub(crate) fn wording(&self) -> (&str, &str) {
        if let Some(own) = &self.own {
            return ("", own);
        }
        let (vi, en) = (self.text.vi.as_ref(), self.text.en.as_ref());
        let [first, second] = if self.language == Language::En { [en, vi] } else { [vi, en] };
        let said = |text: &&gridcare_proto::notice::v1::NoticeText| !text.body.is_empty();
        let text = first.filter(said).or(second);
        text.map_or(("", ""), |text| (text.title.as_str(), text.body.as_str()))
    }
}

/// Who has to rest before the next attempt, when a message could not be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nobody: the next attempt may be at once.
    Nobody,
    /// Messages to the same address.
    Address,
    /// The whole channel: its other side takes nothing from anybody.
    Channel,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) result: SubmitResult,
    /// What the other side called its parts.
    pub(crate) ids: Vec<String>,
    pub(crate) rest: Rest,
}

impl Ending {
    pub(crate) const fn sent(ids: Vec<String>) -> Self {
        Self { result: SubmitResult::Sent, ids, rest: Rest::Nobody }
    }

    pub(crate) const fn failed() -> Self {
        Self { result: SubmitResult::Failed, ids: Vec::new(), rest: Rest::Nobody }
    }

    pub(crate) const fn unknown(ids: Vec<String>) -> Self {
        Self { result: SubmitResult::Unknown, ids, rest: Rest::Nobody }
    }

    pub(crate) const fn returned(rest: Rest) -> Self {
        Self { result: SubmitResult::Returned, ids: Vec::new(), rest }
    }
}

/// Takes messages to their recipients.
pub(crate) trait Carrier: Send + Sync {
    /// As many may be under way at once.
    fn window(&self) -> usize;

    /// Takes one message there, and waits for what becomes of it. Once it is written it is not taken back.
    fn carry(&self, errand: Errand) -> BoxFuture<'static, Ending>;
}
