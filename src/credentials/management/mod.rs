//! Who may manage credentials: everybody who proved control of the account.

pub(super) mod everybodys_device;
pub(super) mod leave;
pub(super) mod of_owner;
pub(super) mod owned;
mod owner_keys;
pub(super) mod owners;
pub(super) mod possession;
mod proofs;
