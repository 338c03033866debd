//! The contract of a job.

mod context;
mod contract;
#[expect(dead_code, reason = "read by the registry")]
mod directory;

pub use context::JobContext;
pub use contract::{Job, JobError};
pub use directory::{BuiltIn, JobDirectory, built_in, directory};

pub use crate::egress::{ApiClient, EgressError};
