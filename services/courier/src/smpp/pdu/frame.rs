//! Cutting a stream of octets into units.

use bytes::{Buf as _, Bytes, BytesMut};

/// Octets of a header.
pub const HEADER: usize = 16;

/// Why a stream cannot be cut any further: its session must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A unit longer than anybody may send.
    #[error("a PDU claims {claimed} octets, and {limit} is the limit")]
    TooLong {
        /// What it claims.
        claimed: u32,
        /// What it may have.
        limit: usize,
    },
    /// A unit shorter than its own header.
    #[error("a PDU claims {claimed} octets, and its header alone has 16")]
    TooShort {
        /// What it claims.
        claimed: u32,
    },
}

/// The octets that came and were not cut yet. Room is made for what has come, never for what is claimed.
#[derive(Debug)]
pub struct Frames {
    arrived: BytesMut,
    limit: usize,
}

impl Frames {
    /// Cuts units of at most `limit` octets.
    #[must_use]
    pub fn up_to(limit: usize) -> Self {
        Self { arrived: BytesMut::with_capacity(4096), limit: limit.max(HEADER) }
    }

    /// Where arriving octets are put.
    pub fn arrived(&mut self) -> &mut BytesMut {
        &mut self.arrived
    }

    /// The next whole unit, when it is all there.
    ///
    /// # Errors
    /// When its length is impossible; nothing after it can be trusted.
    pub fn cut(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(claimed) = self.arrived.first_chunk::<4>().map(|octets| u32::from_be_bytes(*octets)) else {
            return Ok(None);
        };
        let length = usize::try_from(claimed).unwrap_or(usize::MAX);
        if length < HEADER {
            return Err(FrameError::TooShort { claimed });
        }
        if length > self.limit {
            return Err(FrameError::TooLong { claimed, limit: self.limit });
        }
        if self.arrived.len() < length {
            return Ok(None);
        }
        Ok(Some(self.arrived.split_to(length).freeze()))
    }

    /// Octets that wait for the rest of their unit.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.arrived.remaining()
    }
}
