//! How many messages are being received.

use tokio::sync::watch;

/// Counts one message as being received.
pub(super) struct Present<'a>(&'a watch::Sender<usize>);

impl<'a> Present<'a> {
    pub(super) fn at(present: &'a watch::Sender<usize>) -> Self {
        present.send_modify(|present| *present += 1);
        Self(present)
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|present| *present -= 1);
    }
}
