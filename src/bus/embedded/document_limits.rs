//! How large and how deep a document may be.

use serde_json::Value;

/// How deep a document may go, and a path into one. A little less than what the JSON parser reads back.
pub const MAX_DEPTH: usize = 120;

/// The longest JSON text of a document that an update may leave behind, in bytes. Each change of a document writes all
/// of it anew, while everybody else waits.
pub const MAX_BYTES: usize = 16 << 20;

/// Whether the JSON text of a document is longer than [`MAX_BYTES`].
pub fn is_too_large(document: &Value) -> bool {
    struct Left(usize);
    impl std::io::Write for Left {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    serde_json::to_writer(Left(MAX_BYTES), document).is_err()
}

/// Whether a document is nested deeper than [`MAX_DEPTH`]: what is stored must be readable again.
pub fn is_too_deep(document: &Value) -> bool {
    fn exceeds(value: &Value, levels: usize) -> bool {
        match value {
            Value::Array(items) => levels == 0 || items.iter().any(|item| exceeds(item, levels - 1)),
            Value::Object(members) => levels == 0 || members.values().any(|value| exceeds(value, levels - 1)),
            _ => false,
        }
    }
    exceeds(document, MAX_DEPTH)
}
