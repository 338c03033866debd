//! A device network inside the gateway, which unmodified Meshblu clients can use.

pub mod subscription;
pub mod whitelist;
