//! Renewing secrets, and what is known of those that the API refused.

pub(super) mod asked_lately;
mod refused;
pub(super) mod renewal;
mod renewed;
mod said_refused;
mod unnamed_tokens;
