//! Accepted work: what still has to reach a job or a webhook.

use std::sync::Arc;

use rusqlite::Row;

use crate::ambient::Timestamp;
use crate::memory::weight;
use crate::message::{DeliveryId, DeviceUuid, Done, Route};
use crate::store::columns::Count;
use crate::store::{StoreError, Transaction, View};

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// The gateway itself runs a job.
    Job = 0,
    /// A webhook is called.
    Webhook = 1,
}

impl Work {
    /// `job` or `webhook`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Webhook => "webhook",
        }
    }
}

/// Work to be accepted.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Its name for ever.
    pub id: DeliveryId,
    /// Who does it.
    pub work: Work,
    /// The device that receives: the service device, or the owner of the webhook.
    pub device: DeviceUuid,
    /// `message.received`.
    pub event: String,
    /// The route as JSON text, where there is one.
    pub route: Option<String>,
    /// The webhook as JSON text; its member `host` tells what is called apart from what else is, and its member `hook`
    /// the address from the device's others.
    pub target: Option<String>,
    /// What is delivered, as JSON text.
    pub body: String,
}

impl NewDelivery {
    /// From the first seven of [`COLUMNS`].
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            work: row.get(1)?,
            device: row.get(2)?,
            event: row.get(3)?,
            route: row.get(4)?,
            target: row.get(5)?,
            body: row.get(6)?,
        })
    }

    /// The user device whose message it is, where its route names one; of a call of another webhook, whoever sent.
    pub(super) fn user_device(&self) -> Option<DeviceUuid> {
        let route: Route = serde_json::from_str(self.route.as_deref()?).ok()?;
        match (route.parties(&self.device), self.work) {
            (Ok(parties), _) => Some(parties.user_device),
            (Err(_), Work::Job) => None,
            (Err(_), Work::Webhook) => Some(route.hops().first()?.from.clone()),
        }
    }

    /// What its job takes in memory, in bytes; nothing where it is small. A call takes its text alone.
    pub(super) fn weight(&self) -> i64 {
        match self.work {
            Work::Job => weight::of_message(self.body.as_bytes()) as i64,
            Work::Webhook => 0,
        }
    }
}

/// Work that was accepted and has no outcome yet.
#[derive(Clone, Debug)]
pub struct QueuedDelivery {
    /// What was accepted.
    pub new: NewDelivery,
    /// The user device whose message it is, or whoever sent; an empty name where nobody knows it.
    pub user_device: DeviceUuid,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether a job may already have changed something outside: then it must not run again.
    pub call_started: bool,
    /// What is written down of its reply.
    pub reply: WrittenReply,
    /// Since when its webhook has been missed; nothing where it was there when it was last looked for.
    pub missing_since: Option<Timestamp>,
}

/// A reply that is about to leave for a bus elsewhere. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LeavingReply {
    /// The message, as JSON text.
    pub text: Arc<str>,
    /// Whether the job was done.
    pub done: Done,
}

/// What is written down of the reply to a delivery that has no outcome yet.
#[derive(Clone, Debug)]
pub enum WrittenReply {
    /// Nothing.
    None,
    /// It may already have left for a bus elsewhere: then nothing more is sent.
    MayHaveLeft,
    /// It was given up, and is to be sent now; the job is not run again.
    ToBeSent(LeavingReply),
}

impl QueuedDelivery {
    /// Work that just came.
    pub(in crate::store) fn first(new: NewDelivery, accepted_at: Timestamp) -> Self {
        Self {
            new,
            user_device: "".into(),
            accepted_at,
            attempts: 0,
            call_started: false,
            reply: WrittenReply::None,
            missing_since: None,
        }
    }
}

/// What there is of work that was accepted, whether it waits or was given up.
pub(super) const COLUMNS: &str = "id, work, device, event, route, target,
    coalesce((SELECT text FROM bodies WHERE bodies.seq = shared), body), accepted_at, attempts";

impl View<'_> {
    /// The work at this place of the queue.
    ///
    /// # Errors
    /// What the database reports.
    pub(in crate::store) fn queued(&self, seq: i64) -> Result<Option<QueuedDelivery>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, call_started, resend, reply, done, missing_since, coalesce(user_device, '')
             FROM deliveries WHERE seq = ?1"
        );
        self.first(&sql, [seq], queued_delivery)
    }

    /// Whether a job of this id waits or is worked on.
    ///
    /// # Errors
    /// What the database reports.
    pub fn is_queued(&self, id: &DeliveryId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM deliveries WHERE work = 0 AND id = ?1";
        self.has(sql, [id])
    }

    /// Whether a job waits or runs whose message came by this user device.
    ///
    /// # Errors
    /// What the database reports.
    pub fn has_job_of(&self, user_device: &DeviceUuid) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM deliveries WHERE work = 0 AND instr(route, ?1) > 0 LIMIT 1";
        self.has(sql, [user_device])
    }

    /// When the next work that is not due yet becomes due, as far as the clock goes on as it does.
    ///
    /// # Errors
    /// What the database reports.
    pub(in crate::store) fn next_due(
        &self,
        work: Work,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(due_at) FROM deliveries WHERE work = ?1 AND due_at > ?2";
        self.value(sql, (work, now))
    }

    /// Whose work of this kind waits longest, if any does.
    ///
    /// # Errors
    /// What the database reports.
    pub fn waiting_for(&self, work: Work) -> Result<Option<DeviceUuid>, StoreError> {
        let sql = "SELECT device FROM deliveries WHERE work = ?1 ORDER BY due_at, seq LIMIT 1";
        self.first(sql, [work], |row| row.get(0))
    }

    /// How much work of this kind waits.
    ///
    /// # Errors
    /// What the database reports.
    pub fn waiting(&self, work: Work) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM deliveries WHERE work = ?1";
        self.value(sql, [work]).map(|Count(waiting)| waiting)
    }
}

/// What tells that work was put off by a clock that was ahead: one of these.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Ahead {
    /// It was accepted after that.
    pub(in crate::store) accepted_after: Timestamp,
    /// It is due after that.
    pub(in crate::store) due_after: Timestamp,
}

impl Transaction<'_> {
    /// Accepts work, due at once; answers its place in the queue.
    ///
    /// # Errors
    /// [`StoreError::Full`] before the file is, unless this transaction ends other work; else what the database reports.
    pub fn accept(&self, new: &NewDelivery, now: Timestamp) -> Result<i64, StoreError> {
        self.accept_replied(new, now, None)
    }

    /// The same of work whose reply is about to leave, or has left.
    pub(in crate::store) fn accept_replied(
        &self,
        new: &NewDelivery,
        now: Timestamp,
        reply: Option<&LeavingReply>,
    ) -> Result<i64, StoreError> {
        self.check_room()?;
        if reply.is_some() {
            self.use_reserve();
        }
        let sql = "INSERT INTO deliveries (id, work, device, event, route, target, body, accepted_at, due_at, reply, done,
                                           user_device, weight)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11, ?12)";
        let values = (
            &new.id,
            new.work,
            &new.device,
            &new.event,
            &new.route,
            &new.target,
            &new.body,
            now,
            reply.map(|reply| &reply.text),
            reply.map(|reply| reply.done),
            new.user_device(),
            new.weight(),
        );
        self.execute(sql, values)?;
        Ok(self.last_insert_rowid())
    }

    /// Puts work off until `due_at` after an attempt that failed.
    ///
    /// # Errors
    /// What the database reports.
    pub fn postpone(&self, seq: i64, due_at: Timestamp) -> Result<(), StoreError> {
        let sql =
            "UPDATE deliveries SET attempts = attempts + 1, due_at = ?2, missing_since = NULL WHERE seq = ?1";
        self.execute(sql, (seq, due_at))
    }

    /// Puts work off until `due_at` whose webhook has been missed since then: that is no attempt.
    ///
    /// # Errors
    /// What the database reports.
    pub fn await_webhook(&self, seq: i64, since: Timestamp, due_at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE deliveries SET missing_since = ?2, due_at = ?3 WHERE seq = ?1";
        self.execute(sql, (seq, since, due_at))
    }

    /// Puts another webhook in the place of the one that work was for.
    ///
    /// # Errors
    /// What the database reports.
    pub fn lead_to(&self, seq: i64, target: &str) -> Result<(), StoreError> {
        let sql = "UPDATE deliveries SET target = ?2, missing_since = NULL WHERE seq = ?1";
        self.execute(sql, (seq, target))
    }

    /// Makes work due now that was put off by a clock that was set back since; answers how much.
    ///
    /// # Errors
    /// What the database reports.
    pub(in crate::store) fn hasten(
        &self,
        work: Work,
        by: Ahead,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let sql = "UPDATE deliveries SET due_at = ?2
                   WHERE work = ?1 AND due_at > ?2 AND (accepted_at > ?3 OR due_at > ?4)";
        let Ahead { accepted_after, due_after } = by;
        let hastened = self.change(sql, (work, now, accepted_after, due_after))?;
        let sql = "UPDATE turns SET due_at = min(due_at, ?1), had_at = ?1 WHERE had_at > ?1";
        self.execute(sql, [now])?;
        Ok(hastened)
    }

    /// Notes that a job is about to change something outside.
    ///
    /// # Errors
    /// [`StoreError::Undone`] where the work has ended; else what the database reports.
    pub fn start_call(&self, seq: i64) -> Result<(), StoreError> {
        match self.change("UPDATE deliveries SET call_started = 1 WHERE seq = ?1", [seq])? {
            0 => Err(StoreError::Undone),
            _ => Ok(()),
        }
    }

    /// Writes down the reply that is about to leave for a bus elsewhere, where nobody can tell later whether it
    /// arrived; answers whether the work had not ended before. What this transaction does may use the room that is kept
    /// free for endings.
    ///
    /// # Errors
    /// What the database reports.
    pub(in crate::store) fn start_reply(&self, seq: i64, reply: &LeavingReply) -> Result<bool, StoreError> {
        self.use_reserve();
        let sql = "UPDATE deliveries SET reply = ?2, done = ?3, resend = 0 WHERE seq = ?1";
        Ok(self.change(sql, (seq, &reply.text, reply.done))? > 0)
    }

    /// Takes work out of the queue; answers whether it was still there. Its outcome commits with this. What this
    /// transaction does from here on may use the room that is kept free for endings.
    ///
    /// # Errors
    /// What the database reports.
    pub fn finish(&self, seq: i64) -> Result<bool, StoreError> {
        let found = self.change("DELETE FROM deliveries WHERE seq = ?1", [seq])? > 0;
        if found {
            self.use_reserve();
        }
        Ok(found)
    }
}

fn queued_delivery(row: &Row<'_>) -> rusqlite::Result<QueuedDelivery> {
    Ok(QueuedDelivery {
        new: NewDelivery::read(row)?,
        user_device: row.get(14)?,
        accepted_at: row.get(7)?,
        attempts: row.get(8)?,
        call_started: row.get(9)?,
        reply: written_reply(row, 10)?,
        missing_since: row.get(13)?,
    })
}

/// Reads the columns `resend, reply, done`, the first of which is at `at`.
fn written_reply(row: &Row<'_>, at: usize) -> rusqlite::Result<WrittenReply> {
    let (resend, text) = (row.get::<_, bool>(at)?, row.get::<_, Option<Arc<str>>>(at + 1)?);
    Ok(match text {
        None => WrittenReply::None,
        Some(text) if resend => {
            let done = row.get::<_, Option<_>>(at + 2)?.unwrap_or(Done::Unknown);
            WrittenReply::ToBeSent(LeavingReply { text, done })
        }
        Some(_) => WrittenReply::MayHaveLeft,
    })
}
