//! Hands out calls of webhooks that are due, each in its turn, as whoever makes them has room.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::due_at_webhooks::Free;
use super::feed::Found;
use super::handed::{Desk, admitted};
use super::{Feed, Handed, LineKey, StoreError, View, WebhookKey};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;

/// What gets no call for now, and who had one.
#[derive(Debug, Default)]
pub struct PassedOver {
    /// Hosts, host and port of each.
    hosts: HashSet<String>,
    /// All hosts but these, where that is said.
    only: Option<HashSet<String>>,
    webhooks: HashSet<String>,
    lines: HashSet<String>,
    /// Which call it was that each host, webhook and line had last, of those that have one in hand.
    last_calls: HashMap<String, u64>,
    /// When to look again although the bell was not rung; the bell is rung for every other change.
    again_in: Option<Duration>,
}

impl PassedOver {
    /// These hosts, host and port of each, and all but those of `only`, where that is said, for `again_in` at least where no
    /// bell is rung.
    pub fn of_hosts(
        hosts: HashSet<String>,
        only: Option<HashSet<String>>,
        again_in: Option<Duration>,
    ) -> Self {
        Self { hosts, only, again_in, ..Self::default() }
    }

    /// This webhook too, for so long.
    pub fn rests(&mut self, webhook: &WebhookKey, left: Duration) {
        self.webhooks.insert(webhook.text());
        self.again_in = self.again_in.into_iter().chain([left]).min();
    }

    /// This line too.
    pub fn has_its_share(&mut self, line: &LineKey) {
        self.lines.insert(line.text());
    }

    /// This line had its turn with this call, which it has in hand, the later the higher, and so had its webhook and the host of
    /// that: they stand behind all who have none in hand.
    pub fn has_had_a_turn(&mut self, line: &LineKey, call: u64) {
        for who in [line.text(), line.webhook.text(), line.webhook.host.clone()] {
            let last = self.last_calls.entry(who).or_default();
            *last = call.max(*last);
        }
    }

    /// Whether anything is passed over.
    pub fn is_something(&self) -> bool {
        let some = [&self.hosts, &self.webhooks, &self.lines];
        self.only.is_some() || some.iter().any(|some| !some.is_empty())
    }

    pub(super) fn has_host(&self, host: &str) -> bool {
        self.hosts.contains(host) || self.only.as_ref().is_some_and(|only| !only.contains(host))
    }

    pub(super) fn has_webhook(&self, webhook: &str) -> bool {
        self.webhooks.contains(webhook)
    }

    pub(super) fn has_line(&self, line: &str) -> bool {
        self.lines.contains(line)
    }

    pub(super) fn last_call_of(&self, who: &str) -> Option<u64> {
        self.last_calls.get(who).copied()
    }
}

impl Feed {
    /// As [`Feed::next_jobs`] for calls of webhooks, but passes over those of the hosts, webhooks and lines `but`. The device that
    /// `admit` gives a permit for is that whose webhook it is.
    ///
    /// # Errors
    /// As [`Feed::next_jobs`].
    pub async fn next_calls<P, A>(
        &self,
        most: usize,
        but: impl Fn() -> PassedOver,
        admit: A,
    ) -> Result<Vec<Handed<P>>, StoreError>
    where
        P: Send + 'static,
        A: Fn(&DeviceUuid, usize) -> Option<P> + Clone + Send + 'static,
    {
        loop {
            let rung = self.bell.notified();
            // One moment for both: what becomes due between two would be seen by neither.
            let now = self.now().await?;
            let but = but();
            let again_in = but.again_in;
            let due_in = match self.take_calls(Asked { most, but, now }, admit.clone()).await? {
                Found::Now(handed) => return Ok(handed),
                Found::In(wait) => Some(wait),
                Found::Unknown => None,
            };
            match due_in.into_iter().chain(again_in).min() {
                Some(wait) => {
                    let _ = tokio::time::timeout(wait, rung).await;
                }
                None => rung.await,
            }
        }
    }

    async fn take_calls<P, A>(
        &self,
        Asked { most, but, now }: Asked,
        admit: A,
    ) -> Result<Found<Handed<P>>, StoreError>
    where
        P: Send + 'static,
        A: Fn(&DeviceUuid, usize) -> Option<P> + Send + 'static,
    {
        let _turn = self.turn.lock().await;
        let (in_flight, awaited) = (self.in_flight.clone(), self.awaited.all().clone());
        let look = move |view: &View<'_>| {
            // Before the first read, which fixes the moment that is seen: what is not busy any more has ended by then.
            let busy = in_flight.all().clone();
            let free = Free { but: &but, in_hand: &busy, awaited: &awaited, now, limit: most };
            let due = view.due_at_webhooks(free)?;
            let seen = admitted(view, due, most, Desk { awaited: &awaited, admit: &admit })?;
            let next = if seen.is_empty() { view.next_due_at_webhooks(now)? } else { None };
            Ok((seen, next))
        };
        let (seen, next) = self.store.read::<_, StoreError, _>(look).await?;
        if seen.is_empty() {
            return Ok(next.map_or(Found::Unknown, |due| Found::In(due.since(now))));
        }
        Ok(Found::Now(self.hand_out(seen)))
    }
}

/// What one look is to find.
struct Asked {
    most: usize,
    but: PassedOver,
    now: Timestamp,
}
