//! Looks at the head of each frame that comes over a websocket, before what reads frames gathers its payload (RFC 6455, 5.2,
//! 5.4 and 5.5).
//!
//! That gathers a frame until it is whole, however large it is.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

const LAST_BIT: u8 = 0x80;
const CONTROL_BIT: u8 = 0x08;
const KIND_BITS: u8 = 0x0f;
/// The kind of a frame that goes on with the message of the frames before.
const GOES_ON: u8 = 0;
/// What a control frame says at most, in bytes (RFC 6455, 5.5).
const CONTROL_BYTES: u64 = 125;
const MASK_BIT: u8 = 0x80;
const MASK_BYTES: u64 = 4;

/// What comes over a websocket, up to the first frame that makes its message larger than `limit`, which is
/// [`PayloadError::Overflow`], or to a control frame that is larger than any, which is [`io::ErrorKind::InvalidData`].
pub(super) struct Heads {
    from: Payload,
    limit: u64,
    head: Vec<u8>,
    /// What is still to come of the frame whose head was read last.
    rest: u64,
    /// The payload so far of a message in several frames.
    begun: u64,
}

/// What is larger than it may be.
#[derive(Debug)]
enum TooLarge {
    Message,
    Control,
}

impl From<TooLarge> for PayloadError {
    fn from(what: TooLarge) -> Self {
        match what {
            TooLarge::Message => Self::Overflow,
            TooLarge::Control => Self::Io(io::ErrorKind::InvalidData.into()),
        }
    }
}

impl Heads {
    /// Messages with at most so many bytes of payload, in one frame or in several.
    pub(super) fn of(from: Payload, limit: usize) -> Self {
        Self { from, limit: limit as u64, head: Vec::with_capacity(10), rest: 0, begun: 0 }
    }

    fn look(&mut self, mut bytes: &[u8]) -> Result<(), TooLarge> {
        loop {
            let passed = usize::try_from(self.rest).unwrap_or(usize::MAX).min(bytes.len());
            self.rest -= passed as u64;
            let Some((next, after)) = bytes[passed..].split_first() else { return Ok(()) };
            self.head.push(*next);
            bytes = after;
            if let Some(length) = length(&self.head) {
                self.weigh(length)?;
                let is_masked = self.head[1] & MASK_BIT != 0;
                self.rest = length + if is_masked { MASK_BYTES } else { 0 };
                self.head.clear();
            }
        }
    }

    /// Whether the frame whose head this is may have so much payload. Control frames may come between those of a message.
    fn weigh(&mut self, length: u64) -> Result<(), TooLarge> {
        let kind = self.head[0] & KIND_BITS;
        if kind & CONTROL_BIT != 0 {
            return if length > CONTROL_BYTES { Err(TooLarge::Control) } else { Ok(()) };
        }
        let before = if kind == GOES_ON { self.begun } else { 0 };
        if length > self.limit - before {
            return Err(TooLarge::Message);
        }
        let is_last = self.head[0] & LAST_BIT != 0;
        self.begun = if is_last { 0 } else { before + length };
        Ok(())
    }
}

/// The length of the payload, once as much of the head is there as tells it.
fn length(head: &[u8]) -> Option<u64> {
    let short = head.get(1)? & !MASK_BIT;
    let long = &head[2..];
    match short {
        126 => Some(u16::from_be_bytes(long.try_into().ok()?).into()),
        127 => Some(u64::from_be_bytes(long.try_into().ok()?)),
        short => Some(short.into()),
    }
}

impl Stream for Heads {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let heads = self.get_mut();
        let next = heads.from.poll_next_unpin(context);
        next.map_ok(|bytes| heads.look(&bytes).map(|()| bytes).map_err(PayloadError::from))
            .map(|next| next.map(Result::flatten))
    }
}
