//! The doctor, over the program: what it finds, what it changes, and whom it asks.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod asking;
mod embedded;
mod first_owner;
mod keyless;
mod meshblu;
mod open_owners;
mod refusals;
mod spellings;
mod unreachable;
mod ward;
