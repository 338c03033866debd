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

type Owner = dyn Fn() -> Option<Login> + Send + Sync;

struct Parts {
    owner: Box<Owner>,
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
    /// Links that sign in at `service_url`, which ends with a slash, whomever `owner` tells then.
    pub fn new(
        owner: impl Fn() -> Option<Login> + Send + Sync + 'static,
        service_url: String,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self(Arc::new(Parts { owner: Box::new(owner), service_url, clock, random, newest: Mutex::default() }))
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

    /// Who is signed in by one.
    pub(in crate::http) fn owner(&self) -> Option<Login> {
        (self.0.owner)()
    }

    /// Uses a link up; answers whether it was good.
    pub(in crate::http) fn use_up(&self, pass: &Pass) -> bool {
        let mut newest = self.newest();
        let is_good = self.is_newest(&newest, pass);
        newest.take_if(|_| is_good).is_some()
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

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("newest", &self.newest).finish_non_exhaustive()
    }
}
