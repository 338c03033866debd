//! What one sender has to sign, and for how long it is believed.

use std::time::Duration;

use super::component::Component;
use super::refusal::Refusal;
use crate::ambient::Timestamp;

/// How far the clocks of two machines and the way between them may be apart (`spec/endo.md` 4).
const WINDOW: Duration = Duration::from_secs(300);

/// What one sender has to sign, and for how long it is believed. The algorithms follow from its key.
#[derive(Clone, Debug)]
pub struct Policy {
    required: Vec<Component>,
    window: Duration,
}

impl Policy {
    /// The sender signs at least `required`; it is believed for `window` before and after the signature's time.
    pub fn new(required: impl IntoIterator<Item = Component>, window: Duration) -> Self {
        Self { required: required.into_iter().collect(), window }
    }

    /// An old bus: `date` and `x-meshblu-uuid`, 300 seconds. Protects neither body nor route.
    pub fn legacy_bus() -> Self {
        Self::new(["date", "x-meshblu-uuid"].map(Component::field), WINDOW)
    }

    /// A bus of ours: method, host, path, body, recipient, route and delivery; 300 seconds.
    pub fn bus() -> Self {
        let fields = ["content-digest", "x-meshblu-uuid", "x-meshblu-route", "x-meshblu-delivery-id"];
        let target = [Component::Method, Component::Authority, Component::Path];
        Self::new(target.into_iter().chain(fields.map(Component::field)), WINDOW)
    }

    pub(super) fn check_covered(&self, covered: &[Component]) -> Result<(), Refusal> {
        match self.required.iter().find(|component| !covered.contains(component)) {
            Some(uncovered) => Err(Refusal::Uncovered(uncovered.clone())),
            None => Ok(()),
        }
    }

    pub(super) fn check_time(&self, signed: Timestamp, now: Timestamp) -> Result<(), Refusal> {
        if now.since(signed) > self.window {
            Err(Refusal::TooOld)
        } else if signed.since(now) > self.window {
            Err(Refusal::TooNew)
        } else {
            Ok(())
        }
    }
}
