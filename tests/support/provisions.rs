//! What a run of a job works with, without a gateway.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use endo::ambient::{Random, Timestamp};
use endo::egress::{CallGate, Egress, EgressSettings, HostList, Lookup, Url};
use endo::job::{Provisions, Workbench};
use endo::vault::{
    Contents, Credentials, Format, KeyRing, Owners, PrivateKey, RememberSettings, ResourceOwnerId,
    SealedText, SecretText, Vault,
};
use serde_json::{Map, Value, json};

use super::desk::fixture_key;

/// Opened credentials of the account 42, `octocat`, with this secret.
pub(crate) fn credentials(secret: &str) -> Credentials {
    opened(contents(secret))
}

/// The same, with a refresh token.
pub(crate) fn renewable_credentials(secret: &str, refresh_token: &str) -> Credentials {
    opened(Contents { refresh_token: Some(SecretText::from(refresh_token)), ..contents(secret) })
}

fn contents(secret: &str) -> Contents {
    Contents {
        username: Some("octocat".to_owned()),
        extras: Map::from_iter([("plan".to_owned(), json!("free"))]),
        credentials_device_token: Some(SecretText::from("token-of-the-credentials-device")),
        owners: Owners::named(["owner"]),
        ..Contents::new(ResourceOwnerId::Number(42), SecretText::from(secret))
    }
}

fn opened(contents: Contents) -> Credentials {
    let remember = RememberSettings { capacity: 0, life: std::time::Duration::ZERO };
    let ring = KeyRing::new(PrivateKey::parse(&fixture_key(), &Random::system()).unwrap(), Vec::new());
    let vault = Vault::new(ring, Random::system(), remember);
    let sealed = vault.seal(&"device".into(), &contents, Format::One).unwrap();
    let endo = Value::to_string(&sealed.endo);
    let text = SealedText { endo: &endo, signature: &sealed.signature };
    vault.open(&"device".into(), text, Timestamp::from_millis(0)).unwrap()
}

/// Calls of the API at `base_url`, whose secrets may go nowhere else.
pub(crate) fn workbench(base_url: &str, settings: EgressSettings) -> Workbench {
    let base_url: Url = base_url.parse().unwrap();
    let hosts = HostList::of(&base_url);
    Workbench::new(Egress::new(settings, Lookup::system()).unwrap(), base_url, hosts)
}

/// One run with the API at `base_url` and this secret.
pub(crate) fn provisions(base_url: &str, secret: &str) -> Provisions {
    workbench(base_url, EgressSettings::default()).provide(credentials(secret), CallGate::open())
}
