//! Parsed device documents that the writer keeps at hand.
//!
//! Only the writer's thread uses it, so what it holds is always what the open transaction would read.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::message::DeviceUuid;

/// A bounded memory of documents. When it is full it starts afresh: what is in use returns at once.
#[derive(Debug)]
pub(in crate::store) struct DeviceCache {
    documents: HashMap<DeviceUuid, (Arc<Value>, usize)>,
    bytes: usize,
    limit: usize,
}

impl DeviceCache {
    /// A memory for documents that take at most `limit` bytes of memory together.
    pub(in crate::store) fn new(limit: usize) -> Self {
        Self { documents: HashMap::new(), bytes: 0, limit }
    }

    pub(in crate::store) fn find(&self, uuid: &DeviceUuid) -> Option<Arc<Value>> {
        self.documents.get(uuid).map(|(document, _)| Arc::clone(document))
    }

    pub(in crate::store) fn keep(&mut self, uuid: DeviceUuid, document: Arc<Value>, bytes: usize) {
        self.forget(&uuid);
        if self.bytes + bytes > self.limit {
            self.clear();
        }
        if bytes <= self.limit {
            self.bytes += bytes;
            self.documents.insert(uuid, (document, bytes));
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
