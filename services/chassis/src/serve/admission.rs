//! How many calls a server takes on at once. What is beyond that is told to come again, at once and cheaply: a queue
//! would only make everyone late.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Code, Status};

use super::Limits;
use crate::status;

/// After how long a refused caller should try again.
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub(super) struct Admission {
    requests: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { requests: Arc::new(Semaphore::new(limits.requests)), streams: Arc::new(Semaphore::new(limits.streams)) }
    }

    /// A permit to be kept until the last byte of the answer. Streams are counted apart: a thousand readers that wait
    /// for news must not keep out one caller with an emergency.
    pub(super) fn enter(&self, streams: bool) -> Result<OwnedSemaphorePermit, Status> {
        let (room, message) = if streams {
            (&self.streams, "too many streams at once; try again later")
        } else {
            (&self.requests, "too many calls at once; try again later")
        };
        Arc::clone(room)
            .try_acquire_owned()
            .map_err(|_| status::later(Code::ResourceExhausted, "OVERLOADED", message, AGAIN))
    }
}
