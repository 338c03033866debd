//! Whoever brought a message, for as long as they wait to be told how it ended.

use std::sync::{Arc, Mutex, PoisonError};

/// Whoever brought a message; by default they are gone. Cheap to clone; every clone is of the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Bringer(Arc<Mutex<Stay>>);

/// How it stands with whoever brought a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stay {
    /// They wait: nothing was said so far.
    Waiting,
    /// They are gone, and nothing was said.
    #[default]
    Gone,
    /// They are gone, and rely on it that the message is on disk.
    Relying,
}

impl Bringer {
    /// Somebody who waits.
    pub(super) fn waiting() -> Self {
        Self(Arc::new(Mutex::new(Stay::Waiting)))
    }

    /// Somebody who may have been told that their message is on disk.
    pub(super) fn relying() -> Self {
        Self(Arc::new(Mutex::new(Stay::Relying)))
    }

    /// Whoever waits is about to be told that the message is on disk; answers whether they still wait to be told anything.
    pub(super) fn let_go(&self) -> bool {
        self.go(Stay::Relying) == Stay::Waiting
    }

    /// Ends the wait, and answers how it stood until now, so that whoever decides what becomes of the message knows whose it
    /// is.
    pub(super) fn end_wait(&self) -> Stay {
        self.go(Stay::Gone)
    }

    /// Whoever waits goes so; how it stood until now.
    fn go(&self, gone: Stay) -> Stay {
        let mut stay = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *stay;
        if before == Stay::Waiting {
            *stay = gone;
        }
        before
    }
}
