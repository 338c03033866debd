//! The verdicts on requests that are not believed.

use thiserror::Error;

use super::component::Component;
use super::request::FieldError;

/// Why a request is not believed. For logs; a stranger is told 401 and no more.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// There is no signature of a kind that is accepted.
    #[error("the request is not signed")]
    Unsigned,
    /// There is a signature of the old form, and no old bus is trusted.
    #[error("the request has a signature of the old form, which is not accepted here")]
    LegacyRefused,
    /// A part that is needed or covered is absent, doubled or broken.
    #[error("a covered or needed part of the request cannot be used")]
    Field(#[from] FieldError),
    /// A signature field does not follow its grammar.
    #[error("the field `{field}` cannot be read")]
    Syntax {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        cause: SyntaxError,
    },
    /// The signature stands under another label than its description.
    #[error("signature and description have different labels")]
    LabelMismatch,
    /// A parameter of RFC 9421 that is needed is not there.
    #[error("the signature parameter `{0}` is missing")]
    MissingParameter(&'static str),
    /// Not an algorithm of the sender's key.
    #[error("the signature's algorithm is not accepted")]
    UnsupportedAlgorithm,
    /// Nobody that is trusted has this key.
    #[error("the signature's key is not known")]
    UnknownKey,
    /// There is more than one signature by keys that are trusted, so that readers could choose differently.
    #[error("there is more than one signature by known keys")]
    Several,
    /// The signature covers something that we cannot compute.
    #[error("the signature covers a part that is not known")]
    UnsupportedComponent,
    /// A part that the sender has to sign is not signed.
    #[error("`{0}` has to be signed and is not")]
    Uncovered(Component),
    /// The date is no HTTP date (RFC 9110, 5.6.7).
    #[error("the date is no HTTP date")]
    NotADate,
    /// Signed longer ago than the policy's window, or past its own end.
    #[error("the signature is too old")]
    TooOld,
    /// Signed further in the future than the policy's window.
    #[error("the signature is from the future")]
    TooNew,
    /// The signature does not belong to the request: another key, another text, another length.
    #[error("the signature is wrong")]
    WrongSignature,
    /// The body is not the one whose digest is signed, or the digest is of no kind that is accepted.
    #[error("the body does not match its digest")]
    WrongDigest,
}

/// How a signature field breaks its grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SyntaxError {
    /// Truncated, or something stands where nothing or something else belongs.
    #[error("malformed")]
    Malformed,
    /// A parameter, a label or a covered part is given twice.
    #[error("something is given twice")]
    Doubled,
    /// More parts than anybody needs, or a text that is too long.
    #[error("too long")]
    TooLong,
    /// A parameter that we do not know, or one of a covered part.
    #[error("unknown parameter")]
    UnknownParameter,
}
