//! A stored record on its way up: read, verified, opened.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use thiserror::Error;

use super::contents::Format;
use super::credentials::Opened;
use super::node_base64;
use super::owner_id::NotAResourceOwnerId;
use super::rekey::Need;
use super::ring::KeyRing;
use super::{format1, format2};
use crate::message::DeviceUuid;

/// The longest `endo` that is looked at, in bytes of JSON.
pub(super) const MAX_BYTES: usize = 256 * 1024;

/// A record exactly as it is stored on a credentials device.
#[derive(Clone, Copy, Debug)]
pub struct SealedText<'a> {
    /// The JSON text of the device's `endo` member.
    pub endo: &'a str,
    /// The device's `endoSignature` member; empty where it has none, which no record survives.
    pub signature: &'a str,
}

/// Why a stored record is refused. Holds nothing of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecordError {
    /// `endo` is not the JSON object that it should be. Text with a lone surrogate (`\ud800`) is none either.
    #[error("not a credentials record")]
    NotARecord,
    /// `endo` is longer than any record that is sealed here.
    #[error("the record is too large")]
    TooLarge,
    /// `endo.version` names neither format.
    #[error("the record has an unknown version")]
    Version,
    /// The record was sealed for another device.
    #[error("the record belongs to another device")]
    WrongDevice,
    /// No key of the ring signed this record.
    #[error("the record's signature does not verify")]
    Signature,
    /// The encrypted part is not of a possible length.
    #[error("the record is incomplete")]
    Truncated,
    /// The encrypted part's header is not as it must be: unreadable, or with members like `zip` and `crit`.
    #[error("the record's header is not acceptable")]
    Header,
    /// The encrypted part's header names other algorithms than RSA-OAEP-256 and A256GCM.
    #[error("the record names an algorithm that is not accepted")]
    Algorithm,
    /// The encrypted part's header names a key that is not in the ring.
    #[error("the record is sealed for an unknown key")]
    UnknownKey,
    /// The encrypted part's header has no list of hosts.
    #[error("the record's hosts are not a list of names")]
    Hosts,
    /// `endo.generation` is not a whole number.
    #[error("the record's generation is not a whole number")]
    Generation,
    /// No key of the ring decrypts the record.
    #[error("the record cannot be decrypted")]
    Decryption,
    /// What was decrypted is not a credentials object.
    #[error("the record's contents are not credentials")]
    Contents,
    /// The `id` inside is one that must not be signed.
    #[error("the record's resource owner is not acceptable")]
    ResourceOwnerId(#[from] NotAResourceOwnerId),
}

/// A record that was read: it has the shape of one and names the device it was read from.
pub(super) struct SealedRecord<'a> {
    pub(super) device: &'a DeviceUuid,
    pub(super) endo: Map<String, Value>,
    pub(super) signature: Vec<u8>,
    format: Format,
}

impl<'a> SealedRecord<'a> {
    /// Reads the stored texts.
    pub(super) fn read(device: &'a DeviceUuid, sealed: SealedText<'_>) -> Result<Self, RecordError> {
        if sealed.endo.len() > MAX_BYTES || sealed.signature.len() > MAX_BYTES {
            return Err(RecordError::TooLarge);
        }
        let endo: Map<String, Value> =
            serde_json::from_str(sealed.endo).map_err(|_| RecordError::NotARecord)?;
        let format = format_of(&endo)?;
        let owner =
            endo.get("credentialsDeviceUuid").and_then(Value::as_str).ok_or(RecordError::NotARecord)?;
        if owner != device.as_str() {
            return Err(RecordError::WrongDevice);
        }
        Ok(Self { device, endo, signature: node_base64::decode(sealed.signature).to_vec(), format })
    }

    /// What is inside a record that one of our keys signed.
    pub(super) fn open(self, ring: &KeyRing) -> Result<Opened, RecordError> {
        match self.format {
            Format::One => format1::open(self, ring),
            Format::Two => format2::open(self, ring),
        }
    }

    /// Which key it needs.
    pub(super) fn need(&self, ring: &KeyRing) -> Result<Need, RecordError> {
        let format = self.format;
        if format == Format::One {
            let kid = format1::key_of(self, ring)?;
            return Ok(Need { format, kid, missing: None, names_owners: false, found_by: Vec::new() });
        }
        let kid = Some(format2::kid_of(self)?).filter(|kid| ring.by_kid(kid).is_some());
        let signatures = self.owner_keys().into_iter().chain(self.id_key());
        let makers = signatures.filter_map(|text| ring.maker_of(&node_base64::decode(&text)));
        let others = makers.map(|key| key.kid().to_owned()).filter(|maker| kid.as_ref() != Some(maker));
        let found_by = others.collect::<BTreeSet<_>>().into_iter().collect();
        let (missing, names_owners) = (self.missing_key(ring), format2::unnamed_owners(self).is_empty());
        Ok(Need { format, kid, missing, names_owners, found_by })
    }

    /// The name of its key as it says, where that is none of the ring's and may be one.
    pub(super) fn missing_key(&self, ring: &KeyRing) -> Option<String> {
        if self.format == Format::One {
            return None;
        }
        format2::kid_of(self).ok().filter(|kid| is_thumbprint(kid) && ring.by_kid(kid).is_none())
    }

    /// What `idKey` holds: a signature of the account.
    fn id_key(&self) -> Option<String> {
        self.endo.get("idKey")?.as_str().map(str::to_owned)
    }

    /// What `authorizedKey` holds: a signature for each owner.
    pub(super) fn owner_keys(&self) -> Vec<String> {
        let text = |key: &Value| key.as_str().map(str::to_owned);
        match self.endo.get("authorizedKey") {
            Some(Value::Array(keys)) => keys.iter().filter_map(text).collect(),
            key => key.and_then(text).into_iter().collect(),
        }
    }

    /// The encrypted part.
    pub(super) fn encrypted(&self) -> Result<&str, RecordError> {
        self.endo.get("encrypted").and_then(Value::as_str).ok_or(RecordError::NotARecord)
    }
}

/// Whether a text has the form of a SHA-256 thumbprint (RFC 7638).
fn is_thumbprint(text: &str) -> bool {
    text.len() == 43 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The oldest records name no version.
fn format_of(endo: &Map<String, Value>) -> Result<Format, RecordError> {
    match endo.get("version").map(Value::as_str) {
        None | Some(Some(format1::VERSION)) => Ok(Format::One),
        Some(Some(format2::VERSION)) => Ok(Format::Two),
        Some(_) => Err(RecordError::Version),
    }
}
