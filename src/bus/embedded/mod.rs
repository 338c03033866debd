//! A device network inside the gateway, which unmodified Meshblu clients can use.

pub mod forwarder;
mod order;
pub mod path;
pub mod projection;
pub mod query;
pub mod recipient;
pub mod registration;
pub mod routing;
pub mod subscription;
mod trail;
pub mod update;
mod walk;
pub mod whitelist;
