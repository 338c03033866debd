//! The key that signs requests to external handlers: its public half lies beside it, for them to read.

use std::path::Path;

use super::GatewayError;
use super::signing_key::ed25519_key;
use crate::ambient::Random;
use crate::signature::Ed25519PrivateKey;

pub(super) const FILE: &str = "handlers.pem";
const PUBLIC_FILE: &str = "handlers.pub.pem";

/// The directory's key; makes one where there is none yet.
///
/// # Errors
/// [`GatewayError::SigningKey`] when the file holds none.
pub(super) fn handler_key(directory: &Path, random: &Random) -> Result<Ed25519PrivateKey, GatewayError> {
    let key = ed25519_key(&directory.join(FILE), random)?;
    write_public(&directory.join(PUBLIC_FILE), &key.public().to_pem())?;
    Ok(key)
}

fn write_public(path: &Path, text: &str) -> Result<(), GatewayError> {
    if std::fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    std::fs::write(path, text).map_err(|cause| GatewayError::File { path: path.to_owned(), cause })
}
