//! Who is signed in at the gateway's own pages, kept as fingerprints only.

use rusqlite::OptionalExtension;

use super::{StoreError, Transaction, View};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;

/// A session of somebody's browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// Who signed in.
    pub owner: DeviceUuid,
    /// How the owner is known to the bus, sealed under what the browser keeps.
    pub login: Vec<u8>,
    /// Whether the bus gave the token in it for this session alone.
    pub is_granted: bool,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last used, to the minute or so.
    pub seen_at: Timestamp,
}

impl View<'_> {
    /// The session of this fingerprint.
    ///
    /// # Errors
    /// What the database reports.
    pub fn session(&self, fingerprint: &[u8; 32]) -> Result<Option<StoredSession>, StoreError> {
        let sql = "SELECT owner, login, granted, began_at, seen_at FROM sessions WHERE fingerprint = ?1";
        Ok(self.prepare(sql)?.query_row([fingerprint.as_slice()], session).optional()?)
    }
}

impl Transaction<'_> {
    /// Adds a session; its owner keeps the newest `of_owner`, and all owners together the newest `in_all`.
    ///
    /// # Errors
    /// [`StoreError::Full`], or what the database reports.
    pub fn add_session(
        &self,
        fingerprint: &[u8; 32],
        session: &StoredSession,
        (of_owner, in_all): (u32, u32),
    ) -> Result<(), StoreError> {
        self.check_room()?;
        let sql = "INSERT INTO sessions (fingerprint, owner, login, granted, began_at, seen_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let owner = session.owner.as_str();
        let login = (&session.login, session.is_granted);
        let (began, seen) = (session.began_at.as_millis(), session.seen_at.as_millis());
        self.prepare(sql)?.execute((fingerprint.as_slice(), owner, login.0, login.1, began, seen))?;
        let newest = self.last_insert_rowid();
        let sql = "DELETE FROM sessions WHERE owner = ?1 AND seq <= (
                       SELECT seq FROM sessions WHERE owner = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)";
        self.prepare(sql)?.execute((owner, of_owner))?;
        let sql = "DELETE FROM sessions WHERE seq <= ?1";
        self.prepare(sql)?.execute([newest - i64::from(in_all)])?;
        Ok(())
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// What the database reports.
    pub fn see_session(&self, fingerprint: &[u8; 32], now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE sessions SET seen_at = ?2 WHERE fingerprint = ?1";
        self.prepare(sql)?.execute((fingerprint.as_slice(), now.as_millis()))?;
        Ok(())
    }

    /// Ends a session, if there is one, also where the file is as good as full; answers what it was.
    ///
    /// # Errors
    /// What the database reports.
    pub fn take_session(&self, fingerprint: &[u8; 32]) -> Result<Option<StoredSession>, StoreError> {
        self.use_reserve();
        let sql =
            "DELETE FROM sessions WHERE fingerprint = ?1 RETURNING owner, login, granted, began_at, seen_at";
        Ok(self.prepare(sql)?.query_row([fingerprint.as_slice()], session).optional()?)
    }

    /// Ends the sessions that began before `began`, or were last used before `seen`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_sessions(&self, began: Timestamp, seen: Timestamp) -> Result<(), StoreError> {
        self.prepare("DELETE FROM sessions WHERE began_at < ?1")?.execute([began.as_millis()])?;
        self.prepare("DELETE FROM sessions WHERE seen_at < ?1")?.execute([seen.as_millis()])?;
        Ok(())
    }
}

fn session(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredSession> {
    Ok(StoredSession {
        owner: row.get::<_, String>(0)?.into(),
        login: row.get(1)?,
        is_granted: row.get(2)?,
        began_at: Timestamp::from_millis(row.get(3)?),
        seen_at: Timestamp::from_millis(row.get(4)?),
    })
}
