//! The tokens of devices, kept as hashes only.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::message::{DeliveryId, DeviceUuid};
use crate::store::columns::text;
use crate::store::{NewDelivery, StoreError, Transaction, View};

const INSERT: &str = "INSERT OR IGNORE INTO tokens (uuid, hash, root, metadata) VALUES (?1, ?2, ?3, ?4)";

/// Of a device that was removed no token is known, though some may be left of it.
const IS_KNOWN: &str = "NOT EXISTS (SELECT 1 FROM half_done WHERE half_done.removed = tokens.uuid)";

/// SHA-256 over token, uuid and the directory's pepper (`spec/meshblu.md` 1.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub(in crate::store) [u8; 32]);

impl TokenHash {
    /// The hash of `token` as a token of `uuid`.
    pub fn of(token: &str, uuid: &DeviceUuid, pepper: &[u8]) -> Self {
        let hash = Sha256::new().chain_update(token).chain_update(uuid.as_str()).chain_update(pepper);
        Self(hash.finalize().into())
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash")
    }
}

/// What is known of a token besides its hash.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredToken {
    /// Names the token within this store.
    pub seq: i64,
    /// Whether it is the device's root token.
    pub root: bool,
    /// What was given when it was made: `{"tag": …}`.
    pub metadata: Value,
    /// The length of its text, in bytes.
    pub bytes: usize,
}

impl View<'_> {
    /// Whether `hash` is a token of `uuid`. The look-up may take a time that depends on how much of the hash fits:
    /// without the pepper nobody can choose hashes, so that tells nothing about the token.
    ///
    /// # Errors
    /// What the database reports.
    pub fn knows_token(&self, uuid: &DeviceUuid, hash: &TokenHash) -> Result<bool, StoreError> {
        self.has(&format!("SELECT 1 FROM tokens WHERE uuid = ?1 AND hash = ?2 AND {IS_KNOWN}"), (uuid, hash))
    }

    /// What [`StoredToken::seq`] calls the token `hash` of `uuid`, if there is one.
    ///
    /// # Errors
    /// What the database reports.
    pub fn token_seq(&self, uuid: &DeviceUuid, hash: &TokenHash) -> Result<Option<i64>, StoreError> {
        self.first(
            &format!("SELECT seq FROM tokens WHERE uuid = ?1 AND hash = ?2 AND {IS_KNOWN}"),
            (uuid, hash),
            |row| row.get(0),
        )
    }

    /// Whether the token of this [`StoredToken::seq`] still holds.
    ///
    /// # Errors
    /// What the database reports.
    pub fn keeps_token(&self, seq: i64) -> Result<bool, StoreError> {
        self.has(&format!("SELECT seq FROM tokens WHERE seq = ?1 AND {IS_KNOWN}"), [seq])
    }

    /// The tokens of `uuid`, newest first, at most `limit`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn tokens(&self, uuid: &DeviceUuid, limit: usize) -> Result<Vec<StoredToken>, StoreError> {
        let mut tokens = Vec::new();
        if limit > 0 {
            self.visit_tokens(uuid, |token| {
                tokens.push(token);
                Ok(tokens.len() < limit)
            })?;
        }
        Ok(tokens)
    }

    /// Shows the tokens of `uuid` one by one, newest first, for as long as `visit` answers true.
    ///
    /// # Errors
    /// Those of `visit`, and what the database reports.
    pub fn visit_tokens(
        &self,
        uuid: &DeviceUuid,
        visit: impl FnMut(StoredToken) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        self.visit_tokens_before(uuid, i64::MAX, visit)
    }

    /// As [`View::visit_tokens`], but only those that are older than the one of this [`StoredToken::seq`].
    ///
    /// # Errors
    /// As [`View::visit_tokens`].
    pub fn visit_tokens_before(
        &self,
        uuid: &DeviceUuid,
        before: i64,
        mut visit: impl FnMut(StoredToken) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        // Their names are put into order alone, not all that is known of them.
        let sql = "SELECT seq, root, metadata FROM tokens
                   WHERE seq IN (SELECT seq FROM tokens WHERE uuid = ?1 AND seq < ?2) ORDER BY seq DESC";
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query((uuid, before))?;
        while let Some(row) = rows.next()? {
            let text = text(row, 2)?;
            let (metadata, bytes) = (serde_json::from_str(text).unwrap_or_default(), text.len());
            if !visit(StoredToken { seq: row.get(0)?, root: row.get(1)?, metadata, bytes })? {
                break;
            }
        }
        Ok(())
    }
}

impl Transaction<'_> {
    /// Adds a token to `uuid`.
    ///
    /// # Errors
    /// [`StoreError::Full`], or what the database reports.
    pub fn add_token(&self, uuid: &DeviceUuid, hash: &TokenHash, metadata: &Value) -> Result<(), StoreError> {
        self.check_room()?;
        self.execute(INSERT, (uuid, hash, false, metadata.to_string()))
    }

    /// Adds a token to the device of `work`, which needs it to end; it ends with it.
    ///
    /// # Errors
    /// What the database reports.
    pub fn lend_token(
        &self,
        work: &NewDelivery,
        hash: &TokenHash,
        metadata: &Value,
    ) -> Result<(), StoreError> {
        self.use_reserve();
        self.add_token(&work.device, hash, metadata)?;
        let sql = "UPDATE tokens SET lent = ?3 WHERE uuid = ?1 AND hash = ?2";
        self.execute(sql, (&work.device, hash, &work.id))
    }

    /// Removes what was lent for the work of this id, and answers the hashes.
    ///
    /// # Errors
    /// What the database reports.
    pub fn end_lent(&self, id: &DeliveryId) -> Result<Vec<TokenHash>, StoreError> {
        self.all("DELETE FROM tokens WHERE lent = ?1 RETURNING hash", [id], |row| row.get(0))
    }

    /// Removes whatever was lent, and answers the hashes with the devices whose tokens they were.
    ///
    /// # Errors
    /// What the database reports.
    pub fn end_all_lent(&self) -> Result<Vec<(DeviceUuid, TokenHash)>, StoreError> {
        self.all("DELETE FROM tokens WHERE lent IS NOT NULL RETURNING hash, uuid", [], |row| {
            Ok((row.get(1)?, row.get(0)?))
        })
    }

    /// Makes `hash` the only root token of `uuid`; answers the one it had before.
    ///
    /// # Errors
    /// What the database reports.
    pub fn replace_root_token(
        &self,
        uuid: &DeviceUuid,
        hash: &TokenHash,
    ) -> Result<Option<TokenHash>, StoreError> {
        let sql = "DELETE FROM tokens WHERE uuid = ?1 AND root RETURNING hash";
        let before = self.first(sql, [uuid], |row| row.get(0))?;
        self.execute(INSERT, (uuid, hash, true, "{}"))?;
        Ok(before)
    }

    /// Removes one token of `uuid`, if it has it.
    ///
    /// # Errors
    /// What the database reports.
    pub fn remove_token(&self, uuid: &DeviceUuid, hash: &TokenHash) -> Result<(), StoreError> {
        let sql = "DELETE FROM tokens WHERE uuid = ?1 AND hash = ?2";
        self.execute(sql, (uuid, hash))
    }

    /// Removes the token that [`StoredToken::seq`] names, and answers its hash.
    ///
    /// # Errors
    /// What the database reports.
    pub fn remove_stored_token(&self, seq: i64) -> Result<Option<TokenHash>, StoreError> {
        let sql = "DELETE FROM tokens WHERE seq = ?1 RETURNING hash";
        self.first(sql, [seq], |row| row.get(0))
    }
}
