//! What the pages of jobs work with.

use std::sync::Arc;
use std::time::Duration;

use crate::dispatch::Exchange;
use crate::job::Registry;

/// The jobs there are, and the way to send them messages.
pub struct Jobs {
    /// Their schemas and forms.
    pub registry: Arc<Registry>,
    /// Sends messages in the name of people.
    pub exchange: Exchange,
    /// How long a page waits for a reply.
    pub patience: Duration,
}
