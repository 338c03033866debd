//! Sign-ins that bring tokens, and ends of tokens: an API may hand out again what it is just ending, or end all that an
//! account gave it. So it is not asked for both at a time where they concern each other, unless one waited for long enough.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::end::{End, Tokens};
use crate::ambient::Timestamp;
use crate::credentials::CredentialsError;
use crate::store::Transaction;
use crate::vault::ResourceOwnerId;

/// How long a sign-in waits in all, for somebody waits for it, and an end in one go; that comes another time then.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long an end minds sign-ins of which nobody knows yet whose they are: longer than an API takes to answer. Else those
/// of strangers, one after the other, would keep it from being told at all.
const MINDS_STRANGERS: Duration = Duration::from_secs(30);

/// Which sign-ins an end waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Minding {
    /// Those, too, of which nobody knows yet whose they are.
    Strangers,
    /// Those that are known to concern it.
    ItsOwn,
}

/// Who asks the API for tokens now, and who has it end some. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(in crate::credentials) struct Arrivals(watch::Sender<AtTheApi>);

#[derive(Debug, Default)]
struct AtTheApi {
    last: u64,
    sign_ins: BTreeMap<u64, SignIn>,
    ends: BTreeMap<u64, End>,
    /// Since when ends wait for strangers, by what names them in the store.
    waiting: HashMap<i64, Timestamp>,
}

#[derive(Debug)]
struct SignIn {
    brings: Brings,
    /// What the API is told, or was, beside this, for it was not known whether that concerns it.
    beside: BTreeMap<u64, End>,
}

/// What a sign-in brings, as far as it is known.
#[derive(Clone, Debug)]
enum Brings {
    Anything,
    SomethingOf(ResourceOwnerId),
    These(Tokens),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Concern {
    Not,
    Perhaps,
    Surely,
}

/// A sign-in that brings tokens: from before the API is asked for them until a record that holds them is committed, or the
/// last of these is dropped.
#[derive(Debug)]
pub struct Arrival {
    all: Arrivals,
    number: u64,
    /// How long it can still wait.
    patience: Duration,
    /// What names the tokens on disk, as long as no record holds them.
    pub(super) stray: Option<i64>,
}

/// Tokens that are being ended; over when dropped.
#[derive(Debug)]
pub(super) struct Ending {
    all: Arrivals,
    number: u64,
}

impl Brings {
    fn concern(&self, end: &End) -> Concern {
        match (self, end.account()) {
            (Self::These(tokens), _) if end.takes(tokens) => Concern::Surely,
            (Self::These(_), _) => Concern::Not,
            (Self::SomethingOf(account), Some(ended)) if account.may_be(ended) => Concern::Surely,
            (Self::SomethingOf(_), Some(_)) => Concern::Not,
            (Self::Anything, _) | (Self::SomethingOf(_), None) => Concern::Perhaps,
        }
    }
}

impl Arrivals {
    /// Somebody is about to ask the API for tokens, of this account where it is known whose they have to be. Whatever is
    /// being ended of them is over by then, or let go, or goes on beside it where nobody knows whether it concerns it.
    pub(super) async fn begin(&self, account: Option<ResourceOwnerId>) -> Arrival {
        self.arrival(account.map_or(Brings::Anything, Brings::SomethingOf)).await
    }

    /// Somebody has these tokens. Whatever is being ended of them is over by then, or let go.
    pub(in crate::credentials) async fn begin_with(&self, tokens: Tokens) -> Arrival {
        self.arrival(Brings::These(tokens)).await
    }

    async fn arrival(&self, brings: Brings) -> Arrival {
        let came = Instant::now();
        let enter = |now: &mut AtTheApi| now.let_in(&brings, Concern::Perhaps);
        let number = match self.wait_for(PATIENCE, enter).await {
            Some(number) => number,
            None => self.at_once(|now| {
                now.let_go_of_ends(&brings);
                now.let_in(&brings, Concern::Surely).expect("nothing is left that surely concerns it")
            }),
        };
        Arrival { all: self.clone(), number, patience: PATIENCE.saturating_sub(came.elapsed()), stray: None }
    }

    /// The end of this; `None` while a sign-in is under way that is to be minded.
    pub(super) async fn end(&self, end: &End, minding: Minding) -> Option<Ending> {
        let number = self.wait_for(PATIENCE, |now| now.let_end_in(end, minding)).await?;
        Some(Ending { all: self.clone(), number })
    }

    /// Whom what is named so in the store minds by now.
    pub(super) fn minding(&self, name: i64, now: Timestamp) -> Minding {
        let since = self.0.borrow().waiting.get(&name).copied();
        match since.is_some_and(|since| now.since(since) >= MINDS_STRANGERS) {
            true => Minding::ItsOwn,
            false => Minding::Strangers,
        }
    }

    /// It waits from now on, or did before.
    pub(super) fn waits(&self, name: i64, now: Timestamp) {
        self.at_once(|at_the_api| {
            let since = at_the_api.waiting.entry(name).or_insert(now);
            // The clock may be set back.
            *since = now.min(*since);
        });
    }

    /// It waits no longer.
    pub(super) fn waits_no_longer(&self, name: i64) {
        self.at_once(|now| {
            now.waiting.remove(&name);
        });
    }

    fn at_once<T>(&self, change: impl FnOnce(&mut AtTheApi) -> T) -> T {
        let mut changed = None;
        self.0.send_modify(|now| changed = Some(change(now)));
        changed.expect("it was called")
    }

    /// What this comes to as soon as it does.
    async fn wait_for<T>(
        &self,
        patience: Duration,
        mut attempt: impl FnMut(&mut AtTheApi) -> Option<T>,
    ) -> Option<T> {
        let mut changes = self.0.subscribe();
        let coming = async {
            loop {
                let mut came_to = None;
                self.0.send_if_modified(|now| {
                    came_to = attempt(now);
                    came_to.is_some()
                });
                if came_to.is_some() || changes.changed().await.is_err() {
                    return came_to;
                }
            }
        };
        timeout(patience, coming).await.ok().flatten()
    }
}

impl AtTheApi {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// A sign-in, unless an end is under way that concerns it so much; it is beside the others.
    fn let_in(&mut self, brings: &Brings, unless: Concern) -> Option<u64> {
        let is_in_the_way = |end: &End| brings.concern(end) >= unless;
        if self.ends.values().any(is_in_the_way) {
            return None;
        }
        let concerns = self.ends.iter().filter(|(_, end)| brings.concern(end) == Concern::Perhaps);
        let beside = concerns.map(|(number, end)| (*number, end.clone())).collect();
        let number = self.next();
        self.sign_ins.insert(number, SignIn { brings: brings.clone(), beside });
        Some(number)
    }

    fn let_end_in(&mut self, end: &End, minding: Minding) -> Option<u64> {
        let unless = if minding == Minding::Strangers { Concern::Perhaps } else { Concern::Surely };
        if self.sign_ins.values().any(|sign_in| sign_in.brings.concern(end) >= unless) {
            return None;
        }
        let number = self.next();
        for sign_in in self.sign_ins.values_mut() {
            if sign_in.brings.concern(end) == Concern::Perhaps {
                sign_in.beside.insert(number, end.clone());
            }
        }
        self.ends.insert(number, end.clone());
        Some(number)
    }

    /// Whatever is being ended of this is let go.
    fn let_go_of_ends(&mut self, brings: &Brings) {
        let let_go: Vec<_> =
            self.ends.extract_if(.., |_, end| brings.concern(end) == Concern::Surely).collect();
        for sign_in in self.sign_ins.values_mut() {
            let_go.iter().for_each(|(number, _)| drop(sign_in.beside.remove(number)));
        }
    }
}

impl Arrival {
    /// Tells what it brings: nothing else concerns it from now on. What is being ended of that is over by then, or let go;
    /// answers whether the API ended some of it, or may have, while nobody knew that it would be brought.
    pub(in crate::credentials) async fn brings(&self, tokens: Tokens) -> bool {
        let (brings, number) = (Brings::These(tokens), self.number);
        self.all.at_once(|now| {
            if let Some(sign_in) = now.sign_ins.get_mut(&number) {
                sign_in.brings = brings.clone();
            }
        });
        let is_free = |now: &mut AtTheApi| {
            let concerns = |end: &End| brings.concern(end) == Concern::Surely;
            (!now.ends.values().any(concerns)).then_some(())
        };
        if self.all.wait_for(self.patience, is_free).await.is_none() {
            self.all.at_once(|now| now.let_go_of_ends(&brings));
        }
        let now = self.all.0.borrow();
        let concerns = |end: &End| brings.concern(end) == Concern::Surely;
        now.sign_ins.get(&number).is_some_and(|sign_in| sign_in.beside.values().any(concerns))
    }

    /// A record holds the tokens once this is committed; until then they are arriving.
    pub(in crate::credentials) fn claim(
        self: Arc<Self>,
        transaction: &Transaction<'_>,
    ) -> Result<(), CredentialsError> {
        if let Some(stray) = self.stray
            && !transaction.claim_stray(stray)?
        {
            return Err(CredentialsError::GivenUp);
        }
        transaction.after_commit(move || drop(self));
        Ok(())
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.all.at_once(|now| drop(now.sign_ins.remove(&self.number)));
    }
}

impl Ending {
    /// Whether somebody signs in for the same who waited for it long enough: what is not asked by then would end what that
    /// brings.
    pub(super) fn is_let_go(&self) -> bool {
        self.is_not_among(&self.all.0.borrow())
    }

    fn is_not_among(&self, now: &AtTheApi) -> bool {
        !now.ends.contains_key(&self.number)
    }

    /// What comes of asking the API; `None` once it is let go.
    pub(super) async fn ask<T>(self, asking: impl Future<Output = T>) -> Option<T> {
        let mut changes = self.all.0.subscribe();
        tokio::select! {
            biased;
            _ = changes.wait_for(|now| self.is_not_among(now)) => None,
            answer = asking => Some(answer),
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.all.at_once(|now| drop(now.ends.remove(&self.number)));
    }
}
