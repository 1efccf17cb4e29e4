//! What a session tells its caller without being asked.

use tokio::sync::mpsc::UnboundedSender;

use super::{inbound::Inbound, matching::PartKey, pdu::Status, receipt::Receipt, session::Outcome};

/// Something that came from a centre.
#[derive(Debug)]
pub enum Event {
    /// What became of a part.
    Receipt {
        /// The part; none when the id is of nothing that this courier has sent and still knows. Whoever keeps ids elsewhere
        /// looks under [`super::matching::candidates`].
        part: Option<PartKey>,
        /// The part's id as its answer had it, in normal form; none without a part.
        answered: Option<String>,
        /// What it says.
        receipt: Receipt,
        /// The phone, as the centre writes it.
        from: String,
        /// To be called once this is durable.
        taken: Taken,
    },
    /// A message from a phone.
    Message {
        /// What it says.
        inbound: Inbound,
        /// To be called once this is durable.
        taken: Taken,
    },
    /// What became of a part whose outcome was told as unknown: its answer came after all.
    Late {
        /// The part.
        part: PartKey,
        /// Accepted or refused.
        outcome: Outcome,
    },
}

/// An answer that a centre waits for.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) sequence: u32,
    /// The connection that asked; when it has gone, the centre will ask again.
    pub(crate) to: UnboundedSender<(u32, Status)>,
}

/// The duty to answer. Dropped without [`Taken::taken`], it asks the centre to try again later, so that nothing is lost.
#[derive(Debug, Default)]
#[must_use = "dropped, it asks the centre to try again"]
pub struct Taken {
    pub(crate) answers: Vec<Answer>,
}

impl Taken {
    /// What came is durable here: the centre may forget it.
    pub fn taken(mut self) {
        self.answer(Status::OK);
    }

    fn answer(&mut self, status: Status) {
        for answer in self.answers.drain(..) {
            // When the connection has gone, nobody waits any more.
            let _ = answer.to.send((answer.sequence, status));
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.answer(Status::RECEIVER_TEMPORARY);
    }
}
