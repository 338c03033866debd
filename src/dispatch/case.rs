//! One delivery while it is worked on: who takes part, and what has happened so far.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::bus::Login;
use crate::message::{DeviceUuid, Parties, Route};
use crate::store::QueuedDelivery;

/// One delivery while it is worked on.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) parties: Parties,
    /// Whether something outside may have changed.
    call_started: Arc<AtomicBool>,
    /// What a bus elsewhere takes replies from: the credentials device's own login.
    login: OnceLock<Login>,
}

impl Case {
    /// `None` where the route names nobody who could be told.
    pub(super) fn of(delivery: &QueuedDelivery, service: &DeviceUuid, caller: Option<Login>) -> Option<Self> {
        let route: Route = serde_json::from_str(delivery.new.route.as_deref()?).ok()?;
        let login = caller.map_or_else(OnceLock::new, OnceLock::from);
        Some(Self { parties: route.parties(service).ok()?, call_started: Arc::default(), login })
    }

    /// Notes the credentials device's login, as its record holds it; a caller's own stays.
    pub(super) fn note_login(&self, login: Option<Login>) {
        if let Some(login) = login {
            self.login.get_or_init(|| login);
        }
    }

    /// What replies are sent with on a bus elsewhere; `None` where nobody can be told.
    pub(super) fn login(&self) -> Option<&Login> {
        self.login.get()
    }

    /// Whether something outside may have changed.
    pub(super) fn has_started_a_call(&self) -> bool {
        self.call_started.load(Ordering::Relaxed)
    }

    /// The switch for it.
    pub(super) fn call_started(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.call_started)
    }
}
