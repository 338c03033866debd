//! Refresh tokens that others were given for, by their fingerprints.

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

/// The length of a fingerprint, in bytes.
const FINGERPRINT: usize = 32;
/// How many are known: more than are spent while somebody signs in, or from one look at what is to end until the next.
const MOST: usize = 8;

/// The refresh tokens of one credential that were spent last, whoever signed in since: none of them is of use any more. The
/// oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent(Vec<u8>);

impl Spent {
    /// Whether the refresh token with this fingerprint is one of them.
    pub fn has(&self, fingerprint: &[u8; FINGERPRINT]) -> bool {
        self.0.chunks_exact(FINGERPRINT).any(|known| known == fingerprint)
    }

    /// These, and then one that was spent now.
    #[must_use]
    pub fn and(mut self, fingerprint: [u8; FINGERPRINT]) -> Self {
        self.0.extend(fingerprint);
        self.0.drain(..self.0.len().saturating_sub(MOST * FINGERPRINT));
        self
    }
}

impl ToSql for Spent {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for Spent {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(value.as_blob_or_null()?.unwrap_or_default().to_owned()))
    }
}
