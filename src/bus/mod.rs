//! The device network.

pub mod embedded;
