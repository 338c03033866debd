//! The permit for one call of a webhook, and what came of it.

use super::answer::Condition;
use super::destinations::Destinations;
use super::trials::Standing;
use crate::ambient::Timestamp;
use crate::egress::Admission;
use crate::store::LineKey;

/// For one call; the destination has it in hand until this is dropped. Dropping it says that no answer came in time.
#[derive(Debug)]
pub(super) struct Permit {
    destinations: Destinations,
    line: LineKey,
    call: Option<Admitted>,
}

/// A call that is in hand.
#[derive(Debug)]
pub(super) struct Admitted {
    /// What is called, and whose the call is.
    pub(super) to: LineKey,
    pub(super) began: Timestamp,
    /// Of those who ask whether anybody is at the webhook.
    pub(super) webhook: Admission,
    /// Of those who ask whether it takes what the line has.
    pub(super) line: Admission,
    /// Which of all calls there were it is.
    pub(super) number: u64,
    pub(super) standing: Standing,
    /// Whether whoever fails by it is left alone at once: nothing was known of them, and many fail at their host.
    pub(super) is_first_trial: bool,
}

/// One that begins.
#[derive(Debug)]
pub(super) struct NewCall {
    pub(super) to: LineKey,
    pub(super) began: Timestamp,
    pub(super) number: u64,
    pub(super) standing: Standing,
}

impl Permit {
    pub(super) fn new(destinations: Destinations, call: Admitted) -> Self {
        Self { destinations, line: call.to.clone(), call: Some(call) }
    }

    /// What is called, and whose the call is.
    pub(super) fn line(&self) -> &LineKey {
        &self.line
    }

    /// Says what came of the call.
    pub(super) fn ends(mut self, condition: Condition) {
        self.release(condition);
    }

    fn release(&mut self, condition: Condition) {
        if let Some(call) = self.call.take() {
            self.destinations.release(call, condition);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.release(Condition::Late);
    }
}
