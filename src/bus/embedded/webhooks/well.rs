//! The lines whose last call was taken, by host: the latest of them, and of no host so many that another's are forgotten for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::store::LineKey;

/// Remembered at a time: each takes about half a KiB.
pub(super) const MOST: usize = 2048;
/// Of one host each look at the queue looks for so many.
const LOOKED_FOR: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Well {
    /// By which call it was.
    of_hosts: HashMap<Arc<str>, BTreeMap<u64, LineKey>>,
    calls: HashMap<LineKey, u64>,
}

impl Well {
    /// The latest at this host.
    pub(super) fn at(&self, host: &str) -> impl Iterator<Item = &LineKey> {
        self.of_hosts.get(host).into_iter().flat_map(|lines| lines.values().rev()).take(LOOKED_FOR)
    }

    pub(super) fn has(&self, line: &LineKey) -> bool {
        self.calls.contains_key(line)
    }

    /// This call of the line was taken, the later the higher.
    pub(super) fn note(&mut self, line: &LineKey, call: u64) {
        self.forget(line);
        if self.calls.len() >= MOST {
            self.forget_one();
        }
        self.calls.insert(line.clone(), call);
        let of_host = self.of_hosts.entry(Arc::clone(&line.webhook.host)).or_default();
        of_host.insert(call, line.clone());
    }

    pub(super) fn forget(&mut self, line: &LineKey) {
        let Some(call) = self.calls.remove(line) else { return };
        if let Some(of_host) = self.of_hosts.get_mut(&line.webhook.host) {
            of_host.remove(&call);
            if of_host.is_empty() {
                self.of_hosts.remove(&line.webhook.host);
            }
        }
    }

    /// Of the host that has most of them the one whose call was the first.
    fn forget_one(&mut self) {
        let of_most = self.of_hosts.values().max_by_key(|of_host| of_host.len());
        if let Some(line) = of_most.and_then(|of_host| of_host.values().next()).cloned() {
            self.forget(&line);
        }
    }
}
