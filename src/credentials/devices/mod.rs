//! User devices: made, bound to credentials, used, looked at and cut off.

pub(super) mod bind;
mod bind_here;
pub(super) mod enders;
pub(super) mod half_made;
pub(super) mod making;
pub(super) mod noted_errors;
pub(super) mod revoke;
pub(super) mod user_devices;
pub(super) mod uses;
