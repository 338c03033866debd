//! Records of format 1, the original gateway's (`spec/endo.md` 2.8 and 3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::Oaep;
use serde_json::{Map, Value};
use sha1::Sha1;
use zeroize::Zeroizing;

use super::buffer::WipedBuffer;
use super::contents::{Contents, Format, SealError, Sealed};
use super::credentials::{Opened, Terms};
use super::json_text::stringify_members;
use super::key::PrivateKey;
use super::node_base64;
use super::owner_id::ResourceOwnerId;
use super::owners::Owners;
use super::record::{RecordError, SealedRecord};
use super::ring::KeyRing;
use super::secret::SecretMap;
use crate::message::DeviceUuid;

/// What `endo.version` says.
pub(super) const VERSION: &str = "1.0.0";

/// The most blocks that are decrypted for one record: each costs a private-key operation, and whoever has the
/// public key can make them.
const MAX_BLOCKS: usize = 128;

/// OAEP with SHA-1 adds this many bytes to a block.
const PADDING_BYTES: usize = 42;

/// Seals `contents` for `device`; the signature covers them in clear, members in this order.
pub(super) fn seal(key: &PrivateKey, device: &DeviceUuid, contents: &Contents) -> Result<Sealed, SealError> {
    let document = contents.document();
    let encrypted = encrypt_document(key, &document)?;
    let head = head(key, device, &contents.id, &contents.owners)?;
    Ok(sign(key, head, &document, encrypted))
}

/// The members of `endo` by which a record is found: whose device, whose account, and the one who may manage it.
pub(super) fn head(
    key: &PrivateKey,
    device: &DeviceUuid,
    id: &ResourceOwnerId,
    owners: &Owners,
) -> Result<Map<String, Value>, SealError> {
    let authorized_key = match (owners.named.as_slice(), owners.unnamed.as_slice()) {
        ([owner], []) => key.sign_value(&owner.as_str().into()),
        ([], [owner_key]) => owner_key.clone(),
        _ => return Err(SealError::Owners),
    };
    let mut endo = Map::new();
    endo.insert("authorizedKey".to_owned(), authorized_key.into());
    endo.insert("idKey".to_owned(), key.sign_value(&id.to_value()).into());
    endo.insert("credentialsDeviceUuid".to_owned(), device.as_str().into());
    endo.insert("version".to_owned(), VERSION.into());
    Ok(endo)
}

/// Seals `document` with the other members of `endo`, which stay as they are.
pub(super) fn seal_like(
    key: &PrivateKey,
    endo: Map<String, Value>,
    document: &SecretMap,
) -> Result<Sealed, SealError> {
    let encrypted = encrypt_document(key, document)?;
    Ok(sign(key, endo, document, encrypted))
}

fn encrypt_document(key: &PrivateKey, document: &SecretMap) -> Result<String, SealError> {
    encrypt(key, stringify_members(document.expose()).as_bytes())
}

/// The signature covers the document in clear.
fn sign(key: &PrivateKey, mut endo: Map<String, Value>, document: &SecretMap, encrypted: String) -> Sealed {
    let mut clear = SecretMap::from(endo.clone());
    clear.expose_mut().insert("encrypted".to_owned(), document.expose().clone().into());
    let signature = STANDARD.encode(key.sign(stringify_members(clear.expose()).as_bytes()));
    endo.insert("encrypted".to_owned(), encrypted.into());
    Sealed { endo: endo.into(), signature }
}

/// Decrypts a record and verifies it with the same key; the signature covers the decrypted value.
pub(super) fn open(record: SealedRecord<'_>, ring: &KeyRing) -> Result<Opened, RecordError> {
    let owner_keys = record.owner_keys();
    let encrypted = node_base64::decode(record.encrypted()?);
    let (key, contents) = decrypt_with_any(ring, &encrypted)?;
    let value: Value = serde_json::from_slice(&contents).map_err(|_| RecordError::Contents)?;
    let mut clear = SecretMap::from(record.endo);
    clear.expose_mut().insert("encrypted".to_owned(), value);
    if !key.verifies(stringify_members(clear.expose()).as_bytes(), &record.signature) {
        return Err(RecordError::Signature);
    }
    let terms = Terms { format: Format::One, hosts: None, source: None, generation: 0, owner_keys };
    Ok(Opened { terms, contents })
}

/// The name of the key that decrypts the record; one block is enough to tell.
pub(super) fn key_of(record: &SealedRecord<'_>, ring: &KeyRing) -> Result<Option<String>, RecordError> {
    let encrypted = node_base64::decode(record.encrypted()?);
    let opens = |key: &&PrivateKey| {
        let whole = !encrypted.is_empty() && encrypted.len().is_multiple_of(key.block_bytes());
        let block = encrypted.get(..key.block_bytes()).filter(|_| whole);
        block.is_some_and(|block| key.decrypt(Oaep::new::<Sha1>(), block).is_some())
    };
    Ok(ring.keys().find(opens).map(|key| key.kid().to_owned()))
}

fn decrypt_with_any<'a>(
    ring: &'a KeyRing,
    encrypted: &[u8],
) -> Result<(&'a PrivateKey, Zeroizing<Vec<u8>>), RecordError> {
    let fits = |key: &&PrivateKey| !encrypted.is_empty() && encrypted.len().is_multiple_of(key.block_bytes());
    let mut failure = RecordError::Truncated;
    for key in ring.keys().filter(fits) {
        match decrypt(key, encrypted) {
            Ok(contents) => return Ok((key, contents)),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn decrypt(key: &PrivateKey, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, RecordError> {
    if encrypted.len() / key.block_bytes() > MAX_BLOCKS {
        return Err(RecordError::TooLarge);
    }
    let mut contents = WipedBuffer::default();
    for block in encrypted.chunks(key.block_bytes()) {
        let part = key.decrypt(Oaep::new::<Sha1>(), block).ok_or(RecordError::Decryption)?;
        contents.push(&part);
    }
    Ok(contents.into_bytes())
}

/// Cuts the text into as few blocks as it takes, all but the last of the same length.
fn encrypt(key: &PrivateKey, text: &[u8]) -> Result<String, SealError> {
    let blocks = text.len().div_ceil(key.block_bytes() - PADDING_BYTES).max(1);
    if blocks > MAX_BLOCKS {
        return Err(SealError::TooLarge);
    }
    let encrypted: Vec<u8> = text
        .chunks(text.len().div_ceil(blocks))
        .flat_map(|block| key.encrypt(Oaep::new::<Sha1>(), block))
        .collect();
    Ok(STANDARD.encode(encrypted))
}
