//! The owner's API: who may use these credentials (`spec/endo.md` 2.10).

use std::time::Duration;

use actix_web::http::header::LINK;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::body::Body;
use super::naming::named;
use super::presented;
use super::problem::{Kind, Problem};
use super::routes::Answer;
use super::server::FrontDoor;
use crate::ambient::Timestamp;
use crate::bus::{Login, form};
use crate::console::{Again, Ways};
use crate::credentials::{CredentialsDevices, CredentialsError, Owned, UserDeviceEntry, UserDeviceLook};
use crate::message::DeviceUuid;
use crate::telemetry::with_causes;

/// What an owner is told whose credentials no key here opens.
const KEY_MISSING: &str = "These credentials cannot be opened now: a key of this gateway is missing. They are back as soon as whoever \
                           runs the gateway puts it back; `endo doctor` says which it is. Nothing was done";

/// What the owner's routes work with.
pub struct Owners {
    /// The credentials.
    pub credentials: CredentialsDevices,
    /// What new user devices look like.
    pub look: UserDeviceLook,
    /// How old the proof of an account may be for its owner to end something; nothing for no proof at all.
    pub proof_age: Duration,
    /// What that proof is.
    pub proof: Proof,
}

/// How somebody proves whose account credentials are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By signing in, at the API or with the bus.
    SignIn,
    /// By typing the present key in again.
    Key,
    /// Not at all: the gateway is not registered at the API.
    Impossible,
}

impl Owners {
    /// What owners can do by themselves.
    pub(super) fn ways(&self) -> Ways {
        let again = match self.proof {
            Proof::SignIn => Again::SignIn,
            Proof::Key => Again::Key,
            Proof::Impossible => Again::Operator,
        };
        Ways { again, end: again != Again::Operator || self.proof_age.is_zero() }
    }

    /// The same of these credentials: of another API than the gateway's nobody proves anything.
    pub(super) fn ways_with(&self, owned: &Owned) -> Ways {
        match owned.elsewhere() {
            Some(_) => Ways { again: Again::Never, end: self.proof_age.is_zero() },
            None => self.ways(),
        }
    }
}

/// A caller who is an owner of the credentials in the path.
pub(super) struct Visit<'a> {
    pub(super) owners: &'a Owners,
    pub(super) caller: Login,
    /// Whether a browser may have sent the login by itself.
    pub(super) may_be_repeated: bool,
    pub(super) owned: Owned,
}

impl<'a> Visit<'a> {
    pub(super) async fn of(request: &HttpRequest, door: &'a FrontDoor) -> Result<Self, Problem> {
        let (owners, caller) = caller(request, door).await?;
        let owned = owners.credentials.owned_by(&caller.uuid, device(request)).await;
        let may_be_repeated = presented::may_be_repeated(request.headers());
        Ok(Self { owners, caller, may_be_repeated, owned: owned? })
    }
}

/// Who calls, by a login that the bus knows.
async fn caller<'a>(request: &HttpRequest, door: &'a FrontDoor) -> Result<(&'a Owners, Login), Problem> {
    let owners = door.owners()?;
    let login = presented::login(request.headers()).ok_or_else(presented::missing)?;
    if !owners.credentials.authenticate(&login).await? {
        return Err(presented::unknown());
    }
    Ok((owners, login))
}

/// The credentials device that the path names.
fn device(request: &HttpRequest) -> DeviceUuid {
    DeviceUuid::from(request.match_info().query("uuid"))
}

/// `GET /credentials/{uuid}`: the account's name, and what the service says of itself.
pub(super) async fn show(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let visit = Visit::of(&request, &door).await?;
    let options = visit.owners.credentials.service_options(Some(&visit.owned)).await;
    let mut answer = json!({});
    if let Some(username) = visit.owned.username() {
        answer["username"] = username.into();
    }
    for (name, value) in options? {
        if answer.get(&name).is_none() {
            answer[name] = value;
        }
    }
    Ok(HttpResponse::Ok().json(answer))
}

/// `GET /credentials/{uuid}/user-devices`.
pub(super) async fn list(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let visit = Visit::of(&request, &door).await?;
    let devices = visit.owners.credentials.user_device_entries(&visit.owned).await;
    let devices = devices?;
    Ok(HttpResponse::Ok().json(devices.iter().map(row).collect::<Value>()))
}

/// `uuid` first, as in the original; then what is known besides.
fn row(entry: &UserDeviceEntry) -> Value {
    let mut row = json!({"uuid": entry.uuid});
    let time = |time: Option<Timestamp>| time.map(|time| Value::from(time.iso_seconds()));
    let members = [
        ("name", entry.name.as_deref().map(Value::from)),
        ("owner", entry.owner.as_ref().map(|owner| owner.as_str().into())),
        ("createdAt", time(entry.bound_at)),
        ("lastMessageAt", time(entry.last_use.heard_at)),
        ("lastUseAt", time(entry.last_use.used_at)),
        ("errors", entry.errors.map(Value::from)),
    ];
    for (name, value) in members {
        if let Some(value) = value {
            row[name] = value;
        }
    }
    row
}

/// `GET /credentials/{uuid}/owners`: everybody who proved control of the account and did not leave; whose name is not known
/// is there by what a record of old shows of them.
pub(super) async fn owners(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let visit = Visit::of(&request, &door).await?;
    let named = visit.owned.owners().iter().map(|uuid| json!({"uuid": uuid}));
    let unnamed = visit.owned.unnamed_owners().iter().map(|key| json!({"authorizedKey": key}));
    Ok(HttpResponse::Ok().json(named.chain(unnamed).collect::<Value>()))
}

/// `GET /credentials/{uuid}/receipts`: what was ended, newest first; also when the secret is forgotten. Where there is more,
/// `Link` leads on (RFC 8288): to the same address, wherever this server is reached.
pub(super) async fn receipts(request: HttpRequest, door: Data<FrontDoor>) -> Answer {
    let (owners, caller) = caller(&request, &door).await?;
    let before = listed_before(&request)?;
    let receipts = owners.credentials.receipts_for(&caller.uuid, device(&request), before).await?;
    let mut answer = HttpResponse::Ok();
    if let Some(next) = receipts.next {
        answer.insert_header((LINK, format!("<?before={next}>; rel=\"next\"")));
    }
    Ok(answer.json(receipts.shown))
}

/// The receipt before which the query wants the list.
pub(super) fn listed_before(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(id) = form::first(request.query_string(), "before") else { return Ok(None) };
    let text = "`before` names a receipt by its number. Without it the list begins with the newest";
    id.parse().map(Some).map_err(|_| Problem::new(Kind::MalformedRequest, text))
}

/// `POST /credentials/{uuid}/user-devices`: a new device of the caller's, with its token. A JSON body may give its `name`.
pub(super) async fn add(request: HttpRequest, body: Body, door: Data<FrontDoor>) -> Answer {
    let Visit { owners, caller, owned, .. } = Visit::of(&request, &door).await?;
    let name = name_in(&body)?.or_else(|| owned.username().map(str::to_owned));
    let new = owners.credentials.dress_for(&owners.look, name, caller).await?;
    let bound = owners.credentials.bind(owned.device().clone(), new).await?;
    let mut answer = bound.document;
    answer["token"] = bound.token.as_str().into();
    Ok(HttpResponse::Created().json(answer))
}

/// What a new device is to be called. The original looks at no body, so one that is no JSON object says nothing.
fn name_in(body: &Body) -> Result<Option<String>, Problem> {
    let refused = |why: String| Problem::new(Kind::MalformedRequest, why);
    let Ok(Value::Object(members)) = serde_json::from_slice(&body.0) else { return Ok(None) };
    match members.get("name") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => named(name).map(Some).map_err(refused),
        Some(_) => Err(refused("`name` has to be text. Nothing was done".to_owned())),
    }
}

impl From<CredentialsError> for Problem {
    fn from(error: CredentialsError) -> Self {
        match error {
            // The original's word for it is what programs know.
            CredentialsError::NoRecord => Self::new(
                Kind::NotFound,
                "These credentials are not yours, or not there any more. Look among your own, or sign in as whoever owns them",
            )
            .with("error", "credentials device not found".into()),
            CredentialsError::KeyMissing => Self::new(Kind::Unavailable, KEY_MISSING),
            CredentialsError::Meshblu(error) => error.failure().into(),
            CredentialsError::Revoked => Self::new(
                Kind::NotAllowed,
                "The device was cut off while it was being added, and has no right",
            ),
            CredentialsError::NoSuchPlace => Self::new(
                Kind::NotFound,
                "The list was to go on after credentials that are not among yours, or not any more. Begin it anew",
            ),
            CredentialsError::LastOwner => {
                Self::new(Kind::LastOwner, "You are the last owner, and cannot leave")
            }
            CredentialsError::Busy => Self::new(
                Kind::Unavailable,
                "These credentials are being changed by somebody else; nothing was done. Try again in a moment",
            ),
            error => {
                tracing::error!(error = with_causes(&error), "an owner's request failed");
                Self::new(Kind::Internal, "Failed to access credentials device")
            }
        }
    }
}
