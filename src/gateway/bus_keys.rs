//! The keys that sign the webhooks of the embedded bus: RSA for the form of old, Ed25519 for RFC 9421.

use std::path::Path;

use tokio::task::JoinHandle;

use super::GatewayError;
use super::signing_key::{ed25519_key, rsa_key};
use crate::ambient::Random;
use crate::bus::embedded::Signers;

pub(super) const OLD_FORM: &str = "webhooks-rsa.pem";
pub(super) const RFC_9421: &str = "webhooks-ed25519.pem";

/// Keys that are being read or made.
pub(super) type Signing = JoinHandle<Result<Signers, GatewayError>>;

/// Begins to read the directory's keys; makes them where there are none yet, on a thread that may take its time.
pub(super) fn signers(directory: &Path, random: &Random) -> Signing {
    let (directory, random) = (directory.to_owned(), random.clone());
    tokio::task::spawn_blocking(move || {
        let old = rsa_key(&directory.join(OLD_FORM))?;
        Ok(Signers::new(old, ed25519_key(&directory.join(RFC_9421), &random)?))
    })
}

/// Waits for the keys.
///
/// # Errors
/// [`GatewayError::SigningKey`] when a file holds none.
pub(super) async fn read_or_made(signing: Signing) -> Result<Signers, GatewayError> {
    signing.await.expect("keys are read and made without a panic")
}
