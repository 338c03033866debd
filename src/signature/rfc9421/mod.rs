//! Our own signatures: RFC 9421.

mod base;
mod parameters;
mod signer;
pub(super) mod structured;
mod verify;

pub use signer::{MessageSignature, MessageSigner};
pub(super) use verify::{INPUT, verify};
