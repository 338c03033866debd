//! The gateway's own share: how long the spans last in which it has a message in hand.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tracing::span::{Attributes, Id};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::load::Latencies;

/// The span that dispatch opens from taking a delivery to handing its end to the store.
const IN_HAND: &str = "answer";

/// The times that were noted; clones share them.
#[derive(Clone, Default)]
pub(crate) struct OwnShare(Arc<Mutex<Vec<Duration>>>);

impl OwnShare {
    /// Notes, from now on, everything that happens in this process.
    pub(crate) fn install() -> Self {
        let share = Self::default();
        let noting = tracing_subscriber::registry().with(share.clone());
        tracing::subscriber::set_global_default(noting).unwrap();
        share
    }

    /// What was noted since the last time.
    pub(crate) fn take(&self) -> Latencies {
        std::mem::take(&mut *self.0.lock().unwrap()).into()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for OwnShare {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_span() && metadata.name() == IN_HAND
    }

    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        context.span(id).unwrap().extensions_mut().insert(Instant::now());
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let begun = context.span(&id).unwrap().extensions().get::<Instant>().map(Instant::elapsed);
        self.0.lock().unwrap().extend(begun);
    }
}
