//! Who signs in at the API, or sends what is to be kept: somebody in a browser, or a program by its login.

use actix_web::HttpRequest;
use sha2::{Digest, Sha256};

use crate::ambient::Timestamp;
use crate::bus::Login;
use crate::credentials::{Account, Typist};
use crate::http::Body;
use crate::http::presented;
use crate::http::problem::{Kind, Problem};
use crate::http::server::FrontDoor;
use crate::http::session::{Browser, Fields, Session, unavailable};
use crate::negotiation::is_browser;
use crate::vault::{ResourceOwnerId, SecretText};

/// Somebody whom the bus knows.
pub(super) enum Visitor {
    InBrowser(Session),
    /// It says with every request who it is (`spec/endo.md` 2.4).
    Program(Login),
}

impl Visitor {
    /// Whoever asks.
    ///
    /// # Errors
    /// As [`Session::of`].
    pub(super) async fn of(request: &HttpRequest, door: &FrontDoor) -> Result<Self, Problem> {
        match program(request, door).await? {
            Some(login) => Ok(Self::Program(login)),
            None => Ok(Self::InBrowser(Session::of(request, door).await?)),
        }
    }

    /// By what the bus knows them.
    pub(super) fn login(&self) -> &Login {
        match self {
            Self::InBrowser(session) => &session.login,
            Self::Program(login) => login,
        }
    }

    /// Their session, which a program has none of.
    pub(super) fn session(&self) -> Option<&Session> {
        match self {
            Self::InBrowser(session) => Some(session),
            Self::Program(_) => None,
        }
    }

    /// What whoever begins a sign-in has in common with whoever comes back from it, and with nobody else.
    pub(super) fn line(&self) -> [u8; 32] {
        match self {
            Self::InBrowser(session) => session.line,
            Self::Program(Login { uuid, token }) => {
                let hash = Sha256::new().chain_update(uuid.as_str()).chain_update([0]);
                hash.chain_update(&**token).finalize().into()
            }
        }
    }

    /// When they last proved who they are on the bus.
    pub(super) fn proved_at(&self, now: Timestamp) -> Timestamp {
        self.session().map_or(now, |session| session.began_at)
    }

    /// As whom they have a secret compared.
    ///
    /// # Errors
    /// 503 where nobody can tell.
    pub(super) async fn typist(&self, door: &FrontDoor) -> Result<Typist, Problem> {
        let person = self.login().uuid.clone();
        let rank = match self {
            Self::InBrowser(session) => door.entrance()?.sessions.rank(session).await,
            Self::Program(_) => Ok(None),
        };
        Ok(match rank.map_err(|error| unavailable(&error))? {
            Some(rank) => Typist::Settled { person, rank },
            None => Typist::Newcomer { person, known_by: self.line() },
        })
    }

    /// The account that is kept for them where no API says whose it is.
    pub(super) fn account(
        &self,
        id: ResourceOwnerId,
        username: Option<String>,
        secret: SecretText,
    ) -> Account {
        Account {
            id,
            username,
            secret,
            refresh_token: None,
            asked: None,
            lifetime: None,
            extras: serde_json::Map::new(),
            owner: self.login().uuid.clone(),
        }
    }
}

/// A form by which something is kept, and who sends it.
pub(super) struct Form {
    pub(super) visitor: Visitor,
    pub(super) fields: Fields,
}

impl Form {
    /// The form that this request sends.
    ///
    /// # Errors
    /// Where nobody is signed in, the form is not one of the gateway's, or nobody can tell.
    pub(super) async fn read(request: &HttpRequest, body: &Body, door: &FrontDoor) -> Result<Self, Problem> {
        if let Some(session) = Session::find(request, door).await? {
            let fields = session.read_form(request, body)?;
            return Ok(Self { visitor: Visitor::InBrowser(session), fields });
        }
        let unknown = || Problem::new(Kind::NotAuthenticated, "You are not signed in, or not any more");
        let login = presented::login(request.headers()).ok_or_else(unknown)?;
        match door.entrance()?.credentials.authenticate(&login).await? {
            true => Ok(Self { visitor: Visitor::Program(login), fields: Fields::read(body)? }),
            false => Err(unknown()),
        }
    }
}

/// The login of a program, where it is one that asks. What a browser was told once it sends along wherever a page elsewhere
/// leads it, so that of browsers a login counts for nothing.
async fn program(request: &HttpRequest, door: &FrontDoor) -> Result<Option<Login>, Problem> {
    let browser = Browser::of(request);
    if browser.session.is_some() || browser.tells_who_led || is_browser(request.headers()) {
        return Ok(None);
    }
    let Some(login) = presented::login(request.headers()) else { return Ok(None) };
    let is_known = door.entrance()?.credentials.authenticate(&login).await?;
    Ok(is_known.then_some(login))
}
