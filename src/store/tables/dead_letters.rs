//! Dead letters: work that was given up, which can be seen and replayed.

use rusqlite::Row;

use super::deliveries::COLUMNS;
use crate::ambient::Timestamp;
use crate::message::{DeliveryId, DeviceUuid};
use crate::store::columns::Count;
use crate::store::{Fate, NewDelivery, StoreError, Transaction, View, Work};

/// What the list of dead letters says of one.
#[derive(Clone, Debug)]
pub struct DeadLetterEntry {
    /// Names its place in the list.
    pub seq: i64,
    /// The name of the work for ever.
    pub id: DeliveryId,
    /// Who did it.
    pub work: Work,
    /// The device that was to receive.
    pub device: DeviceUuid,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub died_at: Timestamp,
    /// Why; fixed texts only.
    pub reason: String,
    /// Whether there is a reply that was to be sent.
    pub is_answered: bool,
}

/// Work that was given up.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Names its place in the list of them.
    pub seq: i64,
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
    /// The status that whoever brought it was told, where somebody was.
    pub code: Option<u16>,
    /// What else is known of it.
    pub fate: Fate,
}

/// Why work is given up.
#[derive(Clone, Debug)]
pub struct Death<'a> {
    /// When.
    pub died_at: Timestamp,
    /// Why; a fixed text.
    pub reason: &'a str,
    /// The status that whoever brought it is told, where somebody is.
    pub code: Option<u16>,
    /// What else is known of it.
    pub fate: Fate,
}

impl DeadLetter {
    /// What the list says of it.
    pub fn entry(&self) -> DeadLetterEntry {
        DeadLetterEntry {
            seq: self.seq,
            id: self.delivery.id.clone(),
            work: self.delivery.work,
            device: self.delivery.device.clone(),
            attempts: self.attempts,
            died_at: self.died_at,
            reason: self.reason.clone(),
            is_answered: self.reply.is_some(),
        }
    }
}

impl<'a> Death<'a> {
    /// A death for this reason, of which nothing else is known.
    pub fn of(reason: &'a str, died_at: Timestamp) -> Self {
        Self { died_at, reason, code: None, fate: Fate::default() }
    }
}

/// What a dead letter and work in the queue have alike, as it is kept.
const KEPT: &str = "id, work, device, event, route, target, body, accepted_at, reply, shared";

impl View<'_> {
    /// The list of dead letters from behind this [`DeadLetterEntry::seq`] on, or from its beginning: newest first, at most
    /// `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn dead_letters(
        &self,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeadLetterEntry>, StoreError> {
        let sql =
            "SELECT seq, id, work, device, attempts, died_at, reason, reply IS NOT NULL FROM dead_letters
                   WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2";
        self.all(sql, (before.unwrap_or(i64::MAX), limit as i64), entry)
    }

    /// How many dead letters there are.
    ///
    /// # Errors
    /// What the database reports.
    pub fn given_up(&self) -> Result<u64, StoreError> {
        self.value("SELECT count(*) FROM dead_letters", ()).map(|Count(letters)| letters)
    }

    /// One dead letter.
    ///
    /// # Errors
    /// What the database reports.
    pub fn dead_letter(&self, id: &DeliveryId) -> Result<Option<DeadLetter>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, died_at, reason, reply, code, done, refusal, seq FROM dead_letters WHERE id = ?1"
        );
        self.first(&sql, [id], dead_letter)
    }
}

impl Transaction<'_> {
    /// Gives work up: it leaves the queue and can be seen and replayed. Whether the job was done is taken from the reply
    /// that was about to leave, where nothing better is known.
    ///
    /// # Errors
    /// What the database reports.
    pub fn give_up(&self, seq: i64, death: &Death<'_>) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO dead_letters ({KEPT}, attempts, died_at, reason, code, done, refusal)
             SELECT {KEPT}, attempts, ?2, ?3, ?4, coalesce(?5, done), ?6 FROM deliveries WHERE seq = ?1"
        );
        let Fate { done, refusal } = &death.fate;
        self.execute(&sql, (seq, death.died_at, death.reason, death.code, done, refusal))?;
        self.finish(seq).map(drop)
    }

    /// Puts a dead letter back into the queue under its old id, into the line that it waited in; answers which it was, if there
    /// was one. Where it has a reply, that is sent, and the job is not run again.
    ///
    /// # Errors
    /// What the database reports.
    pub fn replay(&self, id: &DeliveryId, now: Timestamp) -> Result<Option<DeadLetter>, StoreError> {
        let Some(letter) = self.dead_letter(id)? else { return Ok(None) };
        let sql = format!(
            "INSERT INTO deliveries ({KEPT}, due_at, done, resend, user_device, weight)
             SELECT {KEPT}, ?2, done, reply IS NOT NULL, ?3,
                    coalesce((SELECT octet_length(text) FROM bodies WHERE bodies.seq = shared), ?4)
             FROM dead_letters WHERE id = ?1"
        );
        self.execute(&sql, (id, now, letter.delivery.user_device(), letter.delivery.weight()))?;
        self.forget_dead_letter(id)?;
        Ok(Some(letter))
    }

    /// Forgets one dead letter: somebody goes on with the work in another way.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_dead_letter(&self, id: &DeliveryId) -> Result<(), StoreError> {
        self.execute("DELETE FROM dead_letters WHERE id = ?1", [id])
    }

    /// Forgets dead letters that died before `before` or are not among the newest `keep`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_dead_letters(&self, before: Timestamp, keep: u64) -> Result<(), StoreError> {
        let sql = "DELETE FROM dead_letters WHERE died_at < ?1
                   OR seq <= (SELECT seq FROM dead_letters ORDER BY seq DESC LIMIT 1 OFFSET ?2)";
        self.execute(sql, (before, Count(keep)))
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<DeadLetterEntry> {
    Ok(DeadLetterEntry {
        seq: row.get(0)?,
        id: row.get(1)?,
        work: row.get(2)?,
        device: row.get(3)?,
        attempts: row.get(4)?,
        died_at: row.get(5)?,
        reason: row.get(6)?,
        is_answered: row.get(7)?,
    })
}

fn dead_letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    Ok(DeadLetter {
        delivery: NewDelivery::read(row)?,
        accepted_at: row.get(7)?,
        attempts: row.get(8)?,
        died_at: row.get(9)?,
        reason: row.get(10)?,
        reply: row.get(11)?,
        code: row.get(12)?,
        fate: Fate::of(row, 13)?,
        seq: row.get(15)?,
    })
}
