use gridcare_domain::feed::{Cursor, Intake, Taken};
use gridcare_proto::{convert::feed, federation::v1 as wire};
use gridcare_store::gateway::{Frame, NationalChange};
use uuid::Uuid;

use super::broken::Broken;
use crate::wire::change_from_wire;

/// Entries that one transaction takes at most, save that a message is never divided.
const FRAME: usize = 4_096;

/// What has come from the wire since the last transaction.
#[derive(Debug)]
pub(super) struct Gathering {
    node: String,
    intake: Intake,
    from: Cursor,
    to: Cursor,
    head: i64,
    changes: Vec<NationalChange>,
    entries: usize,
}

impl Gathering {
    /// Nothing yet, after this cursor.
    pub(super) fn after(node: &str, cursor: Cursor, head: i64) -> Self {
        let intake = Intake::after(cursor.position);
        let to = cursor.clone();
        Self { node: node.to_owned(), intake, from: cursor, to, head, changes: Vec::new(), entries: 0 }
    }

    /// Takes what is new in a message. After an error, what was taken before it may still be applied.
    pub(super) fn take(&mut self, message: &wire::PullFeedResponse) -> Result<(), Broken> {
        let cursor = message.cursor.as_ref().ok_or_else(|| Broken::skew("a message has no cursor"))?;
        if cursor.node != self.node {
            return Err(another(&self.node, &cursor.node));
        }
        let cursor = feed::cursor_from_wire(cursor).map_err(Broken::skew)?;
        // Before anything was applied, every history is as good as another.
        if self.to.position > 0 && cursor.incarnation != self.to.incarnation {
            return Err(Broken::Rewritten);
        }
        self.to.incarnation = cursor.incarnation;
        self.head = position(message.head)?;
        for entry in &message.entries {
            let place = position(entry.position)?;
            // Looked at before it is taken, so that one that we cannot read stays to be read.
            let mut intake = self.intake;
            match intake.take(place) {
                Taken::Known => continue,
                Taken::Gap => return Err(Broken::Gap),
                Taken::Apply => {}
            }
            match change_from_wire(&self.node, entry).map_err(|what| Broken::skew(format!("entry {place}: {what}")))? {
                Some(change) => self.changes.push(change),
                // A newer node may tell of kinds that we do not show yet; the others must not wait for it.
                None => {
                    metrics::counter!("gridcare_feed_unknown_changes_total", "node" => self.node.clone()).increment(1);
                }
            }
            let batch = Uuid::parse_str(&entry.batch_id).map_err(|_| Broken::skew("a batch id is no uuid"))?;
            self.intake = intake;
            (self.to.position, self.to.batch_id) = (place, Some(batch));
            self.entries += 1;
        }
        if cursor.position > self.to.position {
            return Err(Broken::Gap);
        }
        if cursor.position == self.to.position && cursor.batch_id != self.to.batch_id && cursor.batch_id.is_some() {
            return Err(Broken::Rewritten);
        }
        Ok(())
    }

    /// Whether it is time for a transaction even if more is there.
    pub(super) const fn is_full(&self) -> bool {
        self.entries >= FRAME
    }

    /// The feed's newest position, as last heard.
    pub(super) const fn head(&self) -> i64 {
        self.head
    }

    /// The frame to be applied, if the cursor moves at all; afterwards this gathers from there.
    pub(super) fn frame(&mut self) -> Option<Frame> {
        if self.to == self.from {
            return None;
        }
        self.entries = 0;
        let from = std::mem::replace(&mut self.from, self.to.clone());
        let changes = std::mem::take(&mut self.changes);
        Some(Frame { node: self.node.clone(), from, to: self.to.clone(), head: self.head, changes })
    }
}

/// Somebody else answers at a member's endpoint.
pub(super) fn another(expected: &str, found: &str) -> Broken {
    let what = format!("expected node {expected}, and {found} answers; correct the endpoint in members");
    Broken::peer(gridcare_domain::completeness::Reach::Denied, what)
}

fn position(position: u64) -> Result<i64, Broken> {
    i64::try_from(position).map_err(|_| Broken::skew("a position is beyond 2^63"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(positions: &[u64], cursor: u64, incarnation: u128) -> wire::PullFeedResponse {
        let batch = |position: u64| Uuid::from_u128(u128::from(position)).to_string();
        let entry = |position: &u64| wire::FeedEntry {
            position: *position,
            batch_id: batch(*position),
            committed_at: None,
            change: None,
        };
        let cursor = wire::FeedCursor {
            node: "n1".into(),
            incarnation: Uuid::from_u128(incarnation).to_string(),
            position: cursor,
            batch_id: if cursor == 0 { String::new() } else { batch(cursor) },
        };
        let head = cursor.position;
        wire::PullFeedResponse {
            entries: positions.iter().map(entry).collect(),
            cursor: Some(cursor),
            head,
            sent_at: None,
        }
    }

    fn start() -> Gathering {
        Gathering::after("n1", Cursor { incarnation: Uuid::nil(), position: 0, batch_id: None }, 0)
    }

    #[test]
    fn duplicates_are_known_gaps_are_asked_again_and_what_came_before_is_kept() {
        let mut gathering = start();
        gathering.take(&message(&[1, 2, 2, 1, 3], 3, 7)).unwrap();
        assert!(matches!(gathering.take(&message(&[4, 6], 6, 7)), Err(Broken::Gap)));
        let frame = gathering.frame().unwrap();
        assert_eq!((frame.from.position, frame.to.position, frame.head), (0, 4, 6));
        assert_eq!(frame.to.batch_id, Some(Uuid::from_u128(4)));
        assert!(gathering.frame().is_none());
        // A bookmark beyond what we have is a gap too.
        assert!(matches!(gathering.take(&message(&[], 5, 7)), Err(Broken::Gap)));
        gathering.take(&message(&[], 4, 7)).unwrap();
        assert!(gathering.frame().is_none());
    }

    #[test]
    fn another_history_asks_for_a_snapshot_and_another_node_is_refused() {
        let mut gathering = start();
        gathering.take(&message(&[1, 2], 2, 7)).unwrap();
        assert!(matches!(gathering.take(&message(&[3], 3, 8)), Err(Broken::Rewritten)));
        let mut other_batch = message(&[], 2, 7);
        other_batch.cursor.as_mut().unwrap().batch_id = Uuid::from_u128(99).to_string();
        assert!(matches!(gathering.take(&other_batch), Err(Broken::Rewritten)));
        let mut foreign = message(&[3], 3, 7);
        foreign.cursor.as_mut().unwrap().node = "n2".into();
        assert!(matches!(gathering.take(&foreign), Err(Broken::Peer { .. })));
    }

    #[test]
    fn the_first_bookmark_of_an_empty_feed_is_kept() {
        let mut gathering = start();
        gathering.take(&message(&[], 0, 7)).unwrap();
        let frame = gathering.frame().unwrap();
        assert_eq!((frame.to.incarnation, frame.to.position), (Uuid::from_u128(7), 0));
    }
}
