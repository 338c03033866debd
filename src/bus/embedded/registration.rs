//! The document of a new device, and the marks that every change leaves on it (`spec/meshblu.md` 1.3, 1.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;

/// What only the bus may say about a device.
const OURS: [&str; 3] = ["uuid", "token", "_id"];
const OPEN_BY_DEFAULT: [&str; 4] =
    ["discoverWhitelist", "configureWhitelist", "sendWhitelist", "receiveWhitelist"];

/// The document of a device that registers with this body; a body that is no object counts as empty.
/// The order of the body's keys is kept.
pub fn register(body: Value, uuid: &DeviceUuid, now: Timestamp) -> Value {
    let Value::Object(mut body) = body else { return register(json!({}), uuid, now) };
    for key in OURS {
        body.shift_remove(key);
    }
    if body.get("meshblu").and_then(|meshblu| meshblu.get("version")) != Some(&json!("2.0.0")) {
        open_version_1(&mut body);
    }
    let mut document = Map::from_iter([("online".to_owned(), json!(false))]);
    document.extend(body);
    document.insert("uuid".to_owned(), json!(uuid));
    let mut document = Value::Object(document);
    let meshblu = meshblu(&mut document);
    meshblu.shift_remove("updatedAt");
    meshblu.shift_remove("updatedBy");
    meshblu.insert("createdAt".to_owned(), json!(now.iso_millis()));
    hash(&mut document);
    document
}

/// Marks a document that `by` changed.
pub fn touch(document: &mut Value, by: &DeviceUuid, now: Timestamp) {
    let meshblu = meshblu(document);
    meshblu.insert("updatedAt".to_owned(), json!(now.iso_millis()));
    meshblu.insert("updatedBy".to_owned(), json!(by));
    hash(document);
}

/// The document as others may see it: without a hashed token that an import may have left in it.
pub fn public(mut document: Value) -> Value {
    if let Some(members) = document.as_object_mut() {
        members.shift_remove("token");
    }
    document
}

/// A version 1 device that says nothing about a list leaves it open; its owner may see and configure it.
fn open_version_1(body: &mut Map<String, Value>) {
    if let Some(owner) = body.get("owner").filter(|owner| owner.is_string()).cloned() {
        for list in &OPEN_BY_DEFAULT[..2] {
            let list = body.entry(*list).or_insert_with(|| json!([]));
            if let Some(entries) = list.as_array_mut().filter(|entries| !entries.contains(&json!("*"))) {
                entries.push(owner.clone());
            }
        }
    }
    for list in OPEN_BY_DEFAULT {
        body.entry(list).or_insert_with(|| json!(["*"]));
    }
}

/// The members of `meshblu`, which becomes an object if it is none.
fn meshblu(document: &mut Value) -> &mut Map<String, Value> {
    let meshblu = &mut document["meshblu"];
    if !meshblu.is_object() {
        *meshblu = json!({});
    }
    meshblu.as_object_mut().expect("it has just been made one")
}

/// Keeps the place of an older hash, so that the order of keys does not change.
fn hash(document: &mut Value) {
    meshblu(document).insert("hash".to_owned(), json!(""));
    let hash = STANDARD.encode(Sha256::digest(document.to_string()));
    meshblu(document).insert("hash".to_owned(), json!(hash));
}
