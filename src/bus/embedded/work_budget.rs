//! How much work one message or event may lead to, and how much of it is each device's.

use crate::message::DeviceUuid;

/// The most bytes of work that one message or event may lead to. All of it is one commit, which others wait for.
const AT_MOST: usize = 128 << 20;
/// What a piece of work costs beside its texts.
const PIECE: usize = 1 << 10;

/// What is left of the work that one message or event may lead to.
pub(super) struct WorkBudget {
    /// In bytes.
    left: usize,
    /// How much of that the device at hand may have.
    share: Share,
    /// A device that did not get all of its work.
    left_out: Option<DeviceUuid>,
}

struct Share {
    bytes: usize,
    /// Whether nothing was taken of it yet.
    is_whole: bool,
    /// Whether something did not fit.
    is_over: bool,
}

impl Share {
    fn whole(bytes: usize) -> Self {
        Self { bytes, is_whole: true, is_over: false }
    }
}

impl Default for WorkBudget {
    fn default() -> Self {
        Self { left: AT_MOST, share: Share::whole(AT_MOST), left_out: None }
    }
}

impl WorkBudget {
    /// Goes on to the first of so many devices: it may have its even part, and what those before it left of theirs.
    pub(super) fn share_among(&mut self, devices: usize) {
        self.share = Share::whole(self.left / devices.max(1));
    }

    /// Whether something of the device at hand did not fit.
    pub(super) fn is_over(&self) -> bool {
        self.share.is_over
    }

    /// Takes a piece of work for `device`, the one at hand: with so many bytes of its own, and those of the message; false
    /// where it does not fit. Of a message that is larger than its part a device gets one piece: the size is the sender's
    /// doing, unlike what it adds itself.
    pub(super) fn spend(&mut self, device: &DeviceUuid, of_its_own: usize, of_the_message: usize) -> bool {
        let added = PIECE + of_its_own;
        let cost = added + of_the_message;
        let Share { bytes, is_whole, .. } = self.share;
        let fits = cost <= self.left && (cost <= bytes || is_whole && added <= bytes);
        if fits {
            self.left -= cost;
            self.share.bytes = bytes.saturating_sub(cost);
            self.share.is_whole = false;
        } else {
            self.share.is_over = true;
            self.left_out.get_or_insert_with(|| device.clone());
        }
        fits
    }

    /// The first device that did not get all of its work.
    pub(super) fn left_out(self) -> Option<DeviceUuid> {
        self.left_out
    }
}
