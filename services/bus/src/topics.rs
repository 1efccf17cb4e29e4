//! Who waits for what in this process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

#[derive(Debug, Default)]
pub(crate) struct Topics {
    waiting: Mutex<HashMap<Arc<str>, watch::Sender<()>>>,
}

impl Topics {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, watch::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wake(&self, topic: &str) {
        if let Some(sender) = self.lock().get(topic) {
            sender.send_replace(());
        }
    }

    /// After a gap in which hints may have been lost.
    pub(crate) fn wake_all(&self) {
        for sender in self.lock().values() {
            sender.send_replace(());
        }
    }

    pub(crate) fn subscribe(topics: &Arc<Self>, topic: &str) -> Wakeups {
        let topic: Arc<str> = topic.into();
        let wakes = topics.lock().entry(topic.clone()).or_insert_with(|| watch::channel(()).0).subscribe();
        Wakeups { wakes, topic, topics: Arc::clone(topics) }
    }
}

/// The wake-ups of one topic for one reader.
#[derive(Debug)]
pub struct Wakeups {
    wakes: watch::Receiver<()>,
    topic: Arc<str>,
    /// Also keeps the sending side alive, so that a reader never spins on a bus that is gone.
    topics: Arc<Topics>,
}

impl Wakeups {
    /// Waits until there was a wake-up since the last call (or since the subscription). Many wake-ups in between are
    /// one; one may come for nothing. Cancelling it loses nothing.
    pub async fn changed(&mut self) {
        if self.wakes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Wakeups {
    fn drop(&mut self) {
        let mut waiting = self.topics.lock();
        // This reader is still counted.
        if waiting.get(&self.topic).is_some_and(|sender| sender.receiver_count() <= 1) {
            waiting.remove(&self.topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_without_readers_takes_no_room() {
        let topics = Arc::new(Topics::default());
        let (first, second) = (Topics::subscribe(&topics, "feed"), Topics::subscribe(&topics, "feed"));
        drop(first);
        assert_eq!(topics.lock().len(), 1);
        drop(second);
        topics.wake("feed");
        assert!(topics.lock().is_empty());
    }
}
