//! What a handler is asked: the message and the opened secrets, in bytes that are wiped.

use std::io;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::egress::CallGate;
use crate::message::Message;
use crate::vault::Disclosed;

/// One question to a handler. Holds opened secrets, hence no `Debug`.
pub(in super::super) struct Question {
    pub(super) body: Bytes,
    pub(super) gate: CallGate,
}

/// In the order in which the original hands it to a job (`spec/endo.md` 2.5, step 4).
#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    encrypted: &'a Map<String, Value>,
}

impl Question {
    /// The question that `message` makes.
    pub(in super::super) fn new(message: &Message, disclosed: &Disclosed, gate: CallGate) -> Self {
        let (metadata, data) = (message.metadata.as_ref(), message.data.as_ref());
        let written = Written { metadata, data, encrypted: disclosed.expose() };
        Self { body: Bytes::from_owner(in_wiped_bytes(&written)), gate }
    }
}

/// The length is known before the first byte is written: a buffer that grows would leave copies behind.
fn in_wiped_bytes(written: &Written<'_>) -> Zeroizing<Vec<u8>> {
    const WRITABLE: &str = "JSON values can always be written";
    let mut length = Length(0);
    serde_json::to_writer(&mut length, written).expect(WRITABLE);
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *bytes, written).expect(WRITABLE);
    bytes
}

struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
