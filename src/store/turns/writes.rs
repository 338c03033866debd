//! What waits to be written: for whom, and until whose turn.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::accounts::{Account, Accounts};
use crate::store::{StoreError, Transaction};

/// How many writes may wait. Where more do, the newest goes of whoever has most of them.
const MOST: usize = 4096;

pub(in crate::store) type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Write = Box<dyn FnOnce(Result<&Transaction<'_>, StoreError>) -> Written + Send>;

/// A write that ran, or was refused: whether its changes are wanted, and who waits for the commit.
pub(in crate::store) struct Written {
    pub(in crate::store) keep: bool,
    pub(in crate::store) answer: Answer,
}

/// A write that has not run.
pub(in crate::store) struct Waiting {
    write: Write,
    /// Who waits for it, unless it is done whoever does.
    caller: Option<Weak<Caller>>,
}

/// There for as long as somebody waits for an answer.
struct Caller {
    is_answered: AtomicBool,
    left: Left,
}

/// How many have left without an answer since that was looked at last.
type Left = Arc<AtomicUsize>;

impl Drop for Caller {
    fn drop(&mut self) {
        if !self.is_answered.load(Ordering::SeqCst) {
            self.left.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Waiting {
    /// Runs it, or tells it why it cannot run; `None` where it panics.
    pub(in crate::store) fn run(self, transaction: Result<&Transaction<'_>, StoreError>) -> Option<Written> {
        catch_unwind(AssertUnwindSafe(|| (self.write)(transaction))).ok()
    }

    /// Nobody was told that it is done, so what nobody waits for is as if it had never come.
    fn is_wanted(&self) -> bool {
        self.caller.as_ref().is_none_or(|caller| caller.strong_count() > 0)
    }

    fn give_up(self, why: &StoreError) {
        if let Some(refused) = self.run(Err(why.clone())) {
            contain(|| (refused.answer)(Err(why.clone())));
        }
    }
}

/// Runs what a caller left behind: if it panics, that is logged by the panic hook, and the writer goes on.
pub(in crate::store) fn contain(run: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(run));
}

/// Where callers leave their writes.
#[derive(Clone)]
pub(in crate::store) struct Callers {
    arriving: mpsc::Sender<(Account, Waiting)>,
    left: Left,
}

/// Where the writer takes them: what waits as it came, and what waits for its turn.
pub(in crate::store) struct Writes {
    arriving: mpsc::Receiver<(Account, Waiting)>,
    accounts: Accounts<Waiting>,
    left: Left,
}

/// Both ends.
pub(in crate::store) fn writes() -> (Callers, Writes) {
    let (sender, arriving) = mpsc::channel(MOST);
    let left = Left::default();
    let callers = Callers { arriving: sender, left: Arc::clone(&left) };
    (callers, Writes { arriving, accounts: Accounts::new(), left })
}

impl Callers {
    /// Runs `change` in a transaction and answers what it returned, after the commit. Its time is taken on `account`. Unless
    /// that is the gateway's own, nothing is done where the answer is given up before its turn.
    pub(in crate::store) async fn write<T, E, F>(&self, account: Account, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let write: Write = Box::new(move |transaction| {
            let result = transaction.map_err(E::from).and_then(change);
            Written {
                keep: result.is_ok(),
                answer: Box::new(move |committed: Result<(), StoreError>| {
                    let answer = result.and_then(|value| committed.map(|()| value).map_err(E::from));
                    // Nobody listens any more where the caller was cancelled; the commit stands.
                    let _ = sender.send(answer);
                }),
            }
        });
        let waits = Arc::new(Caller { is_answered: AtomicBool::default(), left: Arc::clone(&self.left) });
        let caller = (account != Account::Own).then(|| Arc::downgrade(&waits));
        self.arriving.send((account, Waiting { write, caller })).await.map_err(|_| StoreError::Closed)?;
        let answer = receiver.await;
        waits.is_answered.store(true, Ordering::SeqCst);
        answer.unwrap_or_else(|_| Err(self.unanswered().into()))
    }

    /// Waits until nothing more is written.
    pub(in crate::store) async fn closed(&self) {
        self.arriving.closed().await;
    }

    fn unanswered(&self) -> StoreError {
        if self.arriving.is_closed() { StoreError::Closed } else { StoreError::Panicked }
    }
}

impl Writes {
    /// Waits until somebody waits; false where nobody will any more.
    pub(in crate::store) fn fill(&mut self) -> bool {
        self.clear();
        self.admit();
        if self.accounts.waiting() == 0 {
            let Some((account, waiting)) = self.arriving.blocking_recv() else { return false };
            self.accounts.wait(account, waiting);
        }
        true
    }

    /// Whose turn it is, and for what.
    pub(in crate::store) fn next(&mut self) -> Option<(Account, Waiting)> {
        self.admit();
        loop {
            let (account, waiting) = self.accounts.next()?;
            if waiting.is_wanted() {
                return Some((account, waiting));
            }
            self.accounts.took(account, Duration::ZERO);
        }
    }

    /// Notes how long the write was that was next.
    pub(in crate::store) fn took(&mut self, account: Account, time: Duration) {
        // Who came meanwhile waits for that one alone.
        self.admit();
        self.accounts.took(account, time);
    }

    /// Lets all in who came, so that whoever has little waiting has its turn.
    fn admit(&mut self) {
        while !self.arriving.is_empty()
            && (self.accounts.waiting() < MOST || self.make_place())
            && let Ok((account, waiting)) = self.arriving.try_recv()
        {
            self.accounts.wait(account, waiting);
        }
    }

    /// Nothing of what nobody waits for is kept until its turn. What waits is looked at where somebody has left.
    fn clear(&mut self) {
        if self.left.swap(0, Ordering::SeqCst) > 0 {
            self.accounts.retain(Waiting::is_wanted);
        }
    }

    fn make_place(&mut self) -> bool {
        self.clear();
        if self.accounts.waiting() < MOST {
            return true;
        }
        let last = self.accounts.last_of_whoever_has_most();
        last.map(|last| last.give_up(&StoreError::Crowded)).is_some()
    }
}
