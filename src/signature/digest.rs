//! `Content-Digest` (RFC 9530): the body under the signature.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Algorithm, SHA256, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::refusal::Refusal;
use super::rfc9421::structured;

/// The field's name.
pub(super) const FIELD: &str = "content-digest";

/// `sha-256=:…:`.
pub(super) fn of(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, body)))
}

/// Checks every digest that we know; there has to be one.
pub(super) fn check(field: &[u8], body: &[u8]) -> Result<(), Refusal> {
    let digests =
        structured::byte_sequences(field).map_err(|cause| Refusal::Syntax { field: FIELD, cause })?;
    let mut known = digests.iter().filter_map(|(name, value)| Some((algorithm(name)?, value))).peekable();
    let any = known.peek().is_some();
    let matches = |(algorithm, value): (&'static Algorithm, &Vec<u8>)| {
        verify_slices_are_equal(digest(algorithm, body).as_ref(), value).is_ok()
    };
    if any && known.all(matches) { Ok(()) } else { Err(Refusal::WrongDigest) }
}

/// The algorithms that RFC 9530 calls active.
fn algorithm(name: &str) -> Option<&'static Algorithm> {
    match name {
        "sha-256" => Some(&SHA256),
        "sha-512" => Some(&SHA512),
        _ => None,
    }
}
