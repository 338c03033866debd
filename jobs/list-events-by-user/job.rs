//! What happened lately around a GitHub user or organisation.

use serde::{Deserialize, Serialize};

use super::github::{self, Username};
use crate::job::{Job, JobContext, JobError};

pub(super) struct ListEventsByUser;

/// One event, as flows see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    #[serde(skip_serializing_if = "Option::is_none")]
    commit_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit_sha: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo_name: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
}

/// One event, as GitHub tells it; kinds differ in what their payload has, and new ones appear.
#[derive(Deserialize)]
struct GithubEvent {
    #[serde(rename = "type")]
    kind: Option<String>,
    created_at: Option<String>,
    actor: Option<Actor>,
    repo: Option<Repo>,
    payload: Option<Payload>,
}

#[derive(Deserialize)]
struct Actor {
    display_login: Option<String>,
}

#[derive(Deserialize)]
struct Repo {
    name: Option<String>,
}

#[derive(Default, Deserialize)]
struct Payload {
    #[serde(rename = "ref")]
    reference: Option<String>,
    head: Option<String>,
    description: Option<String>,
}

impl Job for ListEventsByUser {
    type Data = Username;
    type Response = Vec<Event>;

    async fn run(&self, data: Username, context: JobContext) -> Result<Vec<Event>, JobError> {
        let events = github::list::<GithubEvent>(context.api(), &data.path("events")?, &[]).await?;
        Ok(events.into_iter().map(Event::from).collect())
    }
}

impl From<GithubEvent> for Event {
    fn from(event: GithubEvent) -> Self {
        let payload = event.payload.unwrap_or_default();
        Self {
            commit_ref: payload.reference,
            commit_sha: payload.head,
            created_at: event.created_at,
            description: payload.description,
            repo_name: event.repo.and_then(|repo| repo.name),
            kind: event.kind,
            username: event.actor.and_then(|actor| actor.display_login),
        }
    }
}
