//! Renewing secrets, and what is known of those that the API refused.

pub(super) mod asked_lately;
pub(super) mod naming;
pub(super) mod renewal;
pub(super) mod renewed;
pub(super) mod said_refused;
