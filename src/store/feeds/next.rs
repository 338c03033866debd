//! Hands out what is due as whoever takes it has room: jobs each user device in its turn, and calls each host, webhook and line.

use std::time::Duration;

use super::handed::{Wanted, admitted};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{Feed, Handed, PassedOver, StoreError, View, Work};

/// What one look at the queue finds: work that is due, or in what time there will be some as far as that is known.
enum Found<T> {
    Now(Vec<T>),
    Later(Option<Duration>),
}

impl Feed {
    /// Waits until there is work that is due and takes at most `most` pieces of it, but none of the hosts, webhooks and lines
    /// `but`: of each line one and then the next of each, and of a line the oldest first. `admit` gives a permit for what a piece
    /// takes of the device whose job it is, or whose webhook, and that needs so many bytes of memory; nothing of one is read before.
    ///
    /// # Errors
    /// What the store reports; the feed can be asked again.
    pub async fn next<P, A>(
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
            // One moment for all: what becomes due between two would be seen by neither.
            let now = self.now().await?;
            let but = but();
            let again_in = but.again_in;
            let due_in = match self.look(Asked { most, but, now }, admit.clone()).await? {
                Found::Now(handed) => return Ok(handed),
                Found::Later(due_in) => due_in,
            };
            match due_in.into_iter().chain(again_in).min() {
                Some(wait) => drop(tokio::time::timeout(wait, rung).await),
                None => rung.await,
            }
        }
    }

    async fn look<P, A>(
        &self,
        Asked { most, but, now }: Asked,
        admit: A,
    ) -> Result<Found<Handed<P>>, StoreError>
    where
        P: Send + 'static,
        A: Fn(&DeviceUuid, usize) -> Option<P> + Send + 'static,
    {
        let mut last_line = self.last_line.lock().await;
        let (work, mut last) = (self.work, last_line.clone());
        let (in_flight, awaited) = (self.in_flight.clone(), self.awaited.all().clone());
        let look = move |view: &View<'_>| {
            // Before the first read, which fixes the moment that is seen: what is not busy any more has ended by then.
            let in_hand = in_flight.all().clone();
            let wanted = Wanted { now, most, but: &but, in_hand: &in_hand, awaited: &awaited };
            let due = match work {
                Work::Job => view.due_jobs(wanted, &mut last)?,
                Work::Webhook => view.due_at_webhooks(wanted)?,
            };
            let seen = admitted(view, due, wanted, admit)?;
            let next = match work {
                _ if !seen.is_empty() => None,
                Work::Job => view.next_due(work, now)?,
                Work::Webhook => view.next_due_at_webhooks(now)?,
            };
            Ok((seen, last, next))
        };
        let (seen, last, next) = self.store.read::<_, StoreError, _>(look).await?;
        *last_line = last;
        Ok(match seen.is_empty() {
            true => Found::Later(next.map(|due| due.since(now))),
            false => Found::Now(self.hand_out(seen)),
        })
    }
}

/// What one look is to find.
struct Asked {
    most: usize,
    but: PassedOver,
    now: Timestamp,
}
