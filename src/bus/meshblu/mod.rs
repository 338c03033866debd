//! A client of a remote Meshblu (`spec/meshblu.md`), as the gateway needs one (`spec/endo.md` 2.1, 2.5 to 2.10).

mod answer;
mod calls;
mod client;
mod error;
pub mod firehose;
mod identity;
mod remembered;

pub use client::{Meshblu, MeshbluSettings};
pub use error::MeshbluError;
pub use identity::Identity;
