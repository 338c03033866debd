//! Keeping an account's secret: which credentials device it goes to, and what it takes over from the one before.

pub(super) mod as_it_stands;
pub(super) mod before;
pub(super) mod begun;
pub(super) mod brought;
pub(super) mod client;
mod elsewhere;
mod here;
pub(super) mod incoming;
pub(super) mod keep;
pub(super) mod keyless;
pub(super) mod of_account;
mod on_its_device;
pub(super) mod provenance;
