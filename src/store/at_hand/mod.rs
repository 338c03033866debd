//! What is kept in memory of what is on disk, so that it need not be read again.

pub(super) mod device_cache;
pub(super) mod editions;
pub(super) mod names;
pub(super) mod rights;
