//! What takes the place of a sign-in at an API: a key that somebody types, or nothing but who they are on the bus.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;

use super::Next;
use super::api::unregistered;
use super::keeping::{Proven, keep, kept};
use super::wish::Wish;
use crate::ambient::Timestamp;
use crate::console::{self, KeyEntry};
use crate::credentials::CredentialsError;
use crate::http::Body;
use crate::http::entrance::{Entrance, Way};
use crate::http::owners::failed;
use crate::http::page::{page, see_other};
use crate::http::presented;
use crate::http::problem::{Kind, Problem};
use crate::http::routes::Answer;
use crate::http::server::FrontDoor;
use crate::http::session::{Fields, Session};
use crate::message::DeviceUuid;
use crate::vault::{ResourceOwnerId, SecretText};

/// The longest key, in bytes.
const LONGEST_KEY: usize = 16 * 1024;
/// The longest name of a key, in characters.
const LONGEST_NAME: usize = 100;

/// Somebody who may keep a secret here: in a browser, or a program by its login.
struct Visitor {
    session: Option<Session>,
    owner: DeviceUuid,
    /// When they last proved who they are.
    proved_at: Timestamp,
    fields: Fields,
}

/// The page in place of the API's. Where the bus alone says who somebody is, to sign in again is to do so there.
pub(super) async fn ask(door: &FrontDoor, (session, wish): (&Session, &Wish)) -> Answer {
    let entrance = door.entrance()?;
    let age = door.owners.as_ref().map(|owners| owners.proof_age).unwrap_or_default();
    let is_old = !age.is_zero() && door.clock.now().since(session.began_at) >= age;
    if wish.credentials.is_some() && is_old && entrance.bus.is_some() {
        return Ok(see_other(&Next::parse(&wish.path()).after("/auth/octoblu")));
    }
    let name = name_of(entrance, (&session.owner, wish.credentials.as_ref())).await?;
    Ok(show(entrance, session, (wish, name.as_deref(), None)))
}

fn show(
    entrance: &Entrance,
    session: &Session,
    (wish, name, note): (&Wish, Option<&str>, Option<&str>),
) -> actix_web::HttpResponse {
    let entry = KeyEntry {
        api: &entrance.api,
        action: &wish.path(),
        takes_key: matches!(entrance.way, Way::Key),
        name,
        name_is_fixed: wish.credentials.is_some(),
        note,
    };
    let status = if note.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page(status, console::key_entry(&session.viewer(), &entry))
}

/// `POST /auth/api`: keeps what was typed.
pub(in crate::http) async fn take(request: HttpRequest, body: Body, door: Data<FrontDoor>) -> Answer {
    let entrance = door.entrance()?;
    let visitor = Visitor::of(&request, &body, &door).await?;
    let wish = Wish::of(&request);
    let fixed = name_of(entrance, (&visitor.owner, wish.credentials.as_ref())).await?;
    let name = fixed.unwrap_or_else(|| visitor.fields.one("name").trim().to_owned());
    let proven = match &entrance.way {
        Way::SignIn(None) => return Err(unregistered(entrance)),
        Way::SignIn(Some(_)) => {
            let text = "Nothing is typed in here: GET /auth/api leads to the API";
            return Err(Problem::new(Kind::MethodNotAllowed, text).allowing("GET, HEAD, OPTIONS"));
        }
        Way::Nothing => Proven::typed(visitor.owner.as_str(), None, ""),
        Way::Key => match key(&name, visitor.fields.one("key")) {
            // A key belongs to whoever typed it: no API says whose account it is.
            Ok(key) => Proven::typed(&format!("{}:{name}", visitor.owner), Some(name), key),
            Err(note) => {
                let again = (&wish, Some(&*name), Some(note));
                return match &visitor.session {
                    Some(session) => Ok(show(entrance, session, again)),
                    None => Err(Problem::new(Kind::MalformedRequest, note)),
                };
            }
        },
    };
    let Wish { credentials, next } = wish;
    let device = keep(&door, (visitor.owner, credentials), (proven, visitor.proved_at)).await?;
    Ok(kept(&request, (&device, next.as_ref().map(Next::as_str))))
}

impl Visitor {
    async fn of(request: &HttpRequest, body: &Body, door: &FrontDoor) -> Result<Self, Problem> {
        if let Some(session) = Session::find(request, door).await? {
            let fields = session.read_form(request, body)?;
            let (owner, proved_at) = (session.owner.clone(), session.began_at);
            return Ok(Self { session: Some(session), owner, proved_at, fields });
        }
        let unknown = || Problem::new(Kind::NotAuthenticated, "You are not signed in, or not any more");
        let login = presented::login(request.headers()).ok_or_else(unknown)?;
        let credentials = &door.entrance()?.credentials;
        match credentials.authenticate(&login).await.map_err(|error| failed(&error))? {
            true => {
                let (proved_at, fields) = (door.clock.now(), Fields::read(body)?);
                Ok(Self { session: None, owner: login.uuid, proved_at, fields })
            }
            false => Err(unknown()),
        }
    }
}

impl Proven {
    fn typed(id: &str, username: Option<String>, secret: &str) -> Self {
        Self {
            id: ResourceOwnerId::Text(id.to_owned()),
            username,
            secret: SecretText::from(secret),
            refresh_token: None,
            life: None,
            extras: serde_json::Map::new(),
        }
    }
}

/// The name of the credentials that are given anew, if they are `owner`'s.
async fn name_of(
    entrance: &Entrance,
    (owner, credentials): (&DeviceUuid, Option<&DeviceUuid>),
) -> Result<Option<String>, Problem> {
    let Some(device) = credentials else { return Ok(None) };
    let owned = entrance.credentials.owned_by(owner, device.clone()).await;
    let owned = owned.map_err(|error: CredentialsError| failed(&error))?;
    Ok(owned.username().map(str::to_owned))
}

/// The key, if it can be one and has a name; else what is to be done about it.
fn key<'a>(name: &str, key: &'a str) -> Result<&'a str, &'static str> {
    let key = key.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err("Give the key a name of at most 100 characters, so that you know it again.");
    }
    let is_key =
        !key.is_empty() && key.len() <= LONGEST_KEY && key.bytes().all(|byte| byte.is_ascii_graphic());
    let wrong = "Type the key in again: it has to be one line of letters, digits and signs, without blanks.";
    is_key.then_some(key).ok_or(wrong)
}
