//! The contract of a job.

mod accents;
mod context;
mod contract;
mod directory;
mod formats;
mod handler;
mod listing;
mod load_error;
mod loading;
mod merging;
mod naming;
mod old_drafts;
mod references;
mod registry;
mod response;
mod runner;
mod running;
mod schema;
mod shape;
mod stripping;
mod wording;
mod workbench;

pub use context::JobContext;
pub use contract::{Job, JobError};
pub use directory::{DescribedJob, JobDirectory, built_in, directory};
pub use handler::{Handler, Handlers, JobFileError, job_file_schema};
pub use listing::{Field, JobListing};
pub use load_error::{LoadError, LoadNotice};
pub use registry::{CheckedMessage, Refusal, Registry, RegistryOptions};
pub use running::{Next, RunFailure};
pub use schema::SchemaError;
pub use wording::Fault;
pub use workbench::{Provisions, ToldSecrets, Workbench};

pub use crate::egress::{ApiClient, CallGate, Changes, EgressError, GateError, RetryAfter};
