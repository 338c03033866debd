//! What must be on disk before a call may change anything.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use super::error::{EgressError, GateError};

/// Requests that may have changed something outside. Cheap to clone; every clone counts the same ones.
#[derive(Clone, Debug, Default)]
pub struct Changes(Arc<AtomicU32>);

impl Changes {
    /// Whether nothing can have changed.
    pub fn is_none(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }
}

type Commit = dyn Fn() -> BoxFuture<'static, Result<(), GateError>> + Send + Sync;

/// What one API client commits before its first request that is not GET or HEAD; once, however many requests wait.
pub struct CallGate {
    commit: Box<Commit>,
    passed: OnceCell<()>,
    changes: Changes,
}

impl CallGate {
    /// A gate that `commit` opens; it is asked again only if it fails.
    pub fn new(
        commit: impl Fn() -> BoxFuture<'static, Result<(), GateError>> + Send + Sync + 'static,
    ) -> Self {
        Self { commit: Box::new(commit), passed: OnceCell::new(), changes: Changes::default() }
    }

    /// A gate that stands open.
    pub fn open() -> Self {
        Self::new(|| Box::pin(std::future::ready(Ok(()))))
    }

    /// The same gate, which counts in `changes` what passes it.
    #[must_use]
    pub fn counting(self, changes: Changes) -> Self {
        Self { changes, ..self }
    }

    pub(super) async fn pass(&self) -> Result<(), EgressError> {
        self.passed.get_or_try_init(|| (self.commit)()).await.map_err(EgressError::Gate)?;
        self.changes.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// What passed last was refused before anything was done.
    pub fn refused(&self) {
        self.changes.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for CallGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallGate").field("passed", &self.passed.initialized()).finish_non_exhaustive()
    }
}
