//! Keeping an account's secret: which credentials device it goes to, and what it takes over from the one before.

pub(super) mod account;
pub(super) mod before;
mod begun;
mod brought;
pub(super) mod client;
mod elsewhere;
mod here;
mod incoming;
mod keep;
pub(super) mod of_account;
mod on_its_device;
mod provenance;
