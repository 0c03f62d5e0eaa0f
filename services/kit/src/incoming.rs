//! The bytes of a request as they arrive, in pieces of bounded size.

use std::time::Duration;

use api::ProblemKind;
use axum::body::{Body, BodyDataStream};
use bytes::{Buf, Bytes, BytesMut};
use futures::StreamExt;
use protocol::{MessagePrefix, PrefixLength};

use crate::{Error, Result};

/// The most bytes of a refused request that are read, so that the client reads the answer.
const DRAIN_BYTES: u64 = 16 << 20;

/// The bytes of a request as they arrive.
#[derive(Debug)]
pub struct Incoming {
    stream: BodyDataStream,
    /// Bytes that have arrived and are not used yet.
    pending: Bytes,
    ended: bool,
    idle: Duration,
}

impl Incoming {
    /// Reads from `body`, and gives up if nothing arrives for `idle`.
    pub fn new(body: Body, idle: Duration) -> Self {
        Self { stream: body.into_data_stream(), pending: Bytes::new(), ended: false, idle }
    }

    /// Waits until bytes are pending. Returns `false` at the end of the request.
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

    /// Extends `bytes` to `length`. Returns `false` if the request ends before that.
    ///
    /// # Errors
    /// An abort if the request breaks off, or if nothing arrives for too long.
    pub async fn extend(&mut self, bytes: &mut Vec<u8>, length: usize) -> Result<bool> {
        while bytes.len() < length {
            if !self.more().await? {
                return Ok(false);
            }
            let now = self.pending.len().min(length - bytes.len());
            bytes.extend_from_slice(&self.pending.split_to(now));
        }
        Ok(true)
    }

    /// Reads the prefix of a contribution. Also returns its length.
    ///
    /// # Errors
    /// An abort if the bytes are no prefix, or if they end early or come too slowly.
    pub async fn prefix(&mut self) -> Result<(MessagePrefix, u64)> {
        let mut bytes = Vec::new();
        loop {
            let (length, complete) = match MessagePrefix::length(&bytes)? {
                PrefixLength::AtLeast(length) => (length, false),
                PrefixLength::Exactly(length) => (length, true),
            };
            if complete && bytes.len() == length {
                return Ok((MessagePrefix::from_bytes(&bytes)?, length as u64));
            }
            if !self.extend(&mut bytes, length).await? {
                let detail = "the message ends in its header";
                return Err(Error::abort(ProblemKind::LengthMismatch).detail(detail));
            }
        }
    }

    /// All bytes that are left, in parts of `size` bytes.
    pub fn parts(&mut self, size: usize) -> Parts<'_> {
        Parts { incoming: self, size, buffer: BytesMut::new() }
    }

    /// Reads the rest of a refused request, up to a limit.
    pub async fn drain(&mut self) {
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

/// Parts of one size, as the object store takes them. The last one may be shorter.
#[derive(Debug)]
pub struct Parts<'a> {
    incoming: &'a mut Incoming,
    size: usize,
    buffer: BytesMut,
}

impl Parts<'_> {
    /// The next part. `None` at the end.
    ///
    /// # Errors
    /// An abort if the request breaks off, or if nothing arrives for too long.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        let Self { incoming, size, buffer } = self;
        buffer.reserve(*size);
        while buffer.len() < *size && incoming.more().await? {
            let now = incoming.pending.len().min(*size - buffer.len());
            buffer.extend_from_slice(&incoming.pending[..now]);
            incoming.pending.advance(now);
        }
        Ok((!buffer.is_empty()).then(|| buffer.split().freeze()))
    }
}
