//! How far the renewal of each credential is: when it is due, who is at it, and what is not known.

use rusqlite::{OptionalExtension, Row};

use super::{Spent, StoreError, Transaction, View};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;

/// How far a renewal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalStage {
    /// Nothing is under way.
    Idle,
    /// The refresh token is about to be sent, or was: it stands here before the request leaves.
    Sending,
    /// The refresh token was sent, and nobody knows what became of it.
    InDoubt,
    /// The credential cannot be renewed any more; `reason` says why.
    Dead,
}

impl RenewalStage {
    const ALL: [Self; 4] = [Self::Idle, Self::Sending, Self::InDoubt, Self::Dead];

    const fn code(self) -> i64 {
        self as i64
    }

    fn of(code: i64) -> Self {
        Self::ALL.into_iter().find(|stage| stage.code() == code).unwrap_or(Self::Dead)
    }
}

/// The renewal of one credential. It speaks of one generation of its record, and of no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRenewal {
    /// The record whose secret this is about.
    pub generation: u64,
    /// The first record that held the refresh token: a sign-in that brings none takes it over, as far as it is used up.
    pub refresh_since: u64,
    /// The first record that held the access token: those since were sealed anew around the same one.
    pub secret_since: u64,
    /// When the access token ends, where that is known.
    pub expires_at: Option<Timestamp>,
    /// When it is to be renewed.
    pub renew_at: Option<Timestamp>,
    /// How far it is.
    pub stage: RenewalStage,
    /// How often this record's refresh token was sent, as far as it may have been used up.
    pub sent: u32,
    /// Which process is at it.
    pub holder: String,
    /// Until when nobody else is.
    pub held_until: Timestamp,
    /// Before this nobody tries again.
    pub rest_until: Timestamp,
    /// Why it is dead; fixed texts only.
    pub reason: Option<String>,
    /// After how many failures in a row nobody tried again for a while.
    pub failures: u32,
    /// When the secret came of a renewal, if it did.
    pub renewed_at: Option<Timestamp>,
    /// Refresh tokens of this credential that are over.
    pub spent: Spent,
    /// Those among them that the present one came of: each was given for the one before.
    pub came_of: Spent,
}

impl StoredRenewal {
    /// Whether the access token may be good: one whose end nobody knows is until the API refuses it, which is its end then.
    pub fn lives(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether the refresh token may still bring something: it is not known to be over.
    pub fn is_renewable(&self) -> bool {
        self.stage != RenewalStage::Dead
    }
}

const COLUMNS: &str = "generation, expires_at, renew_at, stage, sent, holder, held_until, rest_until, reason, failures, renewed_at, refresh_since, secret_since, spent, came_of";

impl View<'_> {
    /// The renewal of a credential, if anything is known of one.
    ///
    /// # Errors
    /// What the database reports.
    pub fn renewal(&self, credentials: &DeviceUuid) -> Result<Option<StoredRenewal>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM renewals WHERE credentials = ?1");
        Ok(self.prepare(&sql)?.query_row([credentials.as_str()], renewal).optional()?)
    }

    /// The credentials that are due for renewal and whose last try was not a moment ago, the longest due first, at most
    /// `limit`; only those whose source, as their record has it, `is_ours`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn due_renewals(
        &self,
        now: Timestamp,
        limit: usize,
        is_ours: impl Fn(Option<&str>) -> bool,
    ) -> Result<Vec<DeviceUuid>, StoreError> {
        let sql = "SELECT credentials, source FROM renewals LEFT JOIN records USING (credentials)
                   WHERE renew_at <= ?1 AND rest_until <= ?1 ORDER BY renew_at";
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query([now.as_millis()])?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()?.filter(|_| due.len() < limit) {
            if is_ours(row.get::<_, Option<String>>(1)?.as_deref()) {
                due.push(row.get::<_, String>(0)?.into());
            }
        }
        Ok(due)
    }
}

impl Transaction<'_> {
    /// Notes how far a renewal is, in place of what was there. A secret may hang on it, so this may use the room that is
    /// kept free for endings.
    ///
    /// # Errors
    /// What the database reports.
    pub fn store_renewal(&self, credentials: &DeviceUuid, renewal: &StoredRenewal) -> Result<(), StoreError> {
        self.use_reserve();
        let sql = format!(
            "INSERT OR REPLACE INTO renewals ({COLUMNS}, credentials) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
        );
        let count = |generation| i64::try_from(generation).unwrap_or(i64::MAX);
        self.prepare(&sql)?.execute((
            count(renewal.generation),
            renewal.expires_at.map(Timestamp::as_millis),
            renewal.renew_at.map(Timestamp::as_millis),
            renewal.stage.code(),
            renewal.sent,
            &renewal.holder,
            renewal.held_until.as_millis(),
            renewal.rest_until.as_millis(),
            &renewal.reason,
            renewal.failures,
            renewal.renewed_at.map(Timestamp::as_millis),
            count(renewal.refresh_since),
            count(renewal.secret_since),
            &renewal.spent,
            &renewal.came_of,
            credentials.as_str(),
        ))?;
        Ok(())
    }

    /// Forgets the renewal of a credential that is forgotten itself.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_renewal(&self, credentials: &DeviceUuid) -> Result<(), StoreError> {
        self.prepare("DELETE FROM renewals WHERE credentials = ?1")?.execute([credentials.as_str()])?;
        Ok(())
    }
}

fn renewal(row: &Row<'_>) -> rusqlite::Result<StoredRenewal> {
    let time = |column| Ok::<_, rusqlite::Error>(Timestamp::from_millis(row.get(column)?));
    Ok(StoredRenewal {
        generation: row.get::<_, i64>(0)?.unsigned_abs(),
        expires_at: row.get::<_, Option<i64>>(1)?.map(Timestamp::from_millis),
        renew_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis),
        stage: RenewalStage::of(row.get(3)?),
        sent: row.get(4)?,
        holder: row.get(5)?,
        held_until: time(6)?,
        rest_until: time(7)?,
        reason: row.get(8)?,
        failures: row.get(9)?,
        renewed_at: row.get::<_, Option<i64>>(10)?.map(Timestamp::from_millis),
        refresh_since: row.get::<_, i64>(11)?.unsigned_abs(),
        secret_since: row.get::<_, i64>(12)?.unsigned_abs(),
        spent: row.get(13)?,
        came_of: row.get(14)?,
    })
}
