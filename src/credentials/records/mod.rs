//! Sealed records: which counts, opened, sealed anew, copied to their bus, and those that do not open.

mod bad_records;
pub(super) mod keyless;
pub(super) mod newest;
pub(super) mod opening;
pub(super) mod projection;
pub(super) mod rekey;
pub(super) mod reseal;
