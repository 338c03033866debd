//! The repositories that a GitHub user or organisation owns.

use serde::{Deserialize, Serialize};

use super::github::{self, Username};
use crate::job::{Job, JobContext, JobError};

pub(super) struct ListReposByUser;

/// One repository, as flows see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Repo {
    #[serde(skip_serializing_if = "Option::is_none")]
    repo_name: Option<String>,
}

/// One repository, as GitHub tells it.
#[derive(Deserialize)]
struct GithubRepo {
    full_name: Option<String>,
}

impl Job for ListReposByUser {
    type Data = Username;
    type Response = Vec<Repo>;

    async fn run(&self, data: Username, context: JobContext) -> Result<Vec<Repo>, JobError> {
        let order = [("type", "owner"), ("sort", "full_name")];
        let repos: Vec<GithubRepo> = github::list(context.api(), &data.path("repos")?, &order).await?;
        Ok(repos.into_iter().map(|repo| Repo { repo_name: repo.full_name }).collect())
    }
}
