//! A device network inside the gateway, which unmodified Meshblu clients can use.

pub mod forwarder;
pub mod recipient;
pub mod routing;
pub mod subscription;
mod trail;
mod walk;
pub mod whitelist;
