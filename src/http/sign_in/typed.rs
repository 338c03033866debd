//! What takes the place of a sign-in at an API: a page here, for a key or for nothing but who somebody is on the bus.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;

use super::NextPage;
use super::api::{depart_meant, unregistered};
use super::finish::{Kept, finish};
use super::gone;
use super::keeping::{BroughtAccount, keep};
use super::key;
use super::traveller::fingerprint;
use super::wish::Wish;
use crate::ambient::Timestamp;
use crate::bus::Login;
use crate::console;
use crate::credentials::{Account, Again, Typist};
use crate::http::Body;
use crate::http::entrance::Way;
use crate::http::page::{led_on, page, see_other};
use crate::http::presented;
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::{Browser, Fields, Session, unavailable};
use crate::message::DeviceUuid;
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

/// The page in place of the API's. Where the bus alone says who somebody is, to sign in again is to do so there.
pub(super) async fn ask(request: &HttpRequest, door: &FrontDoor, session: &Session, wish: &Wish) -> Answer {
    let entrance = door.entrance()?;
    if matches!(entrance.way, Way::Key) {
        return key::ask(door, session, wish).await;
    }
    if !gone::is_there(entrance, wish).await? {
        return gone::told(request, entrance, session);
    }
    let age = proof_age(door);
    let is_old = !age.is_zero() && door.clock.now().since(session.began_at) >= age;
    if wish.credentials.is_some() && is_old && entrance.bus.is_some() {
        return Ok(see_other(&NextPage::parse(&wish.path()).after("/auth/octoblu")));
    }
    let markup = console::no_account(&session.viewer(), &entrance.api, &wish.path());
    Ok(page(StatusCode::OK, markup))
}

/// How old a proof may be that lets an owner end something.
pub(super) fn proof_age(door: &FrontDoor) -> Duration {
    door.owners().map(|owners| owners.proof_age).unwrap_or_default()
}

/// `POST /auth/api`: keeps what was typed, or goes on to the API.
pub(in crate::http) async fn take(request: HttpRequest, body: Body, door: Data<FrontDoor>) -> Answer {
    let entrance = door.entrance()?;
    let visitor = Visitor::of(&request, &body, &door).await?;
    let wish = Wish::of(&request);
    match &entrance.way {
        Way::SignIn(None) => Err(unregistered(entrance)),
        Way::SignIn(Some(client)) => match &visitor.session {
            // They may have been forgotten in another tab since the page with the button was made.
            Some(session) if !gone::is_there(entrance, &wish).await? => {
                gone::told(&request, entrance, session)
            }
            Some(session) => {
                let departure = depart_meant(entrance, client, session, wish);
                Ok(departure.by(|url| led_on(url, &entrance.api), &Browser::of(&request)))
            }
            None => {
                let text = "Nothing is typed in here: GET /auth/api leads a browser to the API";
                Err(Problem::new(Kind::MethodNotAllowed, text).allowing("GET, HEAD, OPTIONS"))
            }
        },
        Way::Nothing => {
            let Wish { credentials, next } = wish;
            let id = ResourceOwnerId::Text(visitor.login.uuid.to_string());
            let account = account(visitor.login.uuid.clone(), id, None, SecretText::default());
            let again = credentials.map(|device| Again { device, present: None });
            let Visitor { session, login, proved_at, .. } = visitor;
            let owner = login.uuid.clone();
            let device = keep(&door, BroughtAccount { account, login, arrival: None, again }).await?;
            let (session, proved_at) = (session.as_ref(), Some(proved_at));
            finish(&request, &door, Kept { owner: &owner, session, device, proved_at }, next.as_ref()).await
        }
        Way::Key => key::take(&request, &door, visitor, wish).await,
    }
}

impl Visitor {
    async fn of(request: &HttpRequest, body: &Body, door: &FrontDoor) -> Result<Self, Problem> {
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
}

async fn typist(session: &Session, door: &FrontDoor) -> Result<Typist, Problem> {
    let person = session.owner.clone();
    let place = door.entrance()?.sessions.place(session).await.map_err(|error| unavailable(&error))?;
    Ok(match place {
        Some(place) => Typist::Settled { person, place },
        None => Typist::Newcomer { person, known_by: session.line },
    })
}

/// The account that is kept for `owner` where no API says whose it is.
pub(super) fn account(
    owner: DeviceUuid,
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
        owner,
    }
}
