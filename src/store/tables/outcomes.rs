//! How work ended, with the reply that was sent; kept for a while, bounded in rows.

use crate::ambient::Timestamp;
use crate::message::DeliveryId;
use crate::store::columns::Count;
use crate::store::{Fate, StoreError, Transaction, View};

/// The way work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A job ran and its reply was handed to the bus.
    Replied,
    /// A failure was told to the sender.
    Failed,
    /// It failed, and there was nobody who could be told.
    Untold,
    /// A webhook took it.
    Delivered,
}

impl Ending {
    /// The word the store keeps.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replied => "replied",
            Self::Failed => "failed",
            Self::Untold => "untold",
            Self::Delivered => "delivered",
        }
    }

    /// The ending of this word.
    pub(in crate::store) fn of(word: &str) -> Option<Self> {
        [Self::Replied, Self::Failed, Self::Untold, Self::Delivered]
            .into_iter()
            .find(|ending| ending.as_str() == word)
    }
}

/// The one outcome of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// The code the sender got; of a webhook, the status that it was answered with.
    pub code: Option<u16>,
    /// The message the sender got, or would have got had the bus taken it, as JSON text.
    pub reply: Option<String>,
    /// What else is known.
    pub fate: Fate,
    /// When.
    pub ended_at: Timestamp,
}

impl Outcome {
    /// Whether a job's reply was handed to the bus.
    pub fn has_reply(&self) -> bool {
        self.ending == Ending::Replied
    }
}

impl View<'_> {
    /// The outcomes of a delivery; one that was acknowledged and is over has exactly one.
    ///
    /// # Errors
    /// What the database reports.
    pub fn outcomes(&self, id: &DeliveryId) -> Result<Vec<Outcome>, StoreError> {
        let sql =
            "SELECT ending, code, reply, ended_at, done, refusal FROM outcomes WHERE id = ?1 ORDER BY seq";
        self.all(sql, [id], |row| {
            Ok(Outcome {
                ending: row.get(0)?,
                code: row.get(1)?,
                reply: row.get(2)?,
                ended_at: row.get(3)?,
                fate: Fate::of(row, 4)?,
            })
        })
    }
}

impl Transaction<'_> {
    /// Notes how `id` ended.
    ///
    /// # Errors
    /// What the database reports.
    pub fn note_outcome(&self, id: &DeliveryId, outcome: &Outcome) -> Result<(), StoreError> {
        let sql = "INSERT INTO outcomes (id, ending, code, reply, ended_at, done, refusal)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let Outcome { ending, code, reply, fate: Fate { done, refusal }, ended_at } = outcome;
        self.execute(sql, (id, ending, code, reply, ended_at, done, refusal))
    }

    /// Forgets outcomes older than `before` and all but the newest `keep`, looking at a bounded number of the oldest
    /// at a time; answers whether more may be left to forget.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_outcomes(&self, before: Timestamp, keep: u64) -> Result<bool, StoreError> {
        const AT_ONCE: usize = 2000;
        let sql = "DELETE FROM outcomes WHERE seq IN (
                       SELECT seq FROM outcomes ORDER BY seq LIMIT ?3)
                   AND (ended_at < ?1 OR seq <= (SELECT max(seq) FROM outcomes) - ?2)";
        Ok(self.change(sql, (before, Count(keep), AT_ONCE as i64))? == AT_ONCE)
    }
}
