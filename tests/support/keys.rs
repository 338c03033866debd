//! Keys of the fixtures, so that no test waits for new ones.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;

use endo::ambient::Random;
use endo::bus::embedded::Signers;
use endo::signature::{Ed25519PrivateKey, RsaPrivateKey};
use serde_json::Value;

use super::desk::fixture_key;

/// The key of webhooks in the form of old.
fn webhooks_key() -> String {
    let vectors: Value = serde_json::from_str(include_str!("../fixtures/http-signatures.json")).unwrap();
    vectors["meshbluPrivateKeyPem"].as_str().unwrap().to_owned()
}

/// Puts the keys into a data directory that take long to make.
pub(crate) fn place_keys(directory: &Path) {
    for (name, key) in [("records.pem", fixture_key()), ("webhooks-rsa.pem", webhooks_key())] {
        let path = directory.join(name);
        std::fs::write(&path, key).unwrap();
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
}

/// What signs the webhooks of a bus.
pub(crate) fn signers() -> Signers {
    let own = Ed25519PrivateKey::generate(&Random::system());
    Signers::new(RsaPrivateKey::from_pem(&webhooks_key()).unwrap(), own)
}
