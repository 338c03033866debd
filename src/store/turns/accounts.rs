//! On whose account the store works, and whose turn comes next.

use std::collections::VecDeque;
use std::time::Duration;

use super::lines::Lines;
use crate::message::DeviceUuid;

/// On whose account the store's time is taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// The gateway's own: it has as much of the time as all the others together, however many wait.
    Own,
    /// That of this device, whether it turns out to be its or not: what is refused takes no time.
    Of(DeviceUuid),
    /// That of finding out whether those are this device who say so: little, and soon over.
    Proof(DeviceUuid),
    /// That of all who do not say who they are.
    Nobody,
}

/// What waits for a turn: the gateway's own, and that of all the others, of whom none keeps another from its turn.
pub(super) struct Accounts<W> {
    own: VecDeque<W>,
    others: Lines<Account, W>,
    taken_by_own: Duration,
    taken_by_others: Duration,
}

impl<W> Accounts<W> {
    pub(super) fn new() -> Self {
        Self {
            own: VecDeque::new(),
            others: Lines::new(),
            taken_by_own: Duration::ZERO,
            taken_by_others: Duration::ZERO,
        }
    }

    /// Whoever had nothing waiting is neither behind for what was done before nor ahead for what was not.
    pub(super) fn wait(&mut self, account: Account, turn: W) {
        if account == Account::Own {
            if self.own.is_empty() {
                self.taken_by_own = self.taken_by_own.max(self.taken_by_others);
            }
            self.own.push_back(turn);
        } else {
            if self.others.waiting() == 0 {
                self.taken_by_others = self.taken_by_others.max(self.taken_by_own);
            }
            self.others.wait(account, turn);
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.own.len() + self.others.waiting()
    }

    /// How many of an account wait; of the gateway's own nobody counts them.
    pub(super) fn of(&self, account: &Account) -> usize {
        self.others.of(account)
    }

    /// Takes all that is not to be kept out of the lines.
    pub(super) fn retain(&mut self, keep: impl Fn(&W) -> bool) {
        self.own.retain(&keep);
        self.others.retain(keep);
    }

    /// Takes out what came last of whoever has most waiting; the gateway keeps its own.
    pub(super) fn last_of_whoever_has_most(&mut self) -> Option<W> {
        self.others.last_of_the_longest()
    }

    pub(super) fn next(&mut self) -> Option<(Account, W)> {
        let own_is_next = self.others.waiting() == 0 || self.taken_by_own <= self.taken_by_others;
        if own_is_next && let Some(turn) = self.own.pop_front() {
            return Some((Account::Own, turn));
        }
        self.others.next()
    }

    /// Notes how long the turn was of one that was next.
    pub(super) fn took(&mut self, account: Account, time: Duration) {
        if account == Account::Own {
            self.taken_by_own += time;
        } else {
            self.taken_by_others += time;
            self.others.took(account, time);
        }
    }
}
