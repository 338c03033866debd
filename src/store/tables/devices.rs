//! Device documents: the text as it came, beside the values that searches look for.

use std::sync::Arc;

use serde_json::Value;

use crate::memory::weight;
use crate::message::DeviceUuid;
use crate::store::columns::{Count, text};
use crate::store::{StoreError, Transaction, View};

/// The paths whose strings, also inside arrays, can be looked up without reading every document.
const INDEXED: [&[&str]; 4] = [&["endo", "idKey"], &["endo", "authorizedKey"], &["owner"], &["type"]];

const DOCUMENT: &str = "SELECT document FROM devices WHERE uuid = ?1";

/// What reading a document costs beside its text, in bytes.
const PER_DOCUMENT: usize = 256;

/// A document and the text that keeps it.
#[derive(Clone, Debug)]
pub struct StoredDevice {
    /// The device's name.
    pub uuid: DeviceUuid,
    /// The document, its keys in their order.
    pub document: Arc<Value>,
    /// The length of its text, in bytes.
    pub bytes: usize,
}

/// Where to look for devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The devices of these names.
    Uuids(Vec<DeviceUuid>),
    /// The devices that hold this string at an indexed path, such as `endo.idKey`.
    Indexed(String, String),
    /// All devices.
    Everything,
}

/// How many strings of a document can be looked up; each is written anew with every change of the document.
pub fn indexed_strings(document: &Value) -> usize {
    INDEXED.iter().map(|path| strings(document, path).len()).sum()
}

impl Lookup {
    /// The paths whose strings can be looked up, the most telling first.
    pub fn indexed_paths() -> impl Iterator<Item = String> {
        INDEXED.iter().map(|path| path.join("."))
    }
}

impl View<'_> {
    /// The document of `uuid`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn device(&self, uuid: &DeviceUuid) -> Result<Option<Arc<Value>>, StoreError> {
        self.device_if(uuid, |_| true)
    }

    /// The document of `uuid`; where it is not at hand, only if `may_read` allows so many bytes of text.
    ///
    /// # Errors
    /// What the database reports.
    pub fn device_if(
        &self,
        uuid: &DeviceUuid,
        may_read: impl FnOnce(usize) -> bool,
    ) -> Result<Option<Arc<Value>>, StoreError> {
        if let Some(known) = self.cache().and_then(|cache| cache.borrow_mut().find(uuid)) {
            return Ok(Some(known));
        }
        let Some(text) = self.device_text(uuid)?.filter(|text| may_read(text.len())) else { return Ok(None) };
        let document = Arc::new(parse(&text)?);
        if let Some(cache) = self.cache() {
            cache.borrow_mut().keep(uuid.clone(), Arc::clone(&document), weight::of_text(text.as_bytes()));
        }
        Ok(Some(document))
    }

    /// The text of the document of `uuid`.
    ///
    /// # Errors
    /// What the database reports.
    pub fn device_text(&self, uuid: &DeviceUuid) -> Result<Option<String>, StoreError> {
        self.first(DOCUMENT, [uuid], |row| row.get(0))
    }

    /// Whether there is any.
    ///
    /// # Errors
    /// What the database reports.
    pub fn has_devices(&self) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM devices)";
        self.value(sql, [])
    }

    /// Hands devices to `visit`, newest registered first, until it answers `false`.
    /// At most `budget` bytes of documents are read.
    ///
    /// # Errors
    /// [`StoreError::TooSlow`] when the budget is spent; else what the database reports.
    pub fn visit_devices(
        &self,
        lookup: &Lookup,
        budget: usize,
        mut visit: impl FnMut(StoredDevice) -> bool,
    ) -> Result<(), StoreError> {
        let mut left = budget;
        self.visit_texts(lookup, |uuid, text| {
            left = left.checked_sub(PER_DOCUMENT + text.len()).ok_or(StoreError::TooSlow)?;
            Ok(visit(StoredDevice { uuid: uuid.into(), document: Arc::new(parse(text)?), bytes: text.len() }))
        })
    }

    /// Hands the names of devices and the texts of their documents to `visit`, newest registered first, until it
    /// answers `false`.
    ///
    /// # Errors
    /// Those of `visit`, and what the database reports.
    pub fn visit_texts(
        &self,
        lookup: &Lookup,
        mut visit: impl FnMut(&str, &str) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let (sql, parameters): (_, Vec<String>) = match lookup {
            Lookup::Uuids(uuids) => (
                "SELECT uuid, document FROM devices
                 WHERE seq IN (SELECT seq FROM devices WHERE uuid IN (SELECT value FROM json_each(?1)))
                 ORDER BY seq DESC",
                vec![serde_json::json!(uuids).to_string()],
            ),
            Lookup::Indexed(path, value) => (
                "SELECT uuid, document FROM device_values JOIN devices USING (seq)
                 WHERE path = ?1 AND value = ?2 ORDER BY seq DESC",
                vec![path.clone(), value.clone()],
            ),
            Lookup::Everything => ("SELECT uuid, document FROM devices ORDER BY seq DESC", vec![]),
        };
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(parameters))?;
        while let Some(row) = rows.next()? {
            if !visit(text(row, 0)?, text(row, 1)?)? {
                break;
            }
        }
        Ok(())
    }

    /// The devices that hold one of these strings at an indexed path, newest registered first.
    ///
    /// # Errors
    /// What the database reports.
    pub fn devices_holding(&self, path: &str, values: &[String]) -> Result<Vec<DeviceUuid>, StoreError> {
        let sql = "SELECT DISTINCT uuid, seq FROM device_values JOIN devices USING (seq)
                   WHERE path = ?1 AND value IN (SELECT value FROM json_each(?2)) ORDER BY seq DESC";
        self.all(sql, (path, serde_json::json!(values).to_string()), |row| row.get(0))
    }

    /// Those of `devices` that are registered, newest first.
    ///
    /// # Errors
    /// What the database reports.
    pub fn newest_registered_first(&self, devices: &[DeviceUuid]) -> Result<Vec<DeviceUuid>, StoreError> {
        let sql = "SELECT uuid FROM devices
                   WHERE seq IN (SELECT seq FROM devices WHERE uuid IN (SELECT value FROM json_each(?1)))
                   ORDER BY seq DESC";
        self.all(sql, [serde_json::json!(devices).to_string()], |row| row.get(0))
    }
}

impl Transaction<'_> {
    /// Adds a device. Its uuid is new.
    ///
    /// # Errors
    /// [`StoreError::Full`], or what the database reports.
    pub fn add_device(&self, uuid: &DeviceUuid, document: &Value) -> Result<(), StoreError> {
        self.check_room()?;
        let sql = "INSERT INTO devices (uuid, document) VALUES (?1, ?2)";
        self.execute(sql, (uuid, document.to_string()))?;
        self.touch(uuid);
        self.index(self.last_insert_rowid(), document)
    }

    /// Puts `document` in the place of the one that `uuid` has.
    ///
    /// # Errors
    /// [`StoreError::Full`] for a document that grows where there is little room; else what the database reports.
    pub fn replace_device(&self, uuid: &DeviceUuid, document: &Value) -> Result<(), StoreError> {
        let text = document.to_string();
        if self.is_short_of_room()? && text.len() as u64 > self.device_bytes(uuid)? {
            return Err(StoreError::Full);
        }
        if document.get("endo").is_some() {
            // What it showed before held a sealed secret too.
            self.overwrite_what_is_freed()?;
        }
        let sql = "UPDATE devices SET document = ?2 WHERE uuid = ?1 RETURNING seq";
        let seq = self.value(sql, (uuid, &text))?;
        self.touch(uuid);
        self.execute("DELETE FROM device_values WHERE seq = ?1", [seq])?;
        self.index(seq, document)
    }

    fn device_bytes(&self, uuid: &DeviceUuid) -> Result<u64, StoreError> {
        let sql = "SELECT octet_length(document) FROM devices WHERE uuid = ?1";
        self.value(sql, [uuid]).map(|Count(bytes)| bytes)
    }

    fn index(&self, seq: i64, document: &Value) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO device_values (path, value, seq) VALUES (?1, ?2, ?3)";
        for path in INDEXED {
            for value in strings(document, path) {
                self.execute(sql, (path.join("."), value, seq))?;
            }
        }
        Ok(())
    }
}

/// The strings that a search for this path can match: also elements of an array there, also through arrays of
/// objects on the way.
fn strings<'a>(document: &'a Value, path: &[&str]) -> Vec<&'a str> {
    let ends = path.iter().fold(vec![document], |reached, key| {
        reached.into_iter().flat_map(one_or_many).filter_map(|value| value.get(key)).collect()
    });
    ends.into_iter().flat_map(one_or_many).filter_map(Value::as_str).collect()
}

fn one_or_many(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn parse(text: &str) -> Result<Value, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::unreadable(&error))
}
