//! Accepted work: what still has to reach a job or a webhook, and what never did.

use rusqlite::{OptionalExtension, Row};
use serde_json::json;

use super::{Fate, PassedOver, StoreError, Transaction, View};
use crate::ambient::Timestamp;
use crate::message::{DeliveryId, DeviceUuid};

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// The gateway itself runs a job.
    Job,
    /// A webhook is called.
    Webhook,
}

impl Work {
    const fn code(self) -> i64 {
        match self {
            Self::Job => 0,
            Self::Webhook => 1,
        }
    }

    const fn of(code: i64) -> Self {
        if code == 0 { Self::Job } else { Self::Webhook }
    }

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

/// Work that was accepted and has no outcome yet.
#[derive(Clone, Debug)]
pub struct QueuedDelivery {
    /// What was accepted.
    pub new: NewDelivery,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether a job may already have changed something outside: then it must not run again.
    pub call_started: bool,
    /// Whether a reply may already have left for a bus elsewhere: then nothing more is sent.
    pub reply_started: bool,
}

impl QueuedDelivery {
    /// Work that just came.
    pub(super) fn first(new: NewDelivery, accepted_at: Timestamp) -> Self {
        Self { new, accepted_at, attempts: 0, call_started: false, reply_started: false }
    }
}

/// Work that was given up.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// What was accepted.
    pub delivery: NewDelivery,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub died_at: Timestamp,
    /// Why; fixed texts only.
    pub reason: String,
    /// The reply that was to be sent, as JSON text, where there was one.
    pub reply: Option<String>,
    /// What else is known of it.
    pub fate: Fate,
}

const COLUMNS: &str = "id, work, device, event, route, target, body, accepted_at, attempts";

impl View<'_> {
    /// The places of work that is due, oldest first, at most `limit`; none for the hosts and webhooks `but`.
    ///
    /// # Errors
    /// What the database reports.
    pub(super) fn due(
        &self,
        (work, but): (Work, &PassedOver),
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT seq FROM deliveries WHERE work = ?1 AND due_at <= ?2
                   AND (?4 = '[]' OR coalesce(target ->> 'host', '') NOT IN (SELECT value FROM json_each(?4)))
                   AND (?5 = '[]'
                        OR device || coalesce(target ->> 'hook', '') NOT IN (SELECT value FROM json_each(?5)))
                   ORDER BY due_at, seq LIMIT ?3";
        let (hosts, hooks) = (json!(but.hosts).to_string(), json!(but.hooks).to_string());
        let mut statement = self.prepare(sql)?;
        let asked = (work.code(), now.as_millis(), limit as i64, hosts, hooks);
        let rows = statement.query_map(asked, |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The work at this place of the queue.
    ///
    /// # Errors
    /// What the database reports.
    pub(super) fn queued(&self, seq: i64) -> Result<Option<QueuedDelivery>, StoreError> {
        let sql = format!("SELECT {COLUMNS}, call_started, reply IS NOT NULL FROM deliveries WHERE seq = ?1");
        Ok(self.prepare(&sql)?.query_row([seq], queued_delivery).optional()?)
    }

    /// Whether a job of this id waits or is worked on.
    ///
    /// # Errors
    /// What the database reports.
    pub fn is_queued(&self, id: &DeliveryId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM deliveries WHERE work = 0 AND id = ?1";
        Ok(self.prepare(sql)?.query_row([id.as_str()], |_| Ok(())).optional()?.is_some())
    }

    /// When the next work that is not due yet becomes due, as far as the clock goes on as it does.
    ///
    /// # Errors
    /// What the database reports.
    pub(super) fn next_due(&self, work: Work, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(due_at) FROM deliveries WHERE work = ?1 AND due_at > ?2";
        let next: Option<i64> =
            self.prepare(sql)?.query_row((work.code(), now.as_millis()), |row| row.get(0))?;
        Ok(next.map(Timestamp::from_millis))
    }

    /// How much work of this kind waits.
    ///
    /// # Errors
    /// What the database reports.
    pub fn waiting(&self, work: Work) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM deliveries WHERE work = ?1";
        let count: i64 = self.prepare(sql)?.query_row([work.code()], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// The work that was given up, newest first, at most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, died_at, reason, reply, done, refusal FROM dead_letters ORDER BY seq DESC LIMIT ?1"
        );
        let mut statement = self.prepare(&sql)?;
        let rows = statement.query_map([limit as i64], dead_letter)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One dead letter.
    ///
    /// # Errors
    /// What the database reports.
    pub fn dead_letter(&self, id: &DeliveryId) -> Result<Option<DeadLetter>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, died_at, reason, reply, done, refusal FROM dead_letters WHERE id = ?1"
        );
        Ok(self.prepare(&sql)?.query_row([id.as_str()], dead_letter).optional()?)
    }
}

impl Transaction<'_> {
    /// Accepts work, due at once; answers its place in the queue.
    ///
    /// # Errors
    /// [`StoreError::Full`] before the file is, unless this transaction ends other work; else what the database reports.
    pub fn accept(&self, new: &NewDelivery, now: Timestamp) -> Result<i64, StoreError> {
        self.check_room()?;
        let sql = "INSERT INTO deliveries (id, work, device, event, route, target, body, accepted_at, due_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)";
        self.prepare(sql)?.execute((
            new.id.as_str(),
            new.work.code(),
            new.device.as_str(),
            &new.event,
            &new.route,
            &new.target,
            &new.body,
            now.as_millis(),
        ))?;
        Ok(self.last_insert_rowid())
    }

    /// Puts work off until `due_at` after an attempt that failed.
    ///
    /// # Errors
    /// What the database reports.
    pub fn postpone(&self, seq: i64, due_at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE deliveries SET attempts = attempts + 1, due_at = ?2 WHERE seq = ?1";
        self.prepare(sql)?.execute((seq, due_at.as_millis()))?;
        Ok(())
    }

    /// Makes put-off work due now that was accepted after `accepted_after`: for when the clock was set back.
    ///
    /// # Errors
    /// What the database reports.
    pub(super) fn hasten(
        &self,
        work: Work,
        (accepted_after, now): (Timestamp, Timestamp),
    ) -> Result<(), StoreError> {
        let sql = "UPDATE deliveries SET due_at = ?2 WHERE work = ?1 AND due_at > ?2 AND accepted_at > ?3";
        self.prepare(sql)?.execute((work.code(), now.as_millis(), accepted_after.as_millis()))?;
        Ok(())
    }

    /// Notes that a job is about to change something outside.
    ///
    /// # Errors
    /// [`StoreError::Undone`] where the work has ended; else what the database reports.
    pub fn start_call(&self, seq: i64) -> Result<(), StoreError> {
        match self.prepare("UPDATE deliveries SET call_started = 1 WHERE seq = ?1")?.execute([seq])? {
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
    pub fn start_reply(&self, seq: i64, reply: &str) -> Result<bool, StoreError> {
        self.use_reserve();
        Ok(self.prepare("UPDATE deliveries SET reply = ?2 WHERE seq = ?1")?.execute((seq, reply))? > 0)
    }

    /// Takes work out of the queue; answers whether it was still there. Its outcome commits with this. What this
    /// transaction does from here on may use the room that is kept free for endings.
    ///
    /// # Errors
    /// What the database reports.
    pub fn finish(&self, seq: i64) -> Result<bool, StoreError> {
        let found = self.prepare("DELETE FROM deliveries WHERE seq = ?1")?.execute([seq])? > 0;
        if found {
            self.use_reserve();
        }
        Ok(found)
    }

    /// Gives work up: it leaves the queue and can be seen and replayed.
    ///
    /// # Errors
    /// What the database reports.
    pub fn give_up(&self, seq: i64, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO dead_letters ({COLUMNS}, reply, died_at, reason)
             SELECT {COLUMNS}, reply, ?2, ?3 FROM deliveries WHERE seq = ?1"
        );
        self.prepare(&sql)?.execute((seq, now.as_millis(), reason))?;
        self.finish(seq)?;
        Ok(())
    }

    /// Notes what else is known of a dead letter.
    ///
    /// # Errors
    /// What the database reports.
    pub fn note_fate(&self, id: &DeliveryId, fate: &Fate) -> Result<(), StoreError> {
        let (done, refusal) = fate.values();
        let sql = "UPDATE dead_letters SET done = ?2, refusal = ?3 WHERE id = ?1";
        self.prepare(sql)?.execute((id.as_str(), done, refusal))?;
        Ok(())
    }

    /// Gives up what one webhook, told by its device and the member `hook` of its target, has had due since before
    /// `due_before`, oldest first; answers how much. A bounded number at a time, so that nobody waits.
    ///
    /// # Errors
    /// What the database reports.
    pub fn give_up_overdue(
        &self,
        ((device, hook), due_before): ((&DeviceUuid, &str), Timestamp),
        reason: &str,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        const AT_ONCE: usize = 32;
        let sql = "SELECT seq FROM deliveries WHERE work = ?1 AND due_at < ?2
                   AND device = ?3 AND coalesce(target ->> 'hook', '') = ?4 ORDER BY due_at, seq LIMIT ?5";
        let mut statement = self.prepare(sql)?;
        let due_before = due_before.as_millis();
        let of_hook = (Work::Webhook.code(), due_before, device.as_str(), hook, AT_ONCE as i64);
        let overdue: Vec<i64> = statement.query_map(of_hook, |row| row.get(0))?.collect::<Result<_, _>>()?;
        overdue.iter().try_for_each(|seq| self.give_up(*seq, reason, now))?;
        Ok(overdue.len())
    }

    /// Puts a dead letter back into the queue under its old id; answers whether there was one.
    ///
    /// # Errors
    /// What the database reports.
    pub fn replay(&self, id: &DeliveryId, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "INSERT INTO deliveries (id, work, device, event, route, target, body, accepted_at, due_at)
                   SELECT id, work, device, event, route, target, body, accepted_at, ?2
                   FROM dead_letters WHERE id = ?1";
        let found = self.prepare(sql)?.execute((id.as_str(), now.as_millis()))? > 0;
        self.prepare("DELETE FROM dead_letters WHERE id = ?1")?.execute([id.as_str()])?;
        Ok(found)
    }

    /// Forgets dead letters that died before `before` or are not among the newest `keep`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_dead_letters(&self, before: Timestamp, keep: u64) -> Result<(), StoreError> {
        let sql = "DELETE FROM dead_letters WHERE died_at < ?1
                   OR seq <= (SELECT seq FROM dead_letters ORDER BY seq DESC LIMIT 1 OFFSET ?2)";
        self.prepare(sql)?.execute((before.as_millis(), i64::try_from(keep).unwrap_or(i64::MAX)))?;
        Ok(())
    }
}

fn new_delivery(row: &Row<'_>) -> rusqlite::Result<NewDelivery> {
    Ok(NewDelivery {
        id: row.get::<_, String>(0)?.into(),
        work: Work::of(row.get(1)?),
        device: row.get::<_, String>(2)?.into(),
        event: row.get(3)?,
        route: row.get(4)?,
        target: row.get(5)?,
        body: row.get(6)?,
    })
}

fn queued_delivery(row: &Row<'_>) -> rusqlite::Result<QueuedDelivery> {
    Ok(QueuedDelivery {
        new: new_delivery(row)?,
        accepted_at: Timestamp::from_millis(row.get(7)?),
        attempts: row.get(8)?,
        call_started: row.get(9)?,
        reply_started: row.get(10)?,
    })
}

fn dead_letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    Ok(DeadLetter {
        delivery: new_delivery(row)?,
        accepted_at: Timestamp::from_millis(row.get(7)?),
        attempts: row.get(8)?,
        died_at: Timestamp::from_millis(row.get(9)?),
        reason: row.get(10)?,
        reply: row.get(11)?,
        fate: Fate::of(row, 12)?,
    })
}
