//! The bus as an OAuth provider, over HTTP (`spec/meshblu.md` 8).

pub(super) mod authorize;
mod browser;
mod flaw;
mod open_device;
mod page;
mod redirect;
pub(super) mod token;
