//! The documents of the devices that the gateway makes (`spec/endo.md` 2.7 and 2.10).

use serde_json::{Value, json};

use super::devices::bind::NewUserDevice;
use crate::message::DeviceUuid;

/// `type` of devices that keep errors.
pub(super) const STATUS_DEVICE: &str = "status-device";

/// A device that keeps sealed credentials; only the service may see and change it.
pub(super) fn credentials_device(service: &DeviceUuid) -> Value {
    let service = json!({"uuid": service});
    json!({
        "meshblu": {
            "version": "2.0.0",
            "whitelists": {
                "discover": {"view": [service], "as": [service]},
                "configure": {"update": [service]},
                "message": {"received": [service]},
            },
        },
    })
}

/// A device that flows talk to: its owner may do everything, the credentials device what replies need.
pub(super) fn user_device(new: &NewUserDevice, credentials: &DeviceUuid) -> Value {
    let owner = json!({"uuid": new.owner});
    let both = json!([{"uuid": new.owner}, {"uuid": credentials}]);
    let schema = |name: &str| json!({"$ref": format!("{}v1/{name}", new.service_url)});
    let mut document = json!({});
    if let Some(name) = &new.name {
        document["name"] = json!(name);
    }
    document["type"] = json!(new.device_type);
    if let Some(logo) = &new.logo {
        document["logo"] = json!(logo);
    }
    document["owner"] = json!(new.owner);
    document["online"] = json!(true);
    document["octoblu"] = json!({"flow": {"forwardMetadata": true}});
    document["schemas"] = json!({
        "version": "2.0.0",
        "form": schema("form-schema"),
        "message": schema("message-schema"),
        "response": schema("response-schema"),
    });
    document["meshblu"] = json!({
        "version": "2.0.0",
        "whitelists": {
            "broadcast": {"as": [owner], "received": [owner], "sent": [owner]},
            "configure": {"as": both, "received": [owner], "sent": [owner], "update": [owner]},
            "discover": {"view": both, "as": [owner]},
            "message": {"as": both, "received": both, "sent": [owner], "from": [owner]},
        },
    });
    document
}

/// The device that keeps the last errors of a user device. `version` stands inside `whitelists`, as the original has
/// it: in effect a version 1 device, which its owner, the user device, may change.
pub(super) fn status_device(user_device: &DeviceUuid, owner: &DeviceUuid) -> Value {
    let both = json!([{"uuid": user_device}, {"uuid": owner}]);
    json!({
        "type": STATUS_DEVICE,
        "owner": user_device,
        "meshblu": {
            "whitelists": {
                "version": "2.0.0",
                "configure": {"update": both, "sent": both},
                "discover": {"view": both},
            },
        },
        "status": {"errors": []},
    })
}
