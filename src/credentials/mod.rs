//! The life of a credentials device.
