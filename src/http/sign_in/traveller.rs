//! Who goes to the API to sign in there, and comes back.

use actix_web::HttpRequest;
use sha2::{Digest, Sha256};

use crate::bus::Login;
use crate::http::presented;
use crate::http::problem::Problem;
use crate::http::server::FrontDoor;
use crate::http::session::{Browser, Session};
use crate::negotiation::is_browser;

/// Who goes to the API and comes back: somebody in a browser, or a program by its login.
pub(super) struct Traveller {
    pub(super) login: Login,
    /// What whoever begins has in common with whoever comes back, and with nobody else.
    pub(super) line: [u8; 32],
    /// In which session, unless it is a program.
    pub(super) session: Option<Session>,
}

impl Traveller {
    /// Whoever asks.
    ///
    /// # Errors
    /// As [`Session::of`].
    pub(super) async fn of(request: &HttpRequest, door: &FrontDoor) -> Result<Self, Problem> {
        match Self::program(request, door).await? {
            Some(program) => Ok(program),
            None => Ok(Self::in_session(&Session::of(request, door).await?)),
        }
    }

    /// Somebody who is signed in.
    pub(super) fn in_session(session: &Session) -> Self {
        Self { login: session.login.clone(), line: session.line, session: Some(session.clone()) }
    }

    /// A program that says by its login who it is (`spec/endo.md` 2.4). What a browser was told once it sends along
    /// wherever a page elsewhere leads it, so that of browsers a login counts for nothing.
    ///
    /// # Errors
    /// Where nobody can tell whether the bus knows the login.
    pub(super) async fn program(request: &HttpRequest, door: &FrontDoor) -> Result<Option<Self>, Problem> {
        let browser = Browser::of(request);
        if browser.session.is_some() || browser.tells_who_led || is_browser(request.headers()) {
            return Ok(None);
        }
        let Some(login) = presented::login(request.headers()) else { return Ok(None) };
        let is_known = door.entrance()?.credentials.authenticate(&login).await?;
        Ok(is_known.then(|| Self { line: fingerprint(&login), login, session: None }))
    }
}

/// By what a program's login is known that keeps no session.
pub(super) fn fingerprint(login: &Login) -> [u8; 32] {
    let token = Sha256::new().chain_update(login.uuid.as_str()).chain_update([0]);
    token.chain_update(&*login.token).finalize().into()
}
