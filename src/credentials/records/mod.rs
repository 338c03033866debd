//! Sealed records: sealed anew, copied to a bus elsewhere, and those that do not open.

mod bad_records;
pub(super) mod newest;
pub(super) mod opening;
pub(super) mod projection;
pub(super) mod rekey;
pub(super) mod reseal;
