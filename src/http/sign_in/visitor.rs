//! Who sends a form by which something is kept.

use actix_web::HttpRequest;

use super::traveller::fingerprint;
use crate::ambient::Timestamp;
use crate::bus::Login;
use crate::credentials::{Account, Typist};
use crate::http::Body;
use crate::http::presented;
use crate::http::problem::{Kind, Problem};
use crate::http::server::FrontDoor;
use crate::http::session::{Fields, Session, unavailable};
use crate::vault::{ResourceOwnerId, SecretText};

/// Somebody who may keep a secret here: in a browser, or a program by its login.
pub(super) struct Visitor {
    pub(super) session: Option<Session>,
    pub(super) login: Login,
    /// As whom they have a secret compared.
    pub(super) typist: Typist,
    /// When they last proved who they are on the bus.
    pub(super) proved_at: Timestamp,
    pub(super) fields: Fields,
}

impl Visitor {
    /// Whoever sends this form.
    ///
    /// # Errors
    /// Where nobody is signed in, the form is not one of the gateway's, or nobody can tell.
    pub(super) async fn of(request: &HttpRequest, body: &Body, door: &FrontDoor) -> Result<Self, Problem> {
        if let Some(session) = Session::find(request, door).await? {
            let fields = session.read_form(request, body)?;
            let (login, proved_at) = (session.login.clone(), session.began_at);
            let typist = typist(&session, door).await?;
            return Ok(Self { session: Some(session), login, typist, proved_at, fields });
        }
        let unknown = || Problem::new(Kind::NotAuthenticated, "You are not signed in, or not any more");
        let login = presented::login(request.headers()).ok_or_else(unknown)?;
        let credentials = &door.entrance()?.credentials;
        match credentials.authenticate(&login).await? {
            true => {
                let (proved_at, fields) = (door.clock.now(), Fields::read(body)?);
                let known_by = fingerprint(&login);
                let typist = Typist::Newcomer { person: login.uuid.clone(), known_by };
                Ok(Self { session: None, login, typist, proved_at, fields })
            }
            false => Err(unknown()),
        }
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
            owner: self.login.uuid.clone(),
        }
    }
}

async fn typist(session: &Session, door: &FrontDoor) -> Result<Typist, Problem> {
    let person = session.owner.clone();
    let place = door.entrance()?.sessions.place(session).await.map_err(|error| unavailable(&error))?;
    Ok(match place {
        Some(place) => Typist::Settled { person, place },
        None => Typist::Newcomer { person, known_by: session.line },
    })
}
