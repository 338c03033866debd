//! What remains to be done about what is over: the bus is told, and the API. What hangs, hangs alone.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::sleep;

use super::hindrance::{LONGEST, STILL_AT_IT};
use crate::ambient::{Look, Timestamp};
use crate::credentials::rounds::BETWEEN;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::store::{Due, StoreError, Transaction, View};
use crate::telemetry::with_causes;

/// How many queues of one kind are worked off at the same time.
const AT_ONCE: usize = 32;
/// How much is looked for at once.
const LOOKED_FOR: usize = 1000;
/// How long is left alone what erred.
const AFTER_ERROR: Duration = Duration::from_secs(60);

/// What follows from an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// A bus is told.
    Errand,
    /// The API is.
    Revocation,
}

/// What names that which is done one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Name {
    kind: Kind,
    queue: String,
}

/// What is due of one queue, by what names it in the store.
#[derive(Debug)]
struct Queue {
    name: Name,
    pieces: Vec<i64>,
}

/// The queues that are worked off, each by a task of its own: they go on while it is looked what else is due.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<()>,
    names: HashMap<Id, Name>,
}

impl UnderWay {
    /// Begins with this queue, unless somebody is at it, or too many others of its kind are worked off.
    fn begin(&mut self, devices: &CredentialsDevices, queue: Queue) {
        let name = queue.name.clone();
        let like_it = self.names.values().filter(|other| other.kind == name.kind);
        if like_it.count() < AT_ONCE && !self.names.values().any(|other| *other == name) {
            let devices = devices.clone();
            let task = self.tasks.spawn(async move { devices.work_off(queue).await });
            self.names.insert(task.id(), name);
        }
    }

    /// Waits until one is worked off; for ever where none is.
    async fn one_ends(&mut self) {
        let ended = match self.tasks.join_next_with_id().await {
            Some(ended) => ended,
            None => std::future::pending().await,
        };
        self.names.remove(&ended.map_or_else(|broken| broken.id(), |(id, ())| id));
    }
}

impl CredentialsDevices {
    /// Does what is due, again and again, until stopped. Nothing new is begun then, and the API is asked nothing more; what it or
    /// the bus was asked is waited for: nobody else would know what they answer to it.
    pub(in crate::credentials) async fn attend(self, mut stopped: watch::Receiver<bool>) {
        let mut under_way = UnderWay::default();
        let devices = self.until(stopped.clone());
        tokio::select! {
            // Fails where whoever says so is gone.
            _ = stopped.wait_for(|stop| *stop) => {}
            () = devices.keep_working(&mut under_way) => {}
        }
        while under_way.tasks.join_next().await.is_some() {}
    }

    async fn keep_working(&self, under_way: &mut UnderWay) {
        loop {
            self.note_uses().await;
            let waiting = self.what_is_due().await.unwrap_or_else(|error| {
                tracing::warn!(error = with_causes(&error), "what follows from a revocation waits");
                Vec::new()
            });
            waiting.into_iter().for_each(|queue| under_way.begin(self, queue));
            let pause = sleep(BETWEEN);
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = under_way.one_ends() => {}
                    () = self.aftermath.notified() => break,
                    () = &mut pause => break,
                }
            }
        }
    }

    /// Has everything be due that an earlier process left behind: strays of sign-ins that ended with it, and what the settings
    /// did not let it tell, which can be others now. Before anybody signs in here.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn resume(&self) -> Result<(), StoreError> {
        self.hasten(self.clock.now()).await
    }

    /// Does what is due now, and notes who used what.
    ///
    /// # Errors
    /// What the store reports; what is not done is done another time.
    pub async fn attend_once(&self) -> Result<(), CredentialsError> {
        self.note_uses().await;
        let waiting = self.what_is_due().await?;
        let working = stream::iter(waiting).map(|queue| self.work_off(queue));
        working.buffer_unordered(AT_ONCE).for_each(|_| std::future::ready(())).await;
        Ok(())
    }

    /// Notes in the store who used what so far. For the end of a gateway, once it works on nothing more; until then it is
    /// done by itself.
    pub async fn note_uses(&self) {
        if let Err(error) = self.uses.flush(&self.store).await {
            tracing::warn!(error = with_causes(&error), "some uses are not noted");
        }
    }

    async fn what_is_due(&self) -> Result<Vec<Queue>, StoreError> {
        let now = self.clock.now();
        self.mind_the_clock(now).await?;
        self.erase_what_is_over(now).await?;
        let look = move |view: &View<'_>| {
            Ok((view.due_errands(now, LOOKED_FOR)?, view.due_revocations(now, LOOKED_FOR)?))
        };
        let (errands, revocations) = self.store.read::<_, StoreError, _>(look).await?;
        let errands = errands.into_iter().map(|due| (Kind::Errand, due));
        let revocations = revocations.into_iter().map(|due| (Kind::Revocation, due));
        let (mut waiting, mut known) = (Vec::<Queue>::new(), HashMap::new());
        for (kind, Due { seq, queue }) in errands.chain(revocations) {
            let name = Name { kind, queue };
            let at = *known.entry(name.clone()).or_insert(waiting.len());
            if at == waiting.len() {
                waiting.push(Queue { name, pieces: Vec::new() });
            }
            waiting[at].pieces.push(seq);
        }
        Ok(waiting)
    }

    /// Erases the sealed copies whose day is over, before anything is asked again, and whatever others wait for.
    async fn erase_what_is_over(&self, now: Timestamp) -> Result<(), StoreError> {
        let look = move |view: &View<'_>| view.older_revocations(now.minus(LONGEST), now, LOOKED_FOR);
        let over = self.store.read::<_, StoreError, _>(look).await?;
        let erasing = stream::iter(over).map(|seq| self.do_piece(Kind::Revocation, seq));
        erasing.buffer_unordered(AT_ONCE).for_each(std::future::ready).await;
        Ok(())
    }

    /// One piece after the other, until it is stopped.
    async fn work_off(&self, Queue { name, pieces }: Queue) {
        for seq in pieces {
            if self.gate.pass().is_err() {
                return;
            }
            self.do_piece(name.kind, seq).await;
        }
    }

    async fn do_piece(&self, kind: Kind, seq: i64) {
        if let Err(error) = self.attend_to(kind, seq).await {
            tracing::warn!(error = with_causes(&error), "something that follows from a revocation waits");
            self.leave_for_later(kind, seq).await;
        }
    }

    async fn attend_to(&self, kind: Kind, seq: i64) -> Result<(), CredentialsError> {
        match kind {
            Kind::Errand => match self.store.read::<_, StoreError, _>(move |view| view.errand(seq)).await? {
                Some(errand) => self.run_errand(errand).await,
                None => Ok(()),
            },
            Kind::Revocation => self.tell_of(seq).await,
        }
    }

    /// So that what errs each time is not in the way of the rest.
    async fn leave_for_later(&self, kind: Kind, seq: i64) {
        let (devices, later) = (self.clone(), self.clock.now().plus(AFTER_ERROR));
        let leave = move |transaction: &Transaction<'_>| match kind {
            Kind::Errand => transaction.retry_errand(seq, later),
            Kind::Revocation => devices.leave_revocation(transaction, seq, later),
        };
        // Where the store fails in this as well, everything waits for it.
        let _ = self.store.write::<_, StoreError, _>(leave).await;
    }

    /// Has everything be due that waits, where the clock was set back since the last look.
    async fn mind_the_clock(&self, now: Timestamp) -> Result<(), StoreError> {
        if self.last_look.compare(now) == Look::SetBack {
            tracing::warn!("the clock was set back; what waits is done at once");
            self.hasten(now).await?;
        }
        self.last_look.note(now);
        Ok(())
    }

    /// Has everything be due by now that waits, but for what an API may be at.
    async fn hasten(&self, now: Timestamp) -> Result<(), StoreError> {
        let hasten = move |transaction: &Transaction<'_>| {
            transaction.hasten_errands(now)?;
            transaction.hasten_projections(now)?;
            transaction.hasten_revocations(now, now.plus(STILL_AT_IT))
        };
        self.store.write(hasten).await
    }
}
