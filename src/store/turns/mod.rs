//! Who reads or writes next.

pub(super) mod accounts;
pub(super) mod lines;
pub(super) mod readers;
pub(super) mod writes;
