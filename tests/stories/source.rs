//! How a secret is obtained.

mod catalogue;
mod settings;
mod sign_in;
mod token_requests;

use endo::ambient::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);
