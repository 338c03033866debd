//! The keys of records: what opens, what is refused, and what may be remembered.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod clients;
mod credentials_type;
mod forge;
mod format1;
mod format2;
mod json_texts;
mod keys;
mod redacted;
mod rekey;
mod remembered;
mod resealed;
mod round_trips;
mod set_aside;
mod with_jose;

use std::time::Duration;

use endo::ambient::{Random, Timestamp};
use endo::message::DeviceUuid;
use endo::vault::{
    Contents, Credentials, KeyRing, Owners, PrivateKey, RecordError, RememberSettings, ResourceOwnerId,
    Sealed, SealedText, SecretText, Vault,
};
use serde_json::Value;

const OTHER_KEY: &str = include_str!("../fixtures/vault-other-key.pem");
const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const LIFE: Duration = Duration::from_secs(60);

/// The values and records of the original gateway.
fn vectors() -> Value {
    serde_json::from_str(include_str!("../fixtures/endo-records.json")).unwrap()
}

fn original_key() -> PrivateKey {
    PrivateKey::parse(vectors()["privateKeyPem"].as_str().unwrap(), &Random::system()).unwrap()
}

fn other_key() -> PrivateKey {
    PrivateKey::parse(OTHER_KEY, &Random::system()).unwrap()
}

fn vault_with(ring: KeyRing) -> Vault {
    Vault::new(ring, Random::system(), RememberSettings { capacity: 8, life: LIFE })
}

/// A vault with the original's key.
fn vault() -> Vault {
    vault_with(KeyRing::new(original_key(), vec![]))
}

fn device() -> DeviceUuid {
    "credentials-device".into()
}

/// A record as a device document carries it.
struct Stored {
    endo: String,
    signature: String,
}

impl Stored {
    fn new(sealed: &Sealed) -> Self {
        Self { endo: sealed.endo.to_string(), signature: sealed.signature.clone() }
    }

    fn text(&self) -> SealedText<'_> {
        SealedText { endo: &self.endo, signature: &self.signature }
    }

    fn open(&self, vault: &Vault) -> Result<Credentials, RecordError> {
        vault.open(&device(), self.text(), NOW)
    }
}

fn contents() -> Contents {
    Contents {
        username: Some("octocat".to_owned()),
        refresh_token: Some(SecretText::from("canary-refresh")),
        credentials_device_token: Some(SecretText::from("canary-bus")),
        owners: Owners::named(["owner-1"]),
        hosts: vec!["api.github.com".to_owned()],
        generation: 3,
        ..Contents::new(ResourceOwnerId::Number(42), SecretText::from("canary-access"))
    }
}
