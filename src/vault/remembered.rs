//! The memory of opened records: bounded, short-lived, encrypted under a key that dies with the process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use aws_lc_rs::digest::{Context, SHA256};
use zeroize::Zeroizing;

use super::buffer::WipedBuffer;
use super::credentials::{Opened, Terms};
use super::record::SealedText;
use crate::ambient::{Random, Timestamp};
use crate::message::DeviceUuid;

const NONCE_BYTES: usize = 12;

/// How many opened records are remembered, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct RememberSettings {
    /// The most records; the one that was not asked for longest makes room.
    pub capacity: usize,
    /// How long after its opening a record must be opened again.
    pub life: Duration,
}

/// The hash of everything that is stored of a record, and of the device it was read from.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Lengths go in too, so that no two records hash the same bytes.
    pub(super) fn of(device: &DeviceUuid, sealed: SealedText<'_>) -> Self {
        let mut hash = Context::new(&SHA256);
        for part in [device.as_str(), sealed.endo, sealed.signature] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

struct Entry {
    sealed: Arc<Zeroizing<Vec<u8>>>,
    until: Timestamp,
    last_use: u64,
}

#[derive(Default)]
struct Entries {
    by_record: HashMap<Fingerprint, Entry>,
    uses: u64,
}

/// Opened records under the fingerprints of their sealed form.
pub(super) struct Remembered {
    cipher: Aes256Gcm,
    random: Random,
    settings: RememberSettings,
    entries: Mutex<Entries>,
}

impl Remembered {
    /// An empty memory with a key of its own.
    pub(super) fn new(settings: RememberSettings, random: Random) -> Self {
        let key = Zeroizing::new(random.bytes::<32>());
        let cipher = Aes256Gcm::new_from_slice(&*key).expect("32 bytes are an AES-256 key");
        Self { cipher, random, settings, entries: Mutex::default() }
    }

    /// What was kept for this very record, if its time has not passed.
    pub(super) fn recall(&self, record: Fingerprint, now: Timestamp) -> Option<Opened> {
        let sealed = self.entries().find(record, now)?;
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_BYTES)?;
        let payload = Payload { msg: ciphertext, aad: &record.0 };
        let bytes = self.cipher.decrypt(Nonce::from_slice(nonce), payload).ok().map(Zeroizing::new)?;
        read(&bytes)
    }

    /// Keeps an opened record.
    pub(super) fn keep(&self, record: Fingerprint, opened: &Opened, now: Timestamp) {
        if self.settings.capacity == 0 {
            return;
        }
        let nonce = self.random.bytes::<NONCE_BYTES>();
        let payload = Payload { msg: &write(opened), aad: &record.0 };
        let ciphertext = self.cipher.encrypt(Nonce::from_slice(&nonce), payload);
        let ciphertext = ciphertext.expect("a record is far below what AES-GCM takes");
        let sealed = Arc::new(Zeroizing::new([&nonce[..], &ciphertext].concat()));
        let until = now.plus(self.settings.life);
        let mut entries = self.entries();
        entries.by_record.remove(&record);
        entries.make_room(self.settings.capacity, now);
        entries.uses += 1;
        let last_use = entries.uses;
        entries.by_record.insert(record, Entry { sealed, until, last_use });
    }

    /// Wipes what was kept for this record.
    pub(super) fn forget(&self, record: Fingerprint) {
        self.entries().by_record.remove(&record);
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn find(&mut self, record: Fingerprint, now: Timestamp) -> Option<Arc<Zeroizing<Vec<u8>>>> {
        self.uses += 1;
        let entry = self.by_record.get_mut(&record)?;
        if now >= entry.until {
            self.by_record.remove(&record);
            return None;
        }
        entry.last_use = self.uses;
        Some(Arc::clone(&entry.sealed))
    }

    /// Looks at every entry, which is little beside the private-key operation that comes before each keeping.
    fn make_room(&mut self, capacity: usize, now: Timestamp) {
        self.by_record.retain(|_, entry| now < entry.until);
        while self.by_record.len() >= capacity {
            let Some(oldest) = self.by_record.iter().min_by_key(|(_, entry)| entry.last_use) else { return };
            let oldest = *oldest.0;
            self.by_record.remove(&oldest);
        }
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// One line of terms, then the contents.
fn write(opened: &Opened) -> Zeroizing<Vec<u8>> {
    let mut bytes = WipedBuffer::default();
    serde_json::to_writer(&mut bytes, &opened.terms).expect("a buffer takes every byte");
    bytes.push(b"\n");
    bytes.push(&opened.contents);
    bytes.into_bytes()
}

fn read(bytes: &[u8]) -> Option<Opened> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let terms: Terms = serde_json::from_slice(&bytes[..end]).ok()?;
    Some(Opened { terms, contents: Zeroizing::new(bytes[end + 1..].to_vec()) })
}
