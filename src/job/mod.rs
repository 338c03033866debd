//! The contract of a job.

mod accents;
mod context;
mod contract;
mod directory;
mod formats;
mod listing;
mod loading;
mod merging;
mod naming;
mod old_drafts;
mod references;
mod registry;
mod response;
mod running;
mod schema;
mod shape;
mod stripping;
mod wording;
mod workbench;

pub use context::JobContext;
pub use contract::{Job, JobError};
pub use directory::{BuiltIn, JobDirectory, built_in, directory};
pub use listing::{Field, JobListing};
pub use loading::{LoadError, LoadNotice};
pub use registry::{Call, Registry, RegistryOptions};
pub use running::{Next, RunFailure};
pub use schema::SchemaError;
pub use workbench::Workbench;

pub use crate::egress::{ApiClient, CallGate, EgressError, GateError};
