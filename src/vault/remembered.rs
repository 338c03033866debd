//! The memory of opened records: bounded, short-lived, encrypted under a key that dies with the process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    last_use: u64,
}

impl Entry {
    fn is_of(&self, sealed: SealedText<'_>) -> bool {
        self.endo == sealed.endo && self.signature == sealed.signature
    }
}

#[derive(Default)]
struct Entries {
    by_device: HashMap<DeviceUuid, Entry>,
    uses: u64,
}

/// The newest opened record of each device.
pub(super) struct Remembered {
    sealer: Sealer,
    random: Random,
    settings: RememberSettings,
    entries: Mutex<Entries>,
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
        Self { sealer, random, settings, entries: Mutex::default() }
    }

    /// What was kept for this very record of the device, if its time has not passed.
    pub(super) fn recall(&self, record: RecordOf<'_>, now: Timestamp) -> Option<Opened> {
        let opened = self.entries().find(record, now)?;
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
        let mut entries = self.entries();
        entries.by_device.remove(device);
        entries.make_room(self.settings.capacity, now);
        entries.uses += 1;
        let last_use = entries.uses;
        entries.by_device.insert(device.clone(), Entry { endo, signature, opened, until, last_use });
    }

    /// Wipes what was kept for this record.
    pub(super) fn forget(&self, RecordOf { device, sealed }: RecordOf<'_>) {
        let mut entries = self.entries();
        if entries.by_device.get(device).is_some_and(|entry| entry.is_of(sealed)) {
            entries.by_device.remove(device);
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn find(
        &mut self,
        RecordOf { device, sealed }: RecordOf<'_>,
        now: Timestamp,
    ) -> Option<Arc<Zeroizing<Vec<u8>>>> {
        self.uses += 1;
        let entry = self.by_device.get_mut(device)?;
        if now >= entry.until {
            self.by_device.remove(device);
            return None;
        }
        if !entry.is_of(sealed) {
            return None;
        }
        entry.last_use = self.uses;
        Some(Arc::clone(&entry.opened))
    }

    /// Looks at every entry, which is little beside the private-key operation that comes before each keeping.
    fn make_room(&mut self, capacity: usize, now: Timestamp) {
        self.by_device.retain(|_, entry| now < entry.until);
        while self.by_device.len() >= capacity {
            let Some(oldest) = self.by_device.iter().min_by_key(|(_, entry)| entry.last_use) else { return };
            let oldest = oldest.0.clone();
            self.by_device.remove(&oldest);
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
