//! Sealed copies of secrets that are over, or will be unless a record comes to hold them, kept only until the API was told;
//! what is erased is overwritten.

use rusqlite::Row;

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::columns::Count;
use crate::store::{Due, Fingerprint, Moment, StoreError, StoredRecord, Transaction, View};

/// A secret that the API is to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedRevocation {
    /// Names it within this store.
    pub seq: i64,
    /// For what it is sealed: the credentials device that kept it, or whatever a stray is sealed for.
    pub credentials: DeviceUuid,
    /// The receipt that says what the API answered; none of a stray: what a sign-in brought, and no record here holds.
    pub receipt: Option<i64>,
    /// Since when it waits.
    pub made_at: Timestamp,
    /// How often the API was asked, or was about to be.
    pub attempts: u32,
    /// The refresh token that is in it, where that is noted.
    pub refresh: Option<Fingerprint>,
    /// The last moment when it was written down, where it is a stray, and was there already: what was sent until then may have
    /// brought it.
    pub came: Moment,
    /// Before this it is not renewed for its end, without it never: it was brought for one, and an API that does not know what it
    /// just gave would have more be brought for ever.
    pub renewable_from: Option<Timestamp>,
    /// What of it is over already.
    pub over: Vec<Fingerprint>,
}

/// What stands in place of a stray's receipt: they count from 1.
const NO_RECEIPT: i64 = 0;

/// What stands for the time from which on it is renewed that is never renewed.
const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);

const COLUMNS: &str = "seq, credentials, receipt, made_at, attempts, refresh, came, renewable_from, ended";

impl View<'_> {
    /// The secrets that the API is to be told of now, at most `limit`: of each queue the first, and then of each the next,
    /// what it was never asked for before the others. Those of the same credentials are one queue, and each stray is one.
    ///
    /// # Errors
    /// What the database reports.
    pub fn due_revocations(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        let sql = "SELECT seq, queue FROM (
                       SELECT *, row_number() OVER (PARTITION BY queue ORDER BY asked, due_at, seq) AS place FROM (
                           SELECT seq, due_at, attempts > 0 AS asked,
                                  CASE receipt WHEN 0 THEN 'stray ' || seq ELSE hex(credentials) END AS queue
                           FROM revocations WHERE due_at <= ?1))
                   ORDER BY place, asked, due_at, seq LIMIT ?2";
        self.all(sql, (now, limit as i64), Due::read)
    }

    /// The secrets that wait since this time or before, of those that the API is to be told of now, at most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn older_revocations(
        &self,
        since: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<i64>, StoreError> {
        let sql =
            "SELECT seq FROM revocations WHERE due_at <= ?1 AND made_at <= ?2 ORDER BY due_at, seq LIMIT ?3";
        self.all(sql, (now, since, limit as i64), |row| row.get(0))
    }

    /// One of them, while it is there.
    ///
    /// # Errors
    /// What the database reports.
    pub fn revocation(&self, seq: i64) -> Result<Option<QueuedRevocation>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM revocations WHERE seq = ?1");
        self.first(&sql, [seq], queued)
    }

    /// The record that holds such a secret, sealed as it was.
    ///
    /// # Errors
    /// What the database reports, also where the copy is damaged.
    pub fn sealed_copy(&self, seq: i64) -> Result<Option<StoredRecord>, StoreError> {
        let sql = "SELECT generation, endo, signature, source FROM revocations WHERE seq = ?1";
        self.first(sql, [seq], |row| StoredRecord::read(row, 0))
    }

    /// All secrets that the API is still to be told of, at most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn revocations(&self, limit: usize) -> Result<Vec<QueuedRevocation>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM revocations ORDER BY seq LIMIT ?1");
        self.all(&sql, [limit as i64], queued)
    }

    /// Whether secrets of these credentials wait whose end this receipt tells.
    ///
    /// # Errors
    /// What the database reports.
    pub fn has_revocations(&self, credentials: &DeviceUuid, receipt: i64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM revocations WHERE credentials = ?1 AND receipt = ?2 LIMIT 1";
        self.has(sql, (credentials, receipt))
    }
}

/// A secret that is to end at the API.
#[derive(Clone, Copy, Debug)]
pub struct NewRevocation<'a> {
    credentials: &'a DeviceUuid,
    receipt: i64,
    record: &'a StoredRecord,
    refresh: Option<Fingerprint>,
    came: Moment,
    made_at: Timestamp,
    due_at: Timestamp,
    renewable_from: Option<Timestamp>,
}

impl<'a> NewRevocation<'a> {
    /// That of credentials whose end this receipt tells, due at once.
    pub fn told_by(
        receipt: i64,
        credentials: &'a DeviceUuid,
        record: &'a StoredRecord,
        now: Timestamp,
    ) -> Self {
        let (came, renewable_from) = (Moment::default(), Some(Timestamp::from_millis(0)));
        Self { credentials, receipt, record, refresh: None, came, made_at: now, due_at: now, renewable_from }
    }

    /// What was brought for the end of another, which still waits: it is to end like that, due at once.
    pub fn beside(other: &'a QueuedRevocation, record: &'a StoredRecord, now: Timestamp) -> Self {
        let QueuedRevocation { credentials, receipt, came, made_at, .. } = other;
        let told = Self::told_by(receipt.unwrap_or(NO_RECEIPT), credentials, record, now);
        Self { came: *came, made_at: *made_at, ..told }
    }

    /// The same, in which this refresh token is.
    #[must_use]
    pub fn renewed_by(self, refresh: Option<Fingerprint>) -> Self {
        Self { refresh, ..self }
    }

    /// The same, which the API knows until its access token ends by itself, or always where that is not known.
    #[must_use]
    pub fn renewable_from(self, ends_at: Option<Timestamp>) -> Self {
        Self { renewable_from: ends_at, ..self }
    }

    /// What a sign-in brought at `now`, sealed for `name`: it ends at `due_at`, unless a record holds it by then.
    pub fn stray(name: &'a DeviceUuid, record: &'a StoredRecord, now: Timestamp, due_at: Timestamp) -> Self {
        Self { due_at, ..Self::told_by(NO_RECEIPT, name, record, now) }
    }

    /// The same, which was there at this moment.
    #[must_use]
    pub fn since(self, came: Moment) -> Self {
        Self { came, ..self }
    }
}

impl Transaction<'_> {
    /// Keeps a sealed copy until the API was told, or until a record holds it; answers what names it.
    ///
    /// # Errors
    /// What the database reports.
    pub fn add_revocation(&self, new: &NewRevocation<'_>) -> Result<i64, StoreError> {
        self.use_reserve();
        let NewRevocation { credentials, receipt, record, refresh, came, made_at, due_at, renewable_from } =
            new;
        let sql =
            "INSERT INTO revocations (credentials, receipt, generation, endo, signature, source, made_at, due_at, refresh, came, renewable_from)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let values = (
            credentials,
            receipt,
            Count(record.generation),
            &record.endo,
            &record.signature,
            &record.source,
            made_at,
            due_at,
            refresh,
            came,
            renewable_from.unwrap_or(NEVER),
        );
        self.execute(sql, values)?;
        Ok(self.last_insert_rowid())
    }

    /// Puts another copy of a stray in the place of the one before, if that still waits.
    ///
    /// # Errors
    /// What the database reports.
    pub fn replace_stray(&self, seq: i64, record: &StoredRecord) -> Result<(), StoreError> {
        self.use_reserve();
        self.overwrite_what_is_freed()?;
        let sql =
            "UPDATE revocations SET endo = ?2, signature = ?3, source = ?4 WHERE seq = ?1 AND receipt = 0";
        self.execute(sql, (seq, &record.endo, &record.signature, &record.source))
    }

    /// Ends the wait of a stray whose secret a record holds from now on; answers whether it was still there.
    ///
    /// # Errors
    /// What the database reports.
    pub fn claim_stray(&self, seq: i64) -> Result<bool, StoreError> {
        self.use_reserve();
        self.overwrite_what_is_freed()?;
        Ok(self.change("DELETE FROM revocations WHERE seq = ?1", [seq])? > 0)
    }

    /// Has every end be due by now, but for those that the API may be at, which rest until `rested_at` at the latest. No
    /// sealed copy waits from a time to come on.
    ///
    /// # Errors
    /// What the database reports.
    pub fn hasten_revocations(&self, now: Timestamp, rested_at: Timestamp) -> Result<(), StoreError> {
        let bounds = "UPDATE revocations SET rest_until = min(rest_until, ?2), made_at = min(made_at, ?1)";
        self.execute(bounds, (now, rested_at))?;
        let hasten = "UPDATE revocations SET due_at = max(?1, rest_until) WHERE due_at > ?1";
        self.execute(hasten, [now])
    }

    /// Notes that the API is about to be asked, if that still waits; answers whether it does. Should nobody come to say what it
    /// answered, it may be at it until `rested_at`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn note_asked(&self, seq: i64, rested_at: Timestamp) -> Result<bool, StoreError> {
        self.use_reserve();
        let sql =
            "UPDATE revocations SET attempts = attempts + 1, due_at = ?2, rest_until = ?2 WHERE seq = ?1";
        Ok(self.change(sql, (seq, rested_at))? > 0)
    }

    /// Notes that these of its tokens are over, too, if it still waits.
    ///
    /// # Errors
    /// What the database reports.
    pub fn note_over(&self, seq: i64, over: &[Fingerprint]) -> Result<(), StoreError> {
        self.use_reserve();
        let Some(known) = self.revocation(seq)? else { return Ok(()) };
        let all = [&*known.over, over].concat();
        self.execute("UPDATE revocations SET ended = ?2 WHERE seq = ?1", (seq, all.as_flattened()))
    }

    /// Puts a revocation off until `due_at`. Where it `rests`, for the API may be at it until then, nothing hastens it.
    ///
    /// # Errors
    /// What the database reports.
    pub fn postpone_revocation(&self, seq: i64, due_at: Timestamp, rests: bool) -> Result<(), StoreError> {
        let sql = "UPDATE revocations SET due_at = ?2, rest_until = ?3 WHERE seq = ?1";
        let rest_until = if rests { due_at } else { Timestamp::from_millis(0) };
        self.execute(sql, (seq, due_at, rest_until))
    }

    /// Erases a sealed copy: its bytes are overwritten, and the log of changes is emptied; answers whether it was there.
    ///
    /// # Errors
    /// What the database reports.
    pub fn erase_revocation(&self, seq: i64) -> Result<bool, StoreError> {
        self.use_reserve();
        self.erase()?;
        Ok(self.change("DELETE FROM revocations WHERE seq = ?1", [seq])? > 0)
    }

    /// Erases a sealed copy that waits since before `time`, or since nobody knows when, whatever is damaged of its row; answers
    /// which receipt tells of it, if it was there.
    ///
    /// # Errors
    /// What the database reports.
    pub fn erase_older_revocation(&self, seq: i64, time: Timestamp) -> Result<Option<Erased>, StoreError> {
        self.use_reserve();
        self.erase()?;
        let sql = "DELETE FROM revocations WHERE seq = ?1 AND (made_at <= ?2 OR typeof(made_at) <> 'integer')
                   RETURNING iif(typeof(receipt) = 'integer', nullif(receipt, 0), NULL)";
        let erased = |row: &Row<'_>| Ok(Erased { receipt: row.get(0)? });
        self.first(sql, (seq, time), erased)
    }
}

/// A sealed copy that is erased unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// The receipt that tells of it, where that can be read.
    pub receipt: Option<i64>,
}

fn queued(row: &Row<'_>) -> rusqlite::Result<QueuedRevocation> {
    Ok(QueuedRevocation {
        seq: row.get(0)?,
        credentials: row.get(1)?,
        receipt: Some(row.get(2)?).filter(|receipt| *receipt != NO_RECEIPT),
        made_at: row.get(3)?,
        attempts: row.get(4)?,
        refresh: row.get(5)?,
        came: row.get(6)?,
        renewable_from: Some(row.get(7)?).filter(|from| *from != NEVER),
        over: row.get::<_, Vec<u8>>(8)?.as_chunks().0.to_vec(),
    })
}
