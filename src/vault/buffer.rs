//! A growing buffer that leaves no copy of its bytes behind.

use std::io;

use zeroize::Zeroizing;

/// Bytes that are wiped when the buffer grows and when it ends.
#[derive(Default)]
pub(super) struct WipedBuffer(Zeroizing<Vec<u8>>);

impl WipedBuffer {
    /// Appends `bytes`.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            // `Vec` would move to a larger place without wiping the old one.
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(128) * 2));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// The bytes, wiped on drop.
    pub(super) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    /// The bytes as text, not copied. For writers of UTF-8 only.
    pub(super) fn into_text(mut self) -> Zeroizing<String> {
        Zeroizing::new(String::from_utf8(std::mem::take(&mut *self.0)).expect("only UTF-8 was written"))
    }
}

impl io::Write for WipedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
