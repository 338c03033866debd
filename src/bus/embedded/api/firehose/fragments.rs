//! Messages of a websocket that come in several frames (RFC 6455, 5.4).

use actix_ws::{CloseCode, Item, Message};
use bytes::{Bytes, BytesMut};

/// Frames that one message may come in: empty ones, too, cost whoever reads them.
const AT_MOST: usize = 1024;

/// A message of which the last frame has not come yet. How large it grows is looked at before its frames are read.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    is_text: bool,
    frames: usize,
    bytes: BytesMut,
}

impl Fragments {
    /// The message that is whole with this frame; none where more frames are to come.
    ///
    /// # Errors
    /// What the client is told where the message can be none: it has too many frames, or is a text that is not UTF-8.
    pub(super) fn join(&mut self, frame: Message) -> Result<Option<Message>, CloseCode> {
        let Message::Continuation(part) = frame else { return Ok(Some(frame)) };
        let (bytes, is_last) = self.part(part);
        self.frames += 1;
        if self.frames > AT_MOST {
            return Err(CloseCode::Policy);
        }
        self.bytes.extend_from_slice(&bytes);
        if !is_last {
            return Ok(None);
        }
        let Self { is_text, bytes, .. } = std::mem::take(self);
        let whole = bytes.freeze();
        if !is_text {
            return Ok(Some(Message::Binary(whole)));
        }
        whole.try_into().map(|text| Some(Message::Text(text))).map_err(|_| CloseCode::Invalid)
    }

    /// What the frame brings, and whether it is the last. That none begins within a message, and none goes on with a
    /// message that did not begin, is seen to where frames are read.
    fn part(&mut self, part: Item) -> (Bytes, bool) {
        match part {
            Item::FirstText(bytes) => {
                self.is_text = true;
                (bytes, false)
            }
            Item::FirstBinary(bytes) | Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        }
    }
}
