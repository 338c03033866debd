//! What one run works with, made from opened credentials: a context for jobs, the whole for handlers.

use reqwest::Url;

use super::JobContext;
use super::handler::Question;
use crate::egress::{ApiAccess, Bearer, CallGate, Egress, EgressError, HostList};
use crate::message::Message;
use crate::redaction::Redaction;
use crate::vault::{Credentials, disclose_to_handler};

/// The API that the credentials of this gateway are for.
#[derive(Clone, Debug)]
pub struct Workbench {
    egress: Egress,
    base_url: Url,
    hosts: HostList,
}

/// What one run works with. The kind of its job decides what is made of it, and how much it sees.
#[derive(Debug)]
pub struct Provisions {
    workbench: Workbench,
    credentials: Credentials,
    gate: CallGate,
    redaction: Redaction,
}

/// The secrets that those were told who ran one message, in all runs so far: they may repeat each in the last.
#[derive(Debug, Default)]
pub struct ToldSecrets(Redaction);

impl Workbench {
    /// An API at `base_url`, whose secrets may go to `hosts`.
    pub fn new(egress: Egress, base_url: Url, hosts: HostList) -> Self {
        Self { egress, base_url, hosts }
    }

    /// What one run with these credentials works with; `gate` is passed before anything outside may change.
    pub fn provide(&self, credentials: Credentials, gate: CallGate) -> Provisions {
        let redaction = credentials.redaction();
        Provisions { workbench: self.clone(), credentials, gate, redaction }
    }
}

impl Provisions {
    /// The same for one more run of a message, whose runs before were `told` this.
    #[must_use]
    pub fn after(self, told: &mut ToldSecrets) -> Self {
        told.0.add(self.redaction);
        Self { redaction: told.0.clone(), ..self }
    }

    /// What a job written in Rust gets. The record's hosts narrow those of the API and never widen them; a format 1
    /// record names none and gets the API's.
    ///
    /// # Errors
    /// [`EgressError::HostEntry`] when the record's hosts are not written as hosts.
    pub(super) fn into_context(self) -> Result<JobContext, EgressError> {
        let Workbench { egress, base_url, hosts } = self.workbench;
        let hosts = match self.credentials.hosts() {
            Some(narrower) => hosts.narrowed_to(&HostList::parse(narrower)?),
            None => hosts,
        };
        let bearer = Bearer::new(self.credentials.secret().expose());
        let access = ApiAccess { base_url, hosts, bearer, gate: self.gate };
        Ok(JobContext::new(self.credentials.public().clone(), egress.api_client(access)))
    }

    /// What keeps the secrets out of whatever is answered to those who get them.
    pub(super) fn redaction(&self) -> Redaction {
        self.redaction.clone()
    }

    /// What an external handler gets: the message, and the opened secrets with it.
    pub(super) fn into_question(self, message: &Message) -> Question {
        let disclosed = disclose_to_handler(&self.credentials);
        Question::new(message, &disclosed, self.gate)
    }
}
