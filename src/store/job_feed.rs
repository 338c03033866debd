//! Hands out jobs that are due, each user device in its turn, as whoever takes them has room.

use super::feed::Found;
use super::handed::{Desk, Waiting, admitted};
use super::job_lines::Wanted;
use super::{Feed, Handed, StoreError, View, Work};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;

impl Feed {
    /// Waits until there are jobs that are due and takes at most `most` of them: of each line one and then the next of each,
    /// and of a line the oldest first. `admit` gives a permit for what a job of a device takes which needs so many bytes of
    /// memory; nothing of one is read before.
    ///
    /// # Errors
    /// What the store reports; the feed can be asked again.
    pub async fn next_jobs<P, A>(&self, most: usize, admit: A) -> Result<Vec<Handed<P>>, StoreError>
    where
        P: Send + 'static,
        A: Fn(&DeviceUuid, usize) -> Option<P> + Clone + Send + 'static,
    {
        loop {
            let rung = self.bell.notified();
            let now = self.now().await?;
            match self.take_jobs(most, admit.clone(), now).await? {
                Found::Now(due) => return Ok(due),
                Found::In(wait) => drop(tokio::time::timeout(wait, rung).await),
                Found::Unknown => rung.await,
            }
        }
    }

    async fn take_jobs<P, A>(
        &self,
        most: usize,
        admit: A,
        now: Timestamp,
    ) -> Result<Found<Handed<P>>, StoreError>
    where
        P: Send + 'static,
        A: Fn(&DeviceUuid, usize) -> Option<P> + Send + 'static,
    {
        let mut last_line = self.turn.lock().await;
        let (after, in_flight, awaited) =
            (last_line.clone(), self.in_flight.clone(), self.awaited.all().clone());
        let look = move |view: &View<'_>| {
            // Before the first read, which fixes the moment that is seen: what is not busy any more has ended by then.
            let busy = in_flight.all().clone();
            let wanted = Wanted { after: &after, now, busy: &busy, awaited: &awaited, most };
            let lines = view.due_lines(&wanted)?;
            let last = lines.last().and_then(|line| line.first()).map(|waiting| waiting.line.clone());
            let seen = admitted(view, in_turn(&lines), most, Desk { awaited: &awaited, admit: &admit })?;
            let next = if seen.is_empty() { view.next_due(Work::Job, now)? } else { None };
            Ok((seen, last, next))
        };
        let (seen, last, next) = self.store.read::<_, StoreError, _>(look).await?;
        if let Some(last) = last {
            *last_line = last;
        }
        if seen.is_empty() {
            return Ok(next.map_or(Found::Unknown, |due| Found::In(due.since(now))));
        }
        Ok(Found::Now(self.hand_out(seen)))
    }
}

/// Of each line one, and then the next of each.
fn in_turn(lines: &[Vec<Waiting>]) -> impl Iterator<Item = Waiting> {
    let longest = lines.iter().map(Vec::len).max().unwrap_or_default();
    (0..longest).flat_map(move |place| lines.iter().filter_map(move |line| line.get(place).cloned()))
}
