//! Email: one letter to one recipient.

use std::sync::Arc;

use futures::future::BoxFuture;
use gridcare_chassis::clock::SharedClock;

use super::{Carrier, Ending, Errand, Rest};
use crate::smtp::{Handed, Letters, MailServer};

/// Sends letters by one mail server.
pub(crate) struct EmailCarrier {
    pub(crate) letters: Arc<Letters>,
    pub(crate) server: Arc<MailServer>,
    pub(crate) clock: SharedClock,
    pub(crate) window: usize,
}

impl Carrier for EmailCarrier {
    fn window(&self) -> usize {
        self.window
    }

    fn carry(&self, errand: Errand) -> BoxFuture<'static, Ending> {
        let (server, number) = (Arc::clone(&self.server), errand.number);
        let (letter, id) = (self.letters.write(&errand, self.clock.now()), self.letters.part_id(number));
        Box::pin(async move {
            let letter = match letter {
                Ok(letter) => letter,
                Err(error) => {
                    tracing::warn!(number, %error, "a letter cannot be written");
                    return Ending::failed();
                }
            };
            match server.hand_over(&letter).await {
                Handed::Taken => Ending::sent(vec![id]),
                Handed::Refused(reason) => {
                    tracing::info!(number, reason, "a letter is refused");
                    Ending::failed()
                }
                Handed::Later { reason, anybody } => {
                    tracing::info!(number, reason, anybody, "a letter goes later");
                    Ending::returned(if anybody { Rest::Channel } else { Rest::Address })
                }
                Handed::Unknown(reason) => {
                    tracing::warn!(number, reason, "whether a letter was taken is not known");
                    Ending::unknown(vec![id])
                }
            }
        })
    }
}
