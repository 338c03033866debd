//! Routes while they grow: many, and alike at their beginnings.

use std::rc::Rc;

use super::subscription::SubscriptionType;
use crate::message::{DeviceUuid, Hop, Route};

/// A route that shares its beginning with the routes it branches off from.
#[derive(Clone, Default)]
pub(super) struct Trail(Option<Rc<Step>>);

pub(super) struct Step {
    pub(super) from: DeviceUuid,
    pub(super) to: DeviceUuid,
    pub(super) kind: SubscriptionType,
    before: Trail,
}

impl Trail {
    pub(super) fn with(&self, from: &DeviceUuid, to: &DeviceUuid, kind: SubscriptionType) -> Self {
        Self(Some(Rc::new(Step { from: from.clone(), to: to.clone(), kind, before: self.clone() })))
    }

    /// The steps, last first.
    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        std::iter::successors(self.0.as_deref(), |step| step.before.0.as_deref())
    }

    pub(super) fn route(&self) -> Route {
        let mut hops: Vec<_> = self.steps().map(Step::hop).collect();
        hops.reverse();
        Route::new(hops)
    }
}

impl Step {
    fn hop(&self) -> Hop {
        Hop { from: self.from.clone(), to: self.to.clone(), kind: self.kind.as_str().into() }
    }
}
