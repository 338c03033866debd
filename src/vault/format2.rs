//! Records of format 2: a compact JWE (RFC 7516) under an RS256 signature over the canonical JSON (RFC 8785) of
//! `endo` as stored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::canonical::canonicalize_members;
use super::contents::{Contents, Format, LAST_GENERATION, SealError, Sealed};
use super::credentials::{Opened, Terms};
use super::json_text::stringify_members;
use super::jwe::{self, Jwe};
use super::key::PrivateKey;
use super::owner_id::ResourceOwnerId;
use super::owners::Owners;
use super::record::{MAX_BYTES, RecordError, SealedRecord};
use super::ring::KeyRing;
use super::secret::SecretMap;
use crate::message::DeviceUuid;

/// What `endo.version` says.
pub(super) const VERSION: &str = "2.0.0";

/// The members a header has; one with any other is refused, `zip` and `crit` among them.
const HEADER_MEMBERS: [&str; 6] = ["alg", "enc", "kid", "device", "hosts", "source"];

/// A record that one of our keys signed, still encrypted.
struct VerifiedRecord<'a>(SealedRecord<'a>);

/// The member of `endo` that counts the owners whom `authorizedKey` alone shows; none where there are none.
const UNNAMED_OWNERS: &str = "unnamedOwners";

/// What a header says, once it was found acceptable.
struct Header {
    kid: String,
    hosts: Vec<String>,
    source: Option<String>,
}

/// What a record says of its secret outside of it: in its protected header, and the generation beside that.
pub(super) struct Purpose<'a> {
    pub(super) device: &'a DeviceUuid,
    pub(super) hosts: &'a [String],
    pub(super) source: Option<&'a str>,
    pub(super) generation: u64,
}

/// Seals `contents` for `device`.
pub(super) fn seal(key: &PrivateKey, device: &DeviceUuid, contents: &Contents) -> Result<Sealed, SealError> {
    let mut document = contents.document();
    document.expose_mut().insert("owners".to_owned(), json!(contents.owners.named));
    let head = head(key, device, &contents.id, &contents.owners);
    let Contents { hosts, source, generation, .. } = contents;
    let purpose = Purpose { device, hosts, source: source.as_deref(), generation: *generation };
    seal_like(key, head, &purpose, &document)
}

/// The members of `endo` by which a record is found: whose device, whose account, and who may manage it.
pub(super) fn head(
    key: &PrivateKey,
    device: &DeviceUuid,
    id: &ResourceOwnerId,
    owners: &Owners,
) -> Map<String, Value> {
    let named = owners.named.iter().map(|owner| key.sign_value(&owner.as_str().into()));
    let owner_keys: Vec<_> = named.chain(owners.unnamed.iter().cloned()).collect();
    let mut endo = Map::new();
    endo.insert("authorizedKey".to_owned(), json!(owner_keys));
    endo.insert("idKey".to_owned(), key.sign_value(&id.to_value()).into());
    endo.insert("credentialsDeviceUuid".to_owned(), json!(device));
    endo.insert("version".to_owned(), VERSION.into());
    if !owners.unnamed.is_empty() {
        endo.insert(UNNAMED_OWNERS.to_owned(), owners.unnamed.len().into());
    }
    endo
}

/// What `authorizedKey` holds of the owners whom the record does not name inside.
pub(super) fn unnamed_owners(record: &SealedRecord<'_>) -> Vec<String> {
    let mut owner_keys = record.owner_keys();
    let unnamed = record.endo.get(UNNAMED_OWNERS).and_then(Value::as_u64).unwrap_or_default();
    let unnamed = usize::try_from(unnamed).unwrap_or(usize::MAX);
    // Those that it names come first.
    owner_keys.split_off(owner_keys.len().saturating_sub(unnamed))
}

/// Seals `document` with the other members of `endo`, which stay as they are but for the generation.
pub(super) fn seal_like(
    key: &PrivateKey,
    mut endo: Map<String, Value>,
    purpose: &Purpose<'_>,
    document: &SecretMap,
) -> Result<Sealed, SealError> {
    let Purpose { device, hosts, source, generation } = *purpose;
    if generation > LAST_GENERATION {
        return Err(SealError::Generation);
    }
    let text: Zeroizing<String> = stringify_members(document.expose());
    let mut header = json!({
        "alg": jwe::ALGORITHM, "enc": jwe::ENCRYPTION, "kid": key.kid(), "device": device, "hosts": hosts,
    });
    if let Some(source) = source {
        header["source"] = json!(source);
    }
    endo.insert("generation".to_owned(), generation.into());
    endo.insert("encrypted".to_owned(), jwe::seal(key, &header.to_string(), text.as_bytes()).into());
    let signed = canonicalize_members(&endo);
    if signed.len() > MAX_BYTES {
        return Err(SealError::TooLarge);
    }
    let signature = STANDARD.encode(key.sign(signed.as_bytes()));
    Ok(Sealed { endo: endo.into(), signature })
}

/// Opens a record that one of our keys signed; its signature is verified before anything inside is looked at.
pub(super) fn open(record: SealedRecord<'_>, ring: &KeyRing) -> Result<Opened, RecordError> {
    decrypt(&verify(record, ring)?, ring)
}

fn verify<'a>(record: SealedRecord<'a>, ring: &KeyRing) -> Result<VerifiedRecord<'a>, RecordError> {
    if ring.verifies(canonicalize_members(&record.endo).as_bytes(), &record.signature) {
        Ok(VerifiedRecord(record))
    } else {
        Err(RecordError::Signature)
    }
}

/// Decrypts a record whose header is for this device, our keys and our algorithms.
fn decrypt(VerifiedRecord(record): &VerifiedRecord<'_>, ring: &KeyRing) -> Result<Opened, RecordError> {
    let jwe = Jwe::parse(record.encrypted()?)?;
    let header = read_header(&jwe.header, record.device)?;
    let key = ring.by_kid(&header.kid).ok_or(RecordError::UnknownKey)?;
    let generation = record.endo.get("generation").and_then(Value::as_u64);
    let generation = generation.filter(|&count| count <= LAST_GENERATION).ok_or(RecordError::Generation)?;
    let contents = jwe.open(key)?;
    let Header { hosts, source, .. } = header;
    let owner_keys = record.owner_keys();
    let terms = Terms { format: Format::Two, hosts: Some(hosts), source, generation, owner_keys };
    Ok(Opened { terms, contents })
}

/// The name of the key that the record is sealed for, as its header says.
pub(super) fn kid_of(record: &SealedRecord<'_>) -> Result<String, RecordError> {
    let jwe = Jwe::parse(record.encrypted()?)?;
    Ok(read_header(&jwe.header, record.device)?.kid)
}

fn read_header(text: &[u8], device: &DeviceUuid) -> Result<Header, RecordError> {
    let members: Map<String, Value> = serde_json::from_slice(text).map_err(|_| RecordError::Header)?;
    if members.keys().any(|name| !HEADER_MEMBERS.contains(&name.as_str())) {
        return Err(RecordError::Header);
    }
    let text = |name: &str| members.get(name).and_then(Value::as_str).ok_or(RecordError::Header);
    if (text("alg")?, text("enc")?) != (jwe::ALGORITHM, jwe::ENCRYPTION) {
        return Err(RecordError::Algorithm);
    }
    if text("device")? != device.as_str() {
        return Err(RecordError::WrongDevice);
    }
    let hosts = members.get("hosts").cloned().unwrap_or_default();
    let hosts = serde_json::from_value(hosts).map_err(|_| RecordError::Hosts)?;
    let source = members.contains_key("source").then(|| text("source").map(str::to_owned)).transpose()?;
    Ok(Header { kid: text("kid")?.to_owned(), hosts, source })
}
