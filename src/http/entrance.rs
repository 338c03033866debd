//! What people's browsers come in by: their sessions, the bus, and the API that they sign in at.

use tokio::sync::watch;

use super::mount::Mount;
use super::session::{Browser, Flows, OneTimeLinks, Sessions, keeps_sign_ins};
use super::sign_in::NextPage;
use crate::bus::BusProvider;
use crate::credentials::CredentialsDevices;
use crate::source::oauth2::OAuthClient;

/// What the pages and the sign-ins work with.
pub struct Entrance {
    /// Who is signed in.
    pub sessions: Sessions,
    /// Who is on the way.
    pub flows: Flows,
    /// The bus, where people can sign in with it.
    pub bus: Option<BusProvider>,
    /// The credentials.
    pub credentials: CredentialsDevices,
    /// What people call the API.
    pub api: String,
    /// How they come by its credentials.
    pub way: Way,
    /// The links of the terminal, where there is a first owner.
    pub links: Option<OneTimeLinks>,
    /// Where browsers reach the gateway, with a slash at the end.
    pub service_url: String,
    /// Whether that is known: whoever listens at all addresses knows it from the settings alone.
    pub is_told: bool,
    /// What of that stands before every path.
    pub mount: Mount,
}

impl Entrance {
    /// The same of a gateway that works until it is stopped ([`CredentialsDevices::until`]).
    #[must_use]
    pub fn until(self, stopped: watch::Receiver<bool>) -> Self {
        Self { credentials: self.credentials.until(stopped), ..self }
    }

    /// Whether somebody who goes there is sent on to the API; else a page of the gateway takes its place.
    pub(super) fn sends_to_the_api(&self, next: &NextPage) -> bool {
        next.is_to_the_api() && matches!(self.way, Way::SignIn(Some(_)))
    }

    /// Whether this browser keeps a sign-in here: by plain HTTP browsers do so on this machine alone.
    pub(super) fn is_kept_by(&self, browser: &Browser) -> bool {
        browser.is_on_this_machine() || (self.is_told && keeps_sign_ins(&self.service_url))
    }

    /// Whether a page of the gateway led this browser. Where the bus has the same address nobody can tell: its pages lead wherever
    /// somebody's device there wants people back.
    pub(super) fn led(&self, browser: &Browser) -> bool {
        let is_of_the_bus = self.bus.as_ref().is_some_and(|bus| bus.is_at(&self.service_url));
        browser.is_led_by_us && !is_of_the_bus
    }
}

/// How people come by credentials.
pub enum Way {
    /// They sign in at the API; nobody can where the gateway is not registered there.
    SignIn(Option<OAuthClient>),
    /// Who they are on the bus is enough.
    Nothing,
    /// They type a key in.
    Key,
}
