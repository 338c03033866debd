//! The link that signs the first owner in: printed in the terminal, good once, within ten minutes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq;

use crate::ambient::{Clock, Random, Timestamp};
use crate::bus::Login;
use crate::vault::Pass;

/// How long a link is good.
const LIFE: Duration = Duration::from_secs(600);

/// The links of a gateway's first owner; the newest alone is good. They end with the process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OneTimeLinks(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    owner: Login,
    service_url: String,
    clock: Clock,
    random: Random,
    /// The fingerprint of the newest, and when it was made.
    newest: Mutex<Option<([u8; 32], Timestamp)>>,
}

impl OneTimeLinks {
    /// Links that sign `owner` in at `service_url`, which ends with a slash.
    pub fn new(owner: Login, service_url: String, clock: Clock, random: Random) -> Self {
        Self(Arc::new(Parts { owner, service_url, clock, random, newest: Mutex::default() }))
    }

    /// A new link, for the eyes of the owner alone. The one before ends.
    pub fn make(&self) -> String {
        let pass = Pass::fresh(&self.0.random);
        let newest = (pass.fingerprint(), self.0.clock.now());
        *self.0.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(newest);
        format!("{}sign-in?once={}", self.0.service_url, *pass.expose())
    }

    /// Uses a link up: answers who it signs in, if it is good.
    pub(in crate::http) fn redeem(&self, pass: &Pass) -> Option<&Login> {
        let now = self.0.clock.now();
        let mut newest = self.0.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let (fingerprint, made_at) = (*newest)?;
        if !bool::from(fingerprint.ct_eq(&pass.fingerprint())) {
            return None;
        }
        *newest = None;
        (now >= made_at && now.since(made_at) < LIFE).then_some(&self.0.owner)
    }
}
