//! Parsed device documents that the writer keeps at hand.
//!
//! Only the writer's thread uses it, so what it holds is always what the open transaction would read.

use std::sync::Arc;

use hashlink::LruCache;
use serde_json::Value;

use crate::message::DeviceUuid;

/// A bounded memory of documents. Those that were not asked for longest make room.
#[derive(Debug)]
pub(in crate::store) struct DeviceCache {
    documents: LruCache<DeviceUuid, (Arc<Value>, usize)>,
    bytes: usize,
    limit: usize,
}

impl DeviceCache {
    /// A memory for documents that take at most `limit` bytes of memory together.
    pub(in crate::store) fn new(limit: usize) -> Self {
        Self { documents: LruCache::new_unbounded(), bytes: 0, limit }
    }

    pub(in crate::store) fn find(&mut self, uuid: &DeviceUuid) -> Option<Arc<Value>> {
        self.documents.get(uuid).map(|(document, _)| Arc::clone(document))
    }

    pub(in crate::store) fn keep(&mut self, uuid: DeviceUuid, document: Arc<Value>, bytes: usize) {
        self.forget(&uuid);
        if bytes > self.limit {
            return;
        }
        self.bytes += bytes;
        self.documents.insert(uuid, (document, bytes));
        while self.bytes > self.limit
            && let Some((_, (_, bytes))) = self.documents.remove_lru()
        {
            self.bytes -= bytes;
        }
    }

    pub(in crate::store) fn forget(&mut self, uuid: &DeviceUuid) {
        if let Some((_, bytes)) = self.documents.remove(uuid) {
            self.bytes -= bytes;
        }
    }

    pub(in crate::store) fn clear(&mut self) {
        self.documents.clear();
        self.bytes = 0;
    }
}
