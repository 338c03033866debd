//! Keys that sign requests, each in a file of its own: made where there is none yet, then the same for ever.

use std::path::Path;

use zeroize::Zeroizing;

use super::GatewayError;
use super::key_file::write_secret;
use crate::ambient::Random;
use crate::signature::{Ed25519PrivateKey, KeyError, RsaPrivateKey};

/// One kind of keys.
struct Kind<K> {
    name: &'static str,
    read: fn(&str) -> Result<K, KeyError>,
    write: fn(&K) -> Zeroizing<String>,
}

/// The Ed25519 key in the file `path`.
///
/// # Errors
/// [`GatewayError::SigningKey`] when the file holds none.
pub(super) fn ed25519_key(path: &Path, random: &Random) -> Result<Ed25519PrivateKey, GatewayError> {
    let kind = Kind { name: "Ed25519", read: Ed25519PrivateKey::from_pem, write: Ed25519PrivateKey::to_pem };
    kind.key(path, || Ok(Ed25519PrivateKey::generate(random)))
}

/// The RSA key in the file `path`. To make one takes up to a second.
///
/// # Errors
/// [`GatewayError::SigningKey`] when the file holds none.
pub(super) fn rsa_key(path: &Path) -> Result<RsaPrivateKey, GatewayError> {
    let kind = Kind { name: "RSA", read: RsaPrivateKey::from_pem, write: RsaPrivateKey::to_pem };
    kind.key(path, RsaPrivateKey::generate)
}

impl<K> Kind<K> {
    fn key(&self, path: &Path, make: impl FnOnce() -> Result<K, KeyError>) -> Result<K, GatewayError> {
        let refused = |cause| GatewayError::SigningKey { path: path.to_owned(), kind: self.name, cause };
        match std::fs::read_to_string(path).map(Zeroizing::new) {
            Ok(text) => (self.read)(&text).map_err(refused),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = make().map_err(refused)?;
                write_secret(path, &(self.write)(&key))?;
                Ok(key)
            }
            Err(cause) => Err(GatewayError::File { path: path.to_owned(), cause }),
        }
    }
}
