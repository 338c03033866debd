//! The signatures of old buses: draft-cavage, as `spec/endo.md` 4 tells it.

mod authorization;
mod signer;
mod text;
mod verify;

pub use signer::{LegacySignature, LegacySigner};
pub(super) use verify::{is_signed, verify};
