//! The one list of jobs written in Rust.

use crate::job::{DescribedJob, built_in, directory};

mod github;
#[path = "list-events-by-user/job.rs"]
mod list_events_by_user;
#[path = "list-repos-by-user/job.rs"]
mod list_repos_by_user;

/// Every job written in Rust, with its directory.
pub fn all() -> Vec<DescribedJob> {
    vec![
        built_in(directory!("list-events-by-user"), list_events_by_user::ListEventsByUser).of("github"),
        built_in(directory!("list-repos-by-user"), list_repos_by_user::ListReposByUser).of("github"),
    ]
}
