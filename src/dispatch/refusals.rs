//! What was said of messages that were refused, and of which the store keeps nothing.

use std::collections::{HashMap, VecDeque};

use super::Verdict;
use crate::message::DeliveryId;

/// So many are remembered: whoever has any device of a bus may have messages refused, and must not fill anything.
const REMEMBERED: usize = 1000;

/// The refusals of late, by the names of their messages.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    verdicts: HashMap<DeliveryId, Verdict>,
    /// The same names, oldest first.
    names: VecDeque<DeliveryId>,
}

impl Refusals {
    /// Remembers what was said of `id`, and forgets the oldest where there are too many.
    pub(super) fn remember(&mut self, id: &DeliveryId, verdict: &Verdict) {
        if self.verdicts.insert(id.clone(), verdict.clone()).is_none() {
            self.names.push_back(id.clone());
        }
        if self.names.len() > REMEMBERED {
            self.names.pop_front().and_then(|oldest| self.verdicts.remove(&oldest));
        }
    }

    pub(super) fn recall(&self, id: &DeliveryId) -> Option<Verdict> {
        self.verdicts.get(id).cloned()
    }
}
