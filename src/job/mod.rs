//! The contract of a job.
