//! What the pages of jobs work with.

use std::sync::Arc;
use std::time::Duration;

use super::problem::Problem;
use super::server::FrontDoor;
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

impl FrontDoor {
    /// The jobs there are.
    pub(super) fn jobs(&self) -> Result<&Jobs, Problem> {
        self.jobs.as_ref().ok_or_else(Problem::nothing_here)
    }
}
