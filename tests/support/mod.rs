//! The harness: the composition root on port 0, in a directory of its own.

pub(crate) mod account;
pub(crate) mod browser;
pub(crate) mod bus;
pub(crate) mod chance;
pub(crate) mod controls;
pub(crate) mod desk;
pub(crate) mod fake_api;
pub(crate) mod gateway;
pub(crate) mod held_bus;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod meshblu;
pub(crate) mod oidc;
pub(crate) mod program;
pub(crate) mod provider;
pub(crate) mod provisions;
pub(crate) mod quoted;
pub(crate) mod real;
pub(crate) mod shell;
pub(crate) mod store;
pub(crate) mod terminal;
