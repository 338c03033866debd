//! How a secret is obtained and renewed.

mod catalogue;
mod real_provider;
mod renewal;
mod revocations;
mod schedules;
mod settings;
mod sign_in;
mod token_requests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use endo::ambient::{Clock, Timestamp};
use endo::source::renewal::{Held, NewSecret, Records};
use endo::store::StoredRecord;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

/// A clock that stands where it was put.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW.as_millis())))
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn forward(&self, span: Duration) {
        self.0.store(self.now().plus(span).as_millis(), Ordering::SeqCst);
    }

    fn back(&self, span: Duration) {
        self.0.store(self.now().minus(span).as_millis(), Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let hand = self.clone();
        Clock::from_fn(move || hand.now())
    }
}

/// A record that anybody can read: what seals is told elsewhere, and ten thousand schedules have no time for it.
fn plain(generation: u64, access: &str, refresh: Option<&str>) -> StoredRecord {
    let endo = json!({"access": access, "refresh": refresh}).to_string();
    StoredRecord { generation, endo, signature: String::new(), source: None }
}

/// The access and the refresh token of such a record.
fn read(record: &StoredRecord) -> (String, Option<String>) {
    let value: Value = serde_json::from_str(&record.endo).unwrap();
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    (text("access").unwrap(), text("refresh"))
}

/// Who may manage such a record.
fn owners(record: &StoredRecord) -> BTreeSet<u64> {
    let value: Value = serde_json::from_str(&record.endo).unwrap();
    serde_json::from_value(value["owners"].clone()).unwrap_or_default()
}

/// The same record with these owners.
fn owned_by(owners: BTreeSet<u64>, record: StoredRecord) -> StoredRecord {
    let mut value: Value = serde_json::from_str(&record.endo).unwrap();
    value["owners"] = json!(owners);
    StoredRecord { endo: value.to_string(), ..record }
}

fn plain_records() -> Records {
    Records {
        is_ours: Box::new(|_| true),
        open: Box::new(|_, record| {
            let (access, refresh) = read(&record);
            let held = Held { access: access.into(), refresh: refresh.map(Into::into), client: None };
            Box::pin(std::future::ready(Ok(held)))
        }),
        seal: Box::new(|_, old, NewSecret { access, refresh, generation, .. }| {
            let new = plain(generation, access.expose(), Some(refresh.expose()));
            Box::pin(std::future::ready(Ok(owned_by(owners(&old), new))))
        }),
        came_to: Box::new(|_, _, _| Ok(())),
        strand: Box::new(|_, _, _| Ok(())),
        project: Box::new(|_, _, _| Ok(())),
    }
}
