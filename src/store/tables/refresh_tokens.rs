//! What is known of refresh tokens, by their fingerprints: whoever holds one now, and for a while where nobody does. A sign-in
//! may bring one again that others sent, spent or gave up.

use std::time::Duration;

use rusqlite::Row;

use super::renewals::OF_CREDENTIALS;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{Moment, StoreError, StoredRecord, StoredRenewal, Transaction, View};

/// By what a token is known where it is not kept: its SHA-256.
pub type Fingerprint = [u8; 32];

/// How far a renewal is. It is kept by these numbers, which an index has too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalStage {
    /// Nothing is under way.
    Idle = 0,
    /// The refresh token is about to be sent, or was: it stands here before the request leaves.
    Sending = 1,
    /// The refresh token was sent, and nobody knows what became of it.
    InDoubt = 2,
    /// The provider does not take it any more.
    Refused = 3,
    /// Another was given for it.
    Spent = 4,
    /// Nobody knows what became of it, and it may not be sent again.
    GivenUp = 5,
}

impl RenewalStage {
    /// Every stage there is.
    pub const ALL: [Self; 6] =
        [Self::Idle, Self::Sending, Self::InDoubt, Self::Refused, Self::Spent, Self::GivenUp];

    /// That of this number; of one that says nothing, the one after which nothing is sent.
    pub(in crate::store) fn of(number: i64) -> Self {
        Self::ALL.into_iter().find(|stage| *stage as i64 == number).unwrap_or(Self::GivenUp)
    }
}

/// What is known of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRefreshToken {
    /// Which it is.
    pub token: Fingerprint,
    /// The first that is known of its line: each was given for the one before.
    pub line: Fingerprint,
    /// Since when anything is known of its line.
    pub line_since: Moment,
    /// How far its renewal is.
    pub stage: RenewalStage,
    /// How often it was sent, as far as it may have been used up.
    pub sent: u32,
    /// When the first of these sendings began.
    pub first_sent: Moment,
    /// Whether the answer to one was lost, whatever came of it since.
    pub is_lost: bool,
    /// Who is at it.
    pub holder: String,
    /// Until when nobody else is.
    pub held_until: Timestamp,
    /// Before this nobody tries again.
    pub rest_until: Timestamp,
    /// After how many failures in a row nobody tried again for a while.
    pub failures: u32,
    /// When something was noted of it last.
    pub noted: Moment,
    /// The same by the clock: what is old and nobody's is forgotten.
    pub noted_at: Timestamp,
}

impl StoredRefreshToken {
    /// One of which nothing is known.
    pub fn new(token: Fingerprint) -> Self {
        let never = Timestamp::from_millis(0);
        Self {
            token,
            line: token,
            line_since: Moment::default(),
            stage: RenewalStage::Idle,
            sent: 0,
            first_sent: Moment::default(),
            is_lost: false,
            holder: String::new(),
            held_until: never,
            rest_until: never,
            failures: 0,
            noted: Moment::default(),
            noted_at: never,
        }
    }

    /// Whether it may still bring something: it is not known to be over.
    pub fn renews(&self) -> bool {
        matches!(self.stage, RenewalStage::Idle | RenewalStage::Sending | RenewalStage::InDoubt)
    }

    /// From the columns of [`COLUMNS`], which begin at this one.
    pub(super) fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            token: row.get(at)?,
            line: row.get(at + 1)?,
            stage: row.get(at + 2)?,
            sent: row.get(at + 3)?,
            holder: row.get(at + 4)?,
            held_until: row.get(at + 5)?,
            rest_until: row.get(at + 6)?,
            failures: row.get(at + 7)?,
            noted_at: row.get(at + 8)?,
            noted: row.get(at + 9)?,
            line_since: row.get(at + 10)?,
            first_sent: row.get(at + 11)?,
            is_lost: row.get(at + 12)?,
        })
    }
}

pub(super) const COLUMNS: &str = "token, line, stage, sent, holder, held_until, rest_until, failures, noted_at, noted, line_since, first_sent, is_lost";

/// Of which refresh tokens an answer may be lost, as the index `refresh_tokens_lost` has them: all those of which it is, and
/// such besides as were sent more than once and are not over, or were refused. The stages are [`RenewalStage::Sending`],
/// [`RenewalStage::InDoubt`] and [`RenewalStage::GivenUp`], and stand here as they do there: else it is not used.
const MAY_BE_LOST: &str = "(is_lost OR stage IN (1, 2, 5) OR sent > 1)";
const NOBODY_HOLDS_IT: &str = "NOT EXISTS (SELECT 1 FROM renewals WHERE refresh = token)
                               AND NOT EXISTS (SELECT 1 FROM revocations WHERE refresh = token)";

/// How long it is known that an answer was lost, where no record or copy is renewed by that refresh token any more.
const LOST_FOR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A sealed copy of a secret that is to end at the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOfLine {
    /// What names its end.
    pub seq: i64,
    /// For what it is sealed.
    pub credentials: DeviceUuid,
    /// The receipt that tells of its end.
    pub receipt: i64,
    /// The copy.
    pub record: StoredRecord,
    /// What is known of its refresh token.
    pub refresh: StoredRefreshToken,
}

/// Credentials that hold a refresh token of a line.
#[derive(Clone, Debug)]
pub struct HolderOfLine {
    /// Which.
    pub credentials: DeviceUuid,
    /// What is known of their secret.
    pub renewal: StoredRenewal,
}

impl HolderOfLine {
    /// Whether they hold the last that is known of the line: nobody spent it.
    pub fn has_the_last(&self) -> bool {
        let is_spent = |known: &StoredRefreshToken| known.stage == RenewalStage::Spent;
        !self.renewal.refresh.as_ref().is_some_and(is_spent)
    }
}

impl View<'_> {
    /// What is known of this refresh token, if anything.
    ///
    /// # Errors
    /// What the database reports.
    pub fn refresh_token(&self, token: &Fingerprint) -> Result<Option<StoredRefreshToken>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM refresh_tokens WHERE token = ?1");
        self.first(&sql, [token], |row| StoredRefreshToken::read(row, 0))
    }

    /// What is known of the line of this refresh token, itself among it where it is known.
    ///
    /// # Errors
    /// What the database reports.
    pub fn line_of(&self, token: &Fingerprint) -> Result<Vec<StoredRefreshToken>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM refresh_tokens WHERE line = (SELECT line FROM refresh_tokens WHERE token = ?1)"
        );
        self.all(&sql, [token], |row| StoredRefreshToken::read(row, 0))
    }

    /// The credentials that hold a refresh token of a line of which an answer may be lost to what was first sent at that moment or
    /// before: of each such line they are among these, and of others perhaps.
    ///
    /// # Errors
    /// What the database reports.
    pub fn holders_of_lost_lines(&self, by: Moment) -> Result<Vec<HolderOfLine>, StoreError> {
        let sql = format!(
            "SELECT credentials, {OF_CREDENTIALS}, {COLUMNS} FROM refresh_tokens JOIN renewals ON refresh = token
             WHERE line IN (SELECT line FROM refresh_tokens
                            WHERE first_sent <= ?1 AND {MAY_BE_LOST})"
        );
        self.holders(&sql, [by])
    }

    /// The credentials that hold this refresh token, or another of its line, as far as is noted.
    ///
    /// # Errors
    /// What the database reports.
    pub fn holders_of_line(&self, token: &Fingerprint) -> Result<Vec<HolderOfLine>, StoreError> {
        let sql = format!(
            "SELECT credentials, {OF_CREDENTIALS}, {COLUMNS} FROM refresh_tokens JOIN renewals ON refresh = token
             WHERE line = (SELECT line FROM refresh_tokens WHERE token = ?1)"
        );
        self.holders(&sql, [token])
    }

    fn holders(&self, sql: &str, of: impl rusqlite::Params) -> Result<Vec<HolderOfLine>, StoreError> {
        self.all(sql, of, |row| {
            Ok(HolderOfLine { credentials: row.get(0)?, renewal: StoredRenewal::read(row, 1)? })
        })
    }

    /// The newest secret of this line that is to end, of which the API was not told yet, and whose refresh token may still
    /// bring something.
    ///
    /// # Errors
    /// What the database reports.
    pub fn copy_of_line(&self, line: &Fingerprint) -> Result<Option<CopyOfLine>, StoreError> {
        let sql = format!(
            "SELECT seq, credentials, receipt, generation, endo, signature, source, known.*
             FROM (SELECT {COLUMNS} FROM refresh_tokens) AS known JOIN revocations ON refresh = known.token
             WHERE line = ?1 AND stage < ?2 AND receipt > 0 AND attempts = 0 ORDER BY seq DESC LIMIT 1"
        );
        let over = RenewalStage::Refused;
        let copy = |row: &Row<'_>| {
            Ok(CopyOfLine {
                seq: row.get(0)?,
                credentials: row.get(1)?,
                receipt: row.get(2)?,
                record: StoredRecord::read(row, 3)?,
                refresh: StoredRefreshToken::read(row, 7)?,
            })
        };
        self.first(&sql, (line, over), copy)
    }

    /// The refresh tokens of which nothing is new since `before`, and that neither a record nor a sealed copy is renewed by; at
    /// most `limit`. One of which an answer is lost may be set aside in a record, to be sent once more for its end: that nobody
    /// knows what became of it is known for as long as [`LOST_FOR`].
    ///
    /// # Errors
    /// What the database reports.
    pub(in crate::store) fn refresh_tokens_of_nobody(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Fingerprint>, StoreError> {
        let sql = format!(
            "SELECT token FROM refresh_tokens WHERE noted_at < ?1 AND {NOBODY_HOLDS_IT} AND (noted_at < ?2 OR NOT {MAY_BE_LOST}) LIMIT ?3"
        );
        self.all(&sql, (before, before.minus(LOST_FOR), limit as i64), |row| row.get(0))
    }
}

impl Transaction<'_> {
    /// Notes what is known of a refresh token, in place of what was there. A secret may hang on it, so this may use the room
    /// that is kept free for endings.
    ///
    /// # Errors
    /// What the database reports.
    pub fn store_refresh_token(&self, known: &StoredRefreshToken) -> Result<(), StoreError> {
        self.use_reserve();
        let sql = format!(
            "INSERT OR REPLACE INTO refresh_tokens ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
        );
        let values = (
            known.token,
            known.line,
            known.stage,
            known.sent,
            &known.holder,
            known.held_until,
            known.rest_until,
            known.failures,
            known.noted_at,
            known.noted,
            known.line_since,
            known.first_sent,
            known.is_lost,
        );
        self.execute(&sql, values)
    }

    /// Notes that one refresh token was given for another: all that came of either is of one line from now on.
    ///
    /// # Errors
    /// What the database reports.
    pub fn join_lines(&self, sent: &Fingerprint, given: &Fingerprint) -> Result<(), StoreError> {
        let sql = "UPDATE refresh_tokens
                   SET (line, line_since) = (SELECT line, line_since FROM refresh_tokens WHERE token = ?1)
                   WHERE line = (SELECT line FROM refresh_tokens WHERE token = ?2)";
        self.execute(sql, [sent, given])
    }

    /// Forgets these refresh tokens, as far as nobody holds them by now.
    ///
    /// # Errors
    /// What the database reports.
    pub(in crate::store) fn forget_refresh_tokens(&self, tokens: &[Fingerprint]) -> Result<(), StoreError> {
        let sql = format!("DELETE FROM refresh_tokens WHERE token = ?1 AND {NOBODY_HOLDS_IT}");
        let mut statement = self.prepare(&sql)?;
        tokens.iter().try_for_each(|token| Ok(statement.execute([token]).map(drop)?))
    }
}
