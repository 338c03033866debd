//! The codes that clients exchange for tokens, kept as hashes only, and used ones for a while.

use rusqlite::Row;

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{StoreError, TokenHash, Transaction, View};

/// How many of what devices make are kept: of each device its newest, and of all devices together so many, of which those
/// that have most lose their oldest: whoever has any number of devices pushes out nobody who has few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Of one device.
    pub of_device: u32,
    /// Of all together.
    pub in_all: u32,
}

/// What a code stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredGrant {
    /// The client that may exchange it.
    pub client: DeviceUuid,
    /// The device in whose name the client will act.
    pub device: DeviceUuid,
    /// The token that proved the device ([`StoredToken::seq`](crate::store::StoredToken::seq)).
    pub proof: i64,
    /// Where the code was sent.
    pub target: String,
    /// Whether the client named that address.
    pub target_was_named: bool,
    /// The SHA-256 of what the client will have to show (RFC 7636).
    pub challenge: Option<[u8; 32]>,
    /// When the code was made.
    pub made_at: Timestamp,
}

/// A code, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCode {
    /// Names the code within this store.
    pub seq: i64,
    /// What it stands for.
    pub grant: StoredGrant,
    /// Whether somebody tried to exchange it.
    pub used: bool,
    /// The token it was exchanged for.
    pub token: Option<TokenHash>,
}

const COLUMNS: &str = "seq, client, device, proof, target, target_was_named, challenge, made_at, used, token";

impl View<'_> {
    /// The code of this hash, also a used one.
    ///
    /// # Errors
    /// What the database reports.
    pub fn code(&self, hash: &TokenHash) -> Result<Option<StoredCode>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM codes WHERE hash = ?1");
        self.first(&sql, [hash], stored_code)
    }
}

impl Transaction<'_> {
    /// Adds a code; its client keeps the newest of the same device. Where there are too many in all, used ones go, then the
    /// oldest of those devices that have most.
    ///
    /// # Errors
    /// [`StoreError::Full`], or what the database reports.
    pub fn add_code(
        &self,
        hash: &TokenHash,
        grant: &StoredGrant,
        Kept { of_device, in_all }: Kept,
    ) -> Result<(), StoreError> {
        self.check_room()?;
        let sql =
            "INSERT INTO codes (hash, client, device, proof, target, target_was_named, challenge, made_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let (client, device) = (&grant.client, &grant.device);
        let values = (
            hash,
            client,
            device,
            grant.proof,
            &grant.target,
            grant.target_was_named,
            grant.challenge,
            grant.made_at,
        );
        self.execute(sql, values)?;
        let sql = "DELETE FROM codes WHERE client = ?1 AND device = ?2 AND seq <= (
                       SELECT seq FROM codes WHERE client = ?1 AND device = ?2
                       ORDER BY seq DESC LIMIT 1 OFFSET ?3)";
        self.execute(sql, (client, device, of_device))?;
        let sql = "DELETE FROM codes WHERE seq IN (
                       SELECT seq FROM (SELECT seq, used, row_number() OVER (PARTITION BY device ORDER BY seq DESC) AS newest
                                        FROM codes)
                       ORDER BY used DESC, newest DESC, seq LIMIT ?1)";
        self.thin_out("SELECT count(*) FROM codes", sql, in_all)?;
        Ok(())
    }

    /// Notes that the code [`StoredCode::seq`] was used, and for which token if it was good.
    ///
    /// # Errors
    /// What the database reports.
    pub fn use_code(&self, seq: i64, token: Option<&TokenHash>) -> Result<(), StoreError> {
        let sql = "UPDATE codes SET used = 1, token = ?2 WHERE seq = ?1";
        self.execute(sql, (seq, token))
    }

    /// Forgets the codes that were made before `before`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn forget_codes(&self, before: Timestamp) -> Result<(), StoreError> {
        self.execute("DELETE FROM codes WHERE made_at < ?1", [before])
    }
}

fn stored_code(row: &Row<'_>) -> rusqlite::Result<StoredCode> {
    Ok(StoredCode {
        seq: row.get(0)?,
        grant: StoredGrant {
            client: row.get(1)?,
            device: row.get(2)?,
            proof: row.get(3)?,
            target: row.get(4)?,
            target_was_named: row.get(5)?,
            challenge: row.get(6)?,
            made_at: row.get(7)?,
        },
        used: row.get(8)?,
        token: row.get(9)?,
    })
}
