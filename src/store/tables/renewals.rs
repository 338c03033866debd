//! The renewal of each credential: when its access token ends, when it is due, and what is known of its refresh token.

use rusqlite::Row;

use super::refresh_tokens::COLUMNS;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::columns::Count;
use crate::store::{Fingerprint, RenewalStage, StoreError, StoredRefreshToken, Transaction, View};

/// How an access token is, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessToken {
    /// Nothing is known against it.
    Good,
    /// The API refused it.
    Refused,
    /// Its time is over, by the clock.
    RanOut,
}

/// The renewal of one credential. It speaks of one generation of its record, and of no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRenewal {
    /// The record whose secret this is about.
    pub generation: u64,
    /// The first record that held the access token: those since were sealed anew around the same one.
    pub secret_since: u64,
    /// When the access token ends, where that is known.
    pub expires_at: Option<Timestamp>,
    /// When it is to be renewed.
    pub renew_at: Option<Timestamp>,
    /// Whether it is renewed then only where somebody uses it.
    pub when_used: bool,
    /// When the secret came of a renewal, if it did.
    pub renewed_at: Option<Timestamp>,
    /// When the API refused the access token, if it did.
    pub refused_at: Option<Timestamp>,
    /// What renews it, if anything does.
    pub refresh: Option<StoredRefreshToken>,
}

impl StoredRenewal {
    /// That of a secret of whose life nothing is known, that nothing renews, and that a record of this generation is the first to
    /// hold.
    pub fn of_unknown_life(generation: u64) -> Self {
        Self {
            generation,
            secret_since: generation,
            expires_at: None,
            renew_at: None,
            when_used: false,
            renewed_at: None,
            refused_at: None,
            refresh: None,
        }
    }

    /// Whether the access token may be good: one whose end nobody knows is until the API refuses it, which is its end then.
    pub fn lives(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// From the columns of [`OF_CREDENTIALS`], which begin at this one, and those of what is known of its refresh token after them.
    pub(super) fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        let (Count(generation), Count(secret_since)) = (row.get(at)?, row.get(at + 4)?);
        let token: Option<Fingerprint> = row.get(at + 6)?;
        let is_known = row.get::<_, Option<Fingerprint>>(at + 8)?.is_some();
        let refresh = match token {
            Some(_) if is_known => Some(StoredRefreshToken::read(row, at + 8)?),
            token => token.map(StoredRefreshToken::new),
        };
        Ok(Self {
            generation,
            expires_at: row.get(at + 1)?,
            renew_at: row.get(at + 2)?,
            renewed_at: row.get(at + 3)?,
            secret_since,
            refused_at: row.get(at + 5)?,
            when_used: row.get(at + 7)?,
            refresh,
        })
    }

    /// How the access token is at `now`, as far as is known.
    pub fn access(&self, now: Timestamp) -> AccessToken {
        match self.refused_at {
            Some(_) => AccessToken::Refused,
            None if self.lives(now) => AccessToken::Good,
            None => AccessToken::RanOut,
        }
    }

    /// The same secret, renewed by this refresh token, as far as that still renews anything.
    #[must_use]
    pub fn renewed_by(self, refresh: Option<StoredRefreshToken>) -> Self {
        let renews = refresh.as_ref().is_some_and(StoredRefreshToken::renews);
        Self { renew_at: self.renew_at.filter(|_| renews), refresh, ..self }
    }
}

pub(super) const OF_CREDENTIALS: &str =
    "generation, expires_at, renew_at, renewed_at, secret_since, refused_at, refresh, when_used";

impl View<'_> {
    /// The renewal of a credential, if anything is known of one.
    ///
    /// # Errors
    /// What the database reports.
    pub fn renewal(&self, credentials: &DeviceUuid) -> Result<Option<StoredRenewal>, StoreError> {
        let sql = format!(
            "SELECT {OF_CREDENTIALS}, {COLUMNS} FROM renewals LEFT JOIN refresh_tokens ON token = refresh WHERE credentials = ?1"
        );
        self.first(&sql, [credentials], |row| StoredRenewal::read(row, 0))
    }

    /// The credentials whose secret this refresh token renews, as far as is noted.
    ///
    /// # Errors
    /// What the database reports.
    pub fn renewed_by(&self, token: &Fingerprint) -> Result<Vec<DeviceUuid>, StoreError> {
        self.all("SELECT credentials FROM renewals WHERE refresh = ?1", [token], |row| row.get(0))
    }

    /// The credentials whose refresh token may have no name of its own, though something is known of it that matters to others:
    /// it was sent, with nobody knowing yet what came of it, or was refused or given up, or is the last of its line under the
    /// name of the first.
    ///
    /// # Errors
    /// What the database reports.
    pub fn holders_of_unnamed_tokens(&self) -> Result<Vec<DeviceUuid>, StoreError> {
        use RenewalStage::{GivenUp, InDoubt, Refused, Sending};
        let sql = "SELECT credentials FROM renewals JOIN refresh_tokens AS known ON token = refresh
                   WHERE stage IN (?1, ?2, ?3, ?4) OR (token = line AND EXISTS (
                       SELECT 1 FROM refresh_tokens AS other WHERE other.line = known.line AND other.token <> known.token))";
        self.all(sql, [Sending, InDoubt, Refused, GivenUp], |row| row.get(0))
    }

    /// The credentials that are due for renewal though nobody uses them and whose last try was not a moment ago, the longest due
    /// first, at most `limit`; only those whose source, as their record has it, `is_ours`.
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
                   LEFT JOIN refresh_tokens ON token = refresh
                   WHERE renew_at <= ?1 AND NOT when_used AND coalesce(rest_until, 0) <= ?1 ORDER BY renew_at";
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query([now])?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()?.filter(|_| due.len() < limit) {
            if is_ours(row.get::<_, Option<String>>(1)?.as_deref()) {
                due.push(row.get(0)?);
            }
        }
        Ok(due)
    }
}

impl Transaction<'_> {
    /// Notes how far a renewal is, and what is known of its refresh token, in place of what was there. A secret may hang on
    /// it, so this may use the room that is kept free for endings.
    ///
    /// # Errors
    /// What the database reports.
    pub fn store_renewal(&self, credentials: &DeviceUuid, renewal: &StoredRenewal) -> Result<(), StoreError> {
        self.use_reserve();
        let sql = format!(
            "INSERT OR REPLACE INTO renewals ({OF_CREDENTIALS}, credentials) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        );
        let values = (
            Count(renewal.generation),
            renewal.expires_at,
            renewal.renew_at,
            renewal.renewed_at,
            Count(renewal.secret_since),
            renewal.refused_at,
            renewal.refresh.as_ref().map(|known| known.token),
            renewal.when_used,
            credentials,
        );
        self.execute(&sql, values)?;
        renewal.refresh.as_ref().map_or(Ok(()), |known| self.store_refresh_token(known))
    }

    /// Forgets the renewal of a credential that is forgotten itself. What is known of its refresh token stays for a while.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_renewal(&self, credentials: &DeviceUuid) -> Result<(), StoreError> {
        self.execute("DELETE FROM renewals WHERE credentials = ?1", [credentials])
    }
}
