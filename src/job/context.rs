//! What a job sees besides its message.

use serde_json::{Map, Value};

use crate::egress::ApiClient;

/// The public part of the credentials a job works with, and the API in their name; no key, no secret, no bus, no store.
#[derive(Clone, Debug)]
pub struct JobContext {
    id: Value,
    username: Option<String>,
    extras: Map<String, Value>,
    api: ApiClient,
}

impl JobContext {
    /// A context with the public part of the credentials (`id`, `username` and whatever the source adds), and a client
    /// that carries their secret.
    pub(super) fn new(mut public: Map<String, Value>, api: ApiClient) -> Self {
        public.shift_remove("secrets");
        let id = public.shift_remove("id").unwrap_or_default();
        let username = public.shift_remove("username").and_then(|name| name.as_str().map(str::to_owned));
        Self { id, username, extras: public, api }
    }

    /// The account at the API: a string or an integer.
    pub fn id(&self) -> &Value {
        &self.id
    }

    /// The account's name, if the API gives one.
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// What else is public about the credentials.
    pub fn extras(&self) -> &Map<String, Value> {
        &self.extras
    }

    /// The API, called with the credentials' secret and only at their hosts.
    pub fn api(&self) -> &ApiClient {
        &self.api
    }
}
