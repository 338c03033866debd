//! How a renewal reads and keeps what is sealed; supplied by whoever owns the records.

use std::fmt;

use futures_util::future::BoxFuture;

use super::error::RecordsError;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{Fingerprint, StoreError, StoredRecord, Transaction};
use crate::vault::SecretText;

/// What a record holds of interest here. Prints no secret.
#[derive(Debug)]
pub struct Held {
    /// The access token.
    pub access: SecretText,
    /// What buys the next pair.
    pub refresh: Option<SecretText>,
    /// By which client of the API that came, where the record says.
    pub client: Option<String>,
}

/// What a new record is to hold in place of the old. Prints no secret.
#[derive(Debug)]
pub struct NewSecret {
    /// The access token.
    pub access: SecretText,
    /// The refresh token: the new one, or the old where the answer had none.
    pub refresh: SecretText,
    /// By which client of the API both came.
    pub client: String,
    /// What it takes the place of.
    pub replaced: Replaced,
    /// Whether what the old record sets aside stays behind: the new one is to end, and that goes on or ends with another.
    pub is_alone: bool,
    /// The generation of the new record.
    pub generation: u64,
}

/// An access token in whose place another comes. Prints no secret.
#[derive(Debug)]
pub struct Replaced {
    /// What the new one was asked for with. A record that holds another by now is of a sign-in since.
    pub tried: SecretText,
    /// Whether the API is known to refuse that.
    pub is_refused: bool,
    /// When the one in the record ends by itself, where that is known.
    pub ends_at: Option<Timestamp>,
}

/// How a renewal was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    /// When, by the clock.
    pub asked_at: Timestamp,
    /// What for.
    pub sake: Sake,
}

/// What a renewal is for.
#[derive(Clone, Copy, Debug)]
pub enum Sake {
    /// That credentials can be used.
    Use {
        /// What the newest receipt was then: whoever ended the secret since did so by a later one.
        last_receipt: i64,
    },
    /// That a secret ends at the API, by what is brought for it.
    End {
        /// What names its sealed copy in the store.
        copy: i64,
    },
}

/// What a renewal came to whose record is gone, or has another in its place.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// How it was asked for.
    pub sending: Sending,
    /// What came.
    pub came_to: CameTo,
}

/// A secret that is nobody's.
#[derive(Clone, Copy, Debug)]
pub struct Stranded<'a> {
    /// The secret, sealed like the record whose place it was to take.
    pub record: &'a StoredRecord,
    /// Its refresh token.
    pub refresh: Fingerprint,
    /// When its access token ends by itself, where that is known.
    pub ends_at: Option<Timestamp>,
    /// How it was asked for.
    pub sending: Sending,
}

/// What came of a renewal, where that is nobody's concern but of whoever waits for it.
#[derive(Clone, Copy, Debug)]
pub enum CameTo {
    /// It is certain that it brought no secret.
    Nothing,
    /// Other credentials hold what it brought.
    ElsewhereHeld,
}

type IsOurs = dyn Fn(Option<&str>) -> bool + Send + Sync;
type Open = dyn Fn(DeviceUuid, StoredRecord) -> BoxFuture<'static, Result<Held, RecordsError>> + Send + Sync;
type Seal = dyn Fn(DeviceUuid, StoredRecord, NewSecret) -> BoxFuture<'static, Result<StoredRecord, RecordsError>>
    + Send
    + Sync;
type Strand = dyn Fn(&Transaction<'_>, &DeviceUuid, Stranded<'_>) -> Result<(), StoreError> + Send + Sync;
type CameToFn = dyn Fn(&Transaction<'_>, &DeviceUuid, Outcome) -> Result<(), StoreError> + Send + Sync;
type Project = dyn Fn(&Transaction<'_>, &DeviceUuid, &StoredRecord) -> Result<(), StoreError> + Send + Sync;

/// The records of the gateway.
pub struct Records {
    /// Whether secrets with this source, as the record has it, are renewed here at all.
    pub is_ours: Box<IsOurs>,
    /// Opens one.
    pub open: Box<Open>,
    /// Seals a new secret like the old record, in which everything else stays, who may manage it above all.
    pub seal: Box<Seal>,
    /// Called in the transaction that stores a new record, so that the bus's copy follows.
    pub project: Box<Project>,
    /// Called in the transaction that finds that no record holds the refresh token any more which was sent: what was given
    /// for it is nobody's. Where somebody ended the credentials or signed in anew meanwhile, that is to end as well.
    pub strand: Box<Strand>,
    /// Called in the same case where no secret is nobody's.
    pub came_to: Box<CameToFn>,
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Records")
    }
}
