//! What a job sees besides its message.

use serde_json::{Map, Value};

/// The public part of the credentials a job works with; no key, no secret, no bus, no store.
#[derive(Clone, Debug)]
pub struct JobContext {
    id: Value,
    username: Option<String>,
    extras: Map<String, Value>,
}

impl JobContext {
    /// A context with the public part of the credentials: `id`, `username` and whatever the source adds.
    pub fn new(mut public: Map<String, Value>) -> Self {
        public.shift_remove("secrets");
        let id = public.shift_remove("id").unwrap_or_default();
        let username = public.shift_remove("username").and_then(|name| name.as_str().map(str::to_owned));
        Self { id, username, extras: public }
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
}
