//! On whose account the writer works, and whose write comes next: that of whoever made the others wait least.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::message::DeviceUuid;

/// A write that takes no longer than this makes nobody wait.
const AT_ONCE: Duration = Duration::from_millis(10);

/// On whose account a write takes the writer's time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// The gateway's own: it waits for nobody who came later.
    Own,
    /// That of this device, whether the write turns out to be its or not: what is refused takes no time.
    Of(DeviceUuid),
    /// That of all who do not say who they are.
    Nobody,
}

/// What waits for the writer. Of those on whose account it worked least since it last had nothing to do, whoever came first
/// is next; so who has much to write keeps others from the one write that is under way, and not from their turn.
pub(super) struct Accounts<W> {
    waiting: VecDeque<(Account, W)>,
    taken: HashMap<Account, Duration>,
}

impl<W> Accounts<W> {
    pub(super) fn new() -> Self {
        Self { waiting: VecDeque::new(), taken: HashMap::new() }
    }

    pub(super) fn wait(&mut self, account: Account, write: W) {
        self.waiting.push_back((account, write));
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Takes all that is not to be kept out of the queue.
    pub(super) fn retain(&mut self, keep: impl Fn(&W) -> bool) {
        self.waiting.retain(|(_, write)| keep(write));
    }

    /// Takes out what came last of whoever has most waiting; the gateway keeps its own.
    pub(super) fn last_of_whoever_has_most(&mut self) -> Option<W> {
        let mut held: HashMap<&Account, usize> = HashMap::new();
        let others = self.waiting.iter().filter(|(account, _)| *account != Account::Own);
        others.for_each(|(account, _)| *held.entry(account).or_default() += 1);
        let most = *held.values().max()?;
        let place = self.waiting.iter().rposition(|(account, _)| held.get(account) == Some(&most))?;
        self.waiting.remove(place).map(|(_, write)| write)
    }

    pub(super) fn next(&mut self) -> Option<(Account, W)> {
        let taken = |(_, (account, _)): &(usize, &(Account, W))| self.taken.get(account).copied();
        let place = match self.taken.is_empty() {
            true => 0,
            false => self.waiting.iter().enumerate().min_by_key(taken)?.0,
        };
        self.waiting.remove(place)
    }

    /// Notes how long the write was that was next.
    pub(super) fn took(&mut self, account: Account, time: Duration) {
        if time > AT_ONCE && account != Account::Own {
            *self.taken.entry(account).or_default() += time;
        }
    }

    /// Nobody waits: all begin anew.
    pub(super) fn rest(&mut self) {
        self.taken.clear();
    }
}
