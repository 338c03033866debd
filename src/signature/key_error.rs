//! Why a text is not a key that can be used.

use aws_lc_rs::error::{KeyRejected, Unspecified};
use thiserror::Error;

/// Why a text is not a usable key. Holds nothing of the key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// Not one PEM block (RFC 7468), or one of another kind.
    #[error("not a key: expected one PEM block that begins with {expected}")]
    Form {
        /// The labels that would have done.
        expected: &'static str,
    },
    /// What stands in the PEM block is no such key; for private keys also: fewer than 2048 bits, or numbers that do
    /// not belong together.
    #[error("the key is malformed, too weak or of another kind")]
    Rejected(#[source] KeyRejected),
    /// An RSA key that is too weak.
    #[error("an RSA key has at least 2048 bits; this one has {0}")]
    Weak(u32),
    /// No key could be made.
    #[error("no key could be generated")]
    Generation(#[source] Unspecified),
}
