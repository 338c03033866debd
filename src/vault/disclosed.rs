//! The one exit by which an opened secret leaves the gateway's own code.

use serde_json::{Map, Value};

use super::clients::CLIENTS;
use super::credentials::Credentials;
use super::grant::SET_ASIDE;
use super::secret::SecretMap;

/// What an external handler receives as `encrypted`. Wiped on drop, `[redacted]` in every print.
#[derive(Debug)]
pub struct Disclosed(SecretMap);

impl Disclosed {
    /// The object itself, to be written into the handler's request.
    pub fn expose(&self) -> &Map<String, Value> {
        self.0.expose()
    }
}

/// The whole decrypted object as the original hands it to a job (`spec/endo.md` 2.5, step 4): without
/// `secrets.credentialsDeviceToken`, and without what the gateway notes there for itself. For external handlers, and for nothing else.
pub fn disclose_to_handler(credentials: &Credentials) -> Disclosed {
    let mut document = SecretMap::from(credentials.document().clone());
    let secrets = document.expose_mut().entry("secrets").or_insert_with(|| Map::new().into());
    if let Value::Object(secrets) = secrets {
        for ours in ["credentialsDeviceToken", CLIENTS, SET_ASIDE] {
            secrets.shift_remove(ours);
        }
    }
    Disclosed(document)
}
