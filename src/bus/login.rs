//! How a device proves who it is.

use zeroize::Zeroizing;

use crate::message::DeviceUuid;

/// A uuid and a token, as they were presented.
#[derive(Clone)]
pub struct Login {
    /// Who claims to call.
    pub uuid: DeviceUuid,
    /// What is to prove it.
    pub token: Zeroizing<String>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("uuid", &self.uuid).field("token", &"[redacted]").finish()
    }
}
