//! HTTP signatures, both ways: draft-cavage for old buses, RFC 9421 for ours. Bytes and keys in, verdict or header out.
//!
//! A [`Request`] as received becomes [`Verified`] through a [`Verifier`] and no other way. Each sender is known by its
//! key and held to its own [`Policy`]; the kind of the key decides the algorithms, and nothing in a request changes
//! either. Contracts: `spec/endo.md` 4 and `spec/meshblu.md` 5.3 for the old form; RFC 9421 and RFC 9530 for ours.

mod cavage;
mod component;
mod digest;
mod ed25519;
mod key_error;
mod pem;
mod policy;
mod refusal;
mod remembered;
mod request;
mod rfc9421;
mod rsa;
mod verified;
mod verifier;

pub use cavage::{LegacySignature, LegacySigner};
pub use component::Component;
pub use ed25519::{Ed25519PrivateKey, Ed25519PublicKey};
pub use key_error::KeyError;
pub use policy::Policy;
pub use refusal::{Refusal, SyntaxError};
pub use request::{FieldError, Request};
pub use rfc9421::{MessageSignature, MessageSigner};
pub use rsa::{RsaPrivateKey, RsaPublicKey};
pub use verified::Verified;
pub use verifier::{PublicAddress, Verifier};
