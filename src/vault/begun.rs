//! The marks of devices that are not finished: one that is to keep an account's credentials and does not yet, and one that is
//! to use them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::canonical::canonicalize;
use super::node_base64;
use super::owner_id::ResourceOwnerId;
use super::strongroom::Vault;
use crate::message::DeviceUuid;

/// What a mark is for: nothing else that is signed says this.
const PURPOSE: &str = "credentials device begun";
/// The same of a device that is to use credentials.
const USER_DEVICE: &str = "user device begun";

impl Vault {
    /// What shows that a device was begun here for this account, to whoever has the keys. A private-key operation.
    pub fn begun_mark(&self, id: &ResourceOwnerId) -> String {
        STANDARD.encode(self.ring().first().sign(text(id).as_bytes()))
    }

    /// Whether `mark` is that.
    pub fn is_begun_mark(&self, id: &ResourceOwnerId, mark: &str) -> bool {
        self.ring().verifies(text(id).as_bytes(), &node_base64::decode(mark))
    }

    /// What shows that a device was begun here that is to use these credentials, for this owner: one mark a key, the newest
    /// first. A private-key operation each.
    pub fn user_device_marks(&self, credentials: &DeviceUuid, owner: &DeviceUuid) -> Vec<String> {
        let text = json!({"purpose": USER_DEVICE, "credentialsDeviceUuid": credentials, "owner": owner});
        let text = canonicalize(&text).to_string();
        self.ring().keys().map(|key| STANDARD.encode(key.sign(text.as_bytes()))).collect()
    }
}

fn text(id: &ResourceOwnerId) -> String {
    canonicalize(&json!({"purpose": PURPOSE, "id": id.to_value()})).to_string()
}
