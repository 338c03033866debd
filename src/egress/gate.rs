//! What must be on disk before a call may change anything.

use std::fmt;

use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use super::error::{EgressError, GateError};

type Commit = dyn Fn() -> BoxFuture<'static, Result<(), GateError>> + Send + Sync;

/// What one API client commits before its first request that is not GET or HEAD; once, however many requests wait.
pub struct CallGate {
    commit: Box<Commit>,
    passed: OnceCell<()>,
}

impl CallGate {
    /// A gate that `commit` opens; it is asked again only if it fails.
    pub fn new(
        commit: impl Fn() -> BoxFuture<'static, Result<(), GateError>> + Send + Sync + 'static,
    ) -> Self {
        Self { commit: Box::new(commit), passed: OnceCell::new() }
    }

    /// A gate that stands open.
    pub fn open() -> Self {
        Self::new(|| Box::pin(std::future::ready(Ok(()))))
    }

    pub(super) async fn pass(&self) -> Result<(), EgressError> {
        self.passed.get_or_try_init(|| (self.commit)()).await.map(|_| ()).map_err(EgressError::Gate)
    }
}

impl fmt::Debug for CallGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallGate").field("passed", &self.passed.initialized()).finish_non_exhaustive()
    }
}
