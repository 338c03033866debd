//! How a device proves who it is.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::message::DeviceUuid;

/// Header pairs that carry uuid and token, in the order in which they are looked for (`spec/meshblu.md` 2.1 and 2.4).
pub const LOGIN_HEADERS: [(&str, &str); 3] = [
    ("meshblu_auth_uuid", "meshblu_auth_token"),
    ("skynet_auth_uuid", "skynet_auth_token"),
    ("x-meshblu-uuid", "x-meshblu-token"),
];

/// Base64 as clients of old write it: with or without padding.
pub const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

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
