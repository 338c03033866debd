//! The link that signs the first owner in: printed in the terminal, good once, within ten minutes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// None where it was used up.
    newest: Mutex<Option<Link>>,
}

#[derive(Debug)]
struct Link {
    fingerprint: [u8; 32],
    made_at: Timestamp,
}

impl OneTimeLinks {
    /// Links that sign `owner` in at `service_url`, which ends with a slash.
    pub fn new(owner: Login, service_url: String, clock: Clock, random: Random) -> Self {
        Self(Arc::new(Parts { owner, service_url, clock, random, newest: Mutex::default() }))
    }

    /// A new link, for the eyes of the owner alone. The one before ends.
    pub fn make(&self) -> String {
        let pass = Pass::fresh(&self.0.random);
        *self.newest() = Some(Link { fingerprint: pass.fingerprint(), made_at: self.0.clock.now() });
        format!("{}sign-in?once={}", self.0.service_url, *pass.expose())
    }

    /// Where they are opened, with a slash at the end.
    pub(in crate::http) fn opened_at(&self) -> &str {
        &self.0.service_url
    }

    /// Whether a link is good; it stays so.
    pub(in crate::http) fn is_good(&self, pass: &Pass) -> bool {
        self.is_newest(&self.newest(), pass)
    }

    /// Uses a link up: answers who it signs in, if it is good.
    pub(in crate::http) fn redeem(&self, pass: &Pass) -> Option<&Login> {
        let mut newest = self.newest();
        let is_good = self.is_newest(&newest, pass);
        newest.take_if(|_| is_good).map(|_| &self.0.owner)
    }

    fn newest(&self) -> MutexGuard<'_, Option<Link>> {
        self.0.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_newest(&self, newest: &Option<Link>, pass: &Pass) -> bool {
        let now = self.0.clock.now();
        newest.as_ref().is_some_and(|link| {
            bool::from(link.fingerprint.ct_eq(&pass.fingerprint()))
                && now >= link.made_at
                && now.since(link.made_at) < LIFE
        })
    }
}
