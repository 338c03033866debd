//! Where a job's context is made: the public part of its credentials, and clients that carry the secret.

use reqwest::Url;

use super::JobContext;
use crate::egress::{ApiAccess, Bearer, CallGate, Egress, EgressError, HostList};
use crate::vault::Credentials;

/// The API that the credentials of this gateway are for.
#[derive(Clone, Debug)]
pub struct Workbench {
    egress: Egress,
    base_url: Url,
    hosts: HostList,
}

impl Workbench {
    /// An API at `base_url`, whose secrets may go to `hosts`.
    pub fn new(egress: Egress, base_url: Url, hosts: HostList) -> Self {
        Self { egress, base_url, hosts }
    }

    /// What a job with these credentials gets. The record's hosts narrow those of the API and never widen them;
    /// a format 1 record names none and gets the API's.
    ///
    /// # Errors
    /// [`EgressError::HostEntry`] when the record's hosts are not written as hosts.
    pub fn context(&self, credentials: &Credentials, gate: CallGate) -> Result<JobContext, EgressError> {
        let hosts = match credentials.hosts() {
            Some(narrower) => self.hosts.narrowed_to(&HostList::parse(narrower)?),
            None => self.hosts.clone(),
        };
        let bearer = Bearer::new(credentials.secret().expose());
        let access = ApiAccess { base_url: self.base_url.clone(), hosts, bearer, gate };
        Ok(JobContext::new(credentials.public().clone(), self.egress.api_client(access)))
    }
}
