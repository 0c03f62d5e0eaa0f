//! The bytes of an upload as they arrive, in bounded pieces.

use std::time::Duration;

use api::ProblemKind;
use axum::body::{Body, BodyDataStream};
use bytes::{Buf, Bytes, BytesMut};
use futures::StreamExt;
use kit::{Error, Result};
use protocol::{MessagePrefix, PrefixLength};

/// How much of a refused upload is read to its end, so that the client gets to see the answer.
const DRAIN_BYTES: u64 = 16 << 20;

/// The bytes of an upload as they arrive.
pub(crate) struct Incoming {
    stream: BodyDataStream,
    /// Arrived and not yet used.
    pending: Bytes,
    ended: bool,
    idle: Duration,
}

impl Incoming {
    /// Gives up when nothing arrives for `idle`.
    pub(crate) fn new(body: Body, idle: Duration) -> Self {
        Self { stream: body.into_data_stream(), pending: Bytes::new(), ended: false, idle }
    }

    /// Makes some bytes pending, unless there are no more.
    async fn more(&mut self) -> Result<bool> {
        while self.pending.is_empty() && !self.ended {
            let next = tokio::time::timeout(self.idle, self.stream.next()).await;
            self.ended = !matches!(next, Ok(Some(Ok(_))));
            match next {
                Ok(Some(Ok(bytes))) => self.pending = bytes,
                Ok(Some(Err(_))) => {
                    return Err(Error::abort(ProblemKind::LengthMismatch).detail("the body ended early"));
                }
                Ok(None) => {}
                Err(_) => return Err(Error::abort(ProblemKind::RequestTimeout)),
            }
        }
        Ok(!self.pending.is_empty())
    }

    /// Everything before the body, and its length.
    pub(crate) async fn prefix(&mut self) -> Result<(MessagePrefix, u64)> {
        let mut bytes = Vec::new();
        loop {
            let (wanted, complete) = match MessagePrefix::length(&bytes)? {
                PrefixLength::AtLeast(wanted) => (wanted, false),
                PrefixLength::Exactly(wanted) => (wanted, true),
            };
            if complete && bytes.len() == wanted {
                let prefix = MessagePrefix::from_bytes(&bytes)?;
                return Ok((prefix, wanted as u64));
            }
            while bytes.len() < wanted {
                if !self.more().await? {
                    return Err(
                        Error::abort(ProblemKind::LengthMismatch).detail("the message ends in its header")
                    );
                }
                let now = self.pending.len().min(wanted - bytes.len());
                bytes.extend_from_slice(&self.pending.split_to(now));
            }
        }
    }

    /// The next `size` bytes, fewer only at the end.
    pub(crate) async fn part(&mut self, buffer: &mut BytesMut, size: usize) -> Result<Bytes> {
        while buffer.len() < size && self.more().await? {
            let now = self.pending.len().min(size - buffer.len());
            buffer.extend_from_slice(&self.pending[..now]);
            self.pending.advance(now);
        }
        Ok(buffer.split().freeze())
    }

    /// Reads what is left of a refused upload, within bounds.
    pub(crate) async fn drain(&mut self) {
        let mut left = DRAIN_BYTES;
        loop {
            left = left.saturating_sub(self.pending.len() as u64);
            self.pending.clear();
            if left == 0 || !matches!(self.more().await, Ok(true)) {
                return;
            }
        }
    }
}
