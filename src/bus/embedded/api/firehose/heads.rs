//! Looks at the head of each frame that comes over a websocket, before what reads frames gathers its payload (RFC 6455, 5.2).
//!
//! That gathers a frame until it is whole, however large it is.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

const MASK_BIT: u8 = 0x80;
const MASK_BYTES: u64 = 4;

/// What comes over a websocket, up to the first frame that is larger than `limit`: that is [`PayloadError::Overflow`].
pub(super) struct Heads {
    from: Payload,
    limit: u64,
    head: Vec<u8>,
    /// What is still to come of the frame whose head was read last.
    rest: u64,
}

/// A frame that is larger than it may be.
#[derive(Debug)]
struct TooLarge;

impl Heads {
    /// Frames with at most so many bytes of payload.
    pub(super) fn of(from: Payload, limit: usize) -> Self {
        Self { from, limit: limit as u64, head: Vec::with_capacity(10), rest: 0 }
    }

    fn look(&mut self, mut bytes: &[u8]) -> Result<(), TooLarge> {
        loop {
            let passed = usize::try_from(self.rest).unwrap_or(usize::MAX).min(bytes.len());
            self.rest -= passed as u64;
            let Some((next, after)) = bytes[passed..].split_first() else { return Ok(()) };
            self.head.push(*next);
            bytes = after;
            if let Some(length) = length(&self.head) {
                if length > self.limit {
                    return Err(TooLarge);
                }
                let is_masked = self.head[1] & MASK_BIT != 0;
                self.rest = length + if is_masked { MASK_BYTES } else { 0 };
                self.head.clear();
            }
        }
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
        next.map_ok(|bytes| heads.look(&bytes).map(|()| bytes).map_err(|TooLarge| PayloadError::Overflow))
            .map(|next| next.map(Result::flatten))
    }
}
