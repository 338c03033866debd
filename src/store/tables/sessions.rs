//! Who is signed in at the gateway's own pages, kept as fingerprints only.

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{StoreError, Transaction, View};

/// A session of somebody's browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// Who signed in.
    pub owner: DeviceUuid,
    /// The fingerprint of the first of the sessions that took each other's place until this one did.
    pub line: [u8; 32],
    /// How the owner is known to the bus, sealed under what the browser keeps.
    pub login: Vec<u8>,
    /// Whether the bus gave the token in it for this session alone.
    pub is_granted: bool,
    /// That token, where it is one of the bus in this process ([`StoredToken::seq`](crate::store::StoredToken::seq)).
    pub token: Option<i64>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last used, to the minute or so.
    pub seen_at: Timestamp,
}

/// The most sessions that are kept.
#[derive(Clone, Copy, Debug)]
pub struct MostSessions {
    /// Of one owner, those that began first.
    pub oldest: u32,
    /// Of one owner, those that began last.
    pub newest: u32,
    /// Of all owners together.
    pub in_all: u32,
}

const COLUMNS: &str = "owner, login, granted, began_at, seen_at, line, token";

impl View<'_> {
    /// The session of this fingerprint.
    ///
    /// # Errors
    /// What the database reports.
    pub fn session(&self, fingerprint: &[u8; 32]) -> Result<Option<StoredSession>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE fingerprint = ?1");
        self.first(&sql, [fingerprint], session)
    }

    /// The tokens of the bus in this process that sessions of `owner` hang on.
    ///
    /// # Errors
    /// What the database reports.
    pub fn tokens_of_sessions(&self, owner: &DeviceUuid) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT token FROM sessions WHERE owner = ?1 AND token IS NOT NULL";
        self.all(sql, [owner], |row| row.get(0))
    }

    /// How many sessions of the same owner began before this one, those left out that began at `began` or before it, or
    /// were last used at `seen` or before it.
    ///
    /// # Errors
    /// What the database reports.
    pub fn older_sessions(
        &self,
        fingerprint: &[u8; 32],
        began: Timestamp,
        seen: Timestamp,
    ) -> Result<u32, StoreError> {
        let sql = "SELECT count(*) FROM sessions AS this JOIN sessions AS older
                       ON older.owner = this.owner AND older.seq < this.seq
                   WHERE this.fingerprint = ?1 AND older.began_at > ?2 AND older.seen_at > ?3";
        self.value(sql, (fingerprint, began, seen))
    }
}

impl Transaction<'_> {
    /// Adds a session. Where there are too many of its owner's then, those end that are neither among the oldest nor among
    /// the newest; where there are too many in all, `thin_sessions_out` says whose end.
    ///
    /// # Errors
    /// [`StoreError::Full`], or what the database reports.
    pub fn add_session(
        &self,
        fingerprint: &[u8; 32],
        session: &StoredSession,
        most: MostSessions,
    ) -> Result<(), StoreError> {
        self.check_room()?;
        let sql =
            format!("INSERT INTO sessions (fingerprint, {COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        let owner = &session.owner;
        let values = (
            fingerprint,
            owner,
            &session.login,
            session.is_granted,
            session.began_at,
            session.seen_at,
            session.line,
            session.token,
        );
        self.execute(&sql, values)?;
        let sql = "DELETE FROM sessions WHERE owner = ?1
                   AND seq >= (SELECT seq FROM sessions WHERE owner = ?1 ORDER BY seq LIMIT 1 OFFSET ?2)
                   AND seq <= (SELECT seq FROM sessions WHERE owner = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?3)";
        self.execute(sql, (owner, most.oldest, most.newest))?;
        self.thin_sessions_out(most)
    }

    /// Ends what is too much in all, so that whoever registers any number of devices ends nobody's sessions but those of
    /// owners who keep nothing here. Of these the oldest end first: strangers who came before keep no newcomer out. Then come
    /// those of other owners, but none that is among an owner's oldest.
    ///
    /// # Errors
    /// [`StoreError::Full`] where only such are left, or what the database reports.
    fn thin_sessions_out(&self, most: MostSessions) -> Result<(), StoreError> {
        let strangers = "DELETE FROM sessions WHERE seq IN (
                             SELECT seq FROM sessions AS this WHERE NOT EXISTS (
                                 SELECT 1 FROM proofs JOIN records USING (credentials) WHERE caller = this.owner)
                             ORDER BY seq LIMIT ?1)";
        let mut surplus = self.thin_out("SELECT count(*) FROM sessions", strangers, most.in_all)? as usize;
        if surplus > 0 {
            let sql = "DELETE FROM sessions WHERE seq IN (
                           SELECT seq FROM sessions AS this WHERE ?2 <= (
                               SELECT count(*) FROM sessions WHERE owner = this.owner AND seq < this.seq)
                           ORDER BY seq LIMIT ?1)";
            surplus -= self.change(sql, (surplus as i64, most.oldest))?;
        }
        if surplus == 0 { Ok(()) } else { Err(StoreError::Full) }
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// What the database reports.
    pub fn see_session(&self, fingerprint: &[u8; 32], now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE sessions SET seen_at = ?2 WHERE fingerprint = ?1";
        self.execute(sql, (fingerprint, now))
    }

    /// Has a session be known by another fingerprint from now on, with its login sealed anew, also where the file is as good as
    /// full; answers whether there is one.
    ///
    /// # Errors
    /// What the database reports.
    pub fn renew_session(
        &self,
        before: &[u8; 32],
        after: &[u8; 32],
        login: &[u8],
    ) -> Result<bool, StoreError> {
        self.use_reserve();
        let sql = "UPDATE sessions SET fingerprint = ?2, login = ?3 WHERE fingerprint = ?1";
        Ok(self.change(sql, (before, after, login))? > 0)
    }

    /// Ends a session, if there is one, also where the file is as good as full; answers what it was.
    ///
    /// # Errors
    /// What the database reports.
    pub fn take_session(&self, fingerprint: &[u8; 32]) -> Result<Option<StoredSession>, StoreError> {
        self.use_reserve();
        let sql = format!("DELETE FROM sessions WHERE fingerprint = ?1 RETURNING {COLUMNS}");
        self.first(&sql, [fingerprint], session)
    }

    /// Ends the sessions that began before `began`, or were last used before `seen`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_sessions(&self, began: Timestamp, seen: Timestamp) -> Result<(), StoreError> {
        self.execute("DELETE FROM sessions WHERE began_at < ?1", [began])?;
        self.execute("DELETE FROM sessions WHERE seen_at < ?1", [seen])
    }
}

fn session(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredSession> {
    Ok(StoredSession {
        owner: row.get(0)?,
        login: row.get(1)?,
        is_granted: row.get(2)?,
        began_at: row.get(3)?,
        seen_at: row.get(4)?,
        line: row.get(5)?,
        token: row.get(6)?,
    })
}
