//! Receipts: the kept proofs of what was ended.

pub(super) mod api_answer;
pub(super) mod forgotten;
pub(super) mod receipt;
pub(super) mod revoker;
pub(super) mod showing;
pub(super) mod words;
