//! What people's browsers come in by: their sessions, the bus, and the API that they sign in at.

use super::problem::{Kind, Problem};
use super::server::FrontDoor;
use super::session::{OneTimeLinks, Sessions};
use crate::credentials::CredentialsDevices;

/// What the pages and the sign-ins work with.
pub struct Entrance {
    /// Who is signed in.
    pub sessions: Sessions,
    /// The credentials.
    pub credentials: CredentialsDevices,
    /// What people call the API.
    pub api: String,
    /// The links of the terminal, where there is a first owner.
    pub links: Option<OneTimeLinks>,
    /// Where browsers reach the gateway, with a slash at the end.
    pub service_url: String,
}

impl FrontDoor {
    /// What people's browsers come in by.
    pub(super) fn entrance(&self) -> Result<&Entrance, Problem> {
        self.entrance.as_ref().ok_or_else(|| Problem::new(Kind::NotFound, "There is nothing here"))
    }
}
