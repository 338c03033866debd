//! Sealed records: sealed anew, copied to a bus elsewhere, and those that do not open.

pub(super) mod bad_records;
pub(super) mod projection;
pub(super) mod rekey;
pub(super) mod reseal;
