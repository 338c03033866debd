//! The memory of opened records: bounded, short-lived, encrypted under a key that dies with the process.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashlink::LruCache;
use zeroize::Zeroizing;

use super::buffer::WipedBuffer;
use super::credentials::{Opened, Terms};
use super::record::SealedText;
use super::sealer::Sealer;
use crate::ambient::{Random, Timestamp};
use crate::message::DeviceUuid;

/// How many opened records are remembered, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct RememberSettings {
    /// The most records; the one that was not asked for longest makes room.
    pub capacity: usize,
    /// How long after its opening a record must be opened again.
    pub life: Duration,
}

/// An opened record beside its sealed form, of which not a byte may have changed.
struct Entry {
    endo: String,
    signature: String,
    opened: Arc<Zeroizing<Vec<u8>>>,
    until: Timestamp,
}

impl Entry {
    fn is_of(&self, sealed: SealedText<'_>) -> bool {
        self.endo == sealed.endo && self.signature == sealed.signature
    }
}

/// The newest opened record of each device.
pub(super) struct Remembered {
    sealer: Sealer,
    random: Random,
    settings: RememberSettings,
    entries: Mutex<LruCache<DeviceUuid, Entry>>,
}

/// The very record of a device by which its contents are remembered.
#[derive(Clone, Copy)]
pub(super) struct RecordOf<'a> {
    pub(super) device: &'a DeviceUuid,
    pub(super) sealed: SealedText<'a>,
}

impl Remembered {
    /// An empty memory with a key of its own.
    pub(super) fn new(settings: RememberSettings, random: Random) -> Self {
        let sealer = Sealer::new(&Zeroizing::new(random.bytes()));
        Self { sealer, random, settings, entries: Mutex::new(LruCache::new(settings.capacity)) }
    }

    /// What was kept for this very record of the device, if its time has not passed.
    pub(super) fn recall(&self, record: RecordOf<'_>, now: Timestamp) -> Option<Opened> {
        let opened = find(&mut self.entries(), record, now)?;
        read(&self.sealer.open(&opened, record.device.as_str().as_bytes())?)
    }

    /// Keeps what a record of the device opened to.
    pub(super) fn keep(&self, RecordOf { device, sealed }: RecordOf<'_>, opened: &Opened, now: Timestamp) {
        if self.settings.capacity == 0 {
            return;
        }
        let opened = self.sealer.seal(&write(opened), device.as_str().as_bytes(), &self.random);
        let opened = Arc::new(Zeroizing::new(opened));
        let (endo, signature) = (sealed.endo.to_owned(), sealed.signature.to_owned());
        let until = now.plus(self.settings.life);
        self.entries().insert(device.clone(), Entry { endo, signature, opened, until });
    }

    /// Wipes what was kept for this record.
    pub(super) fn forget(&self, RecordOf { device, sealed }: RecordOf<'_>) {
        let mut entries = self.entries();
        if entries.peek(device).is_some_and(|entry| entry.is_of(sealed)) {
            entries.remove(device);
        }
    }

    fn entries(&self) -> MutexGuard<'_, LruCache<DeviceUuid, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(
    entries: &mut LruCache<DeviceUuid, Entry>,
    RecordOf { device, sealed }: RecordOf<'_>,
    now: Timestamp,
) -> Option<Arc<Zeroizing<Vec<u8>>>> {
    if entries.peek(device).is_some_and(|entry| now >= entry.until) {
        entries.remove(device);
    }
    entries.get(device).filter(|entry| entry.is_of(sealed)).map(|entry| Arc::clone(&entry.opened))
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
