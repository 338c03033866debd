//! The key that signs requests to external handlers: its public half lies beside it, for them to read.

use std::path::Path;

use zeroize::Zeroizing;

use super::GatewayError;
use super::key_file::write_secret;
use crate::ambient::Random;
use crate::signature::Ed25519PrivateKey;

const FILE: &str = "handlers.pem";
const PUBLIC_FILE: &str = "handlers.pub.pem";

/// The directory's key; makes one where there is none yet.
///
/// # Errors
/// [`GatewayError::HandlerKey`] when the file holds none.
pub(super) fn handler_key(directory: &Path, random: &Random) -> Result<Ed25519PrivateKey, GatewayError> {
    let path = directory.join(FILE);
    let key = match std::fs::read_to_string(&path).map(Zeroizing::new) {
        Ok(text) => Ed25519PrivateKey::from_pem(&text)
            .map_err(|cause| GatewayError::HandlerKey { path: path.clone(), cause })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = Ed25519PrivateKey::generate(random);
            write_secret(&path, &key.to_pem())?;
            key
        }
        Err(cause) => return Err(GatewayError::File { path, cause }),
    };
    write_public(&directory.join(PUBLIC_FILE), &key.public().to_pem())?;
    Ok(key)
}

fn write_public(path: &Path, text: &str) -> Result<(), GatewayError> {
    if std::fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    std::fs::write(path, text).map_err(|cause| GatewayError::File { path: path.to_owned(), cause })
}
